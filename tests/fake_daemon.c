/* SPDX-License-Identifier: MIT */
#include "tests/fake_daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/channel.h"
#include "proto/text.h"
#include "proto/validate.h"
#include "tests/harness.h"
#include "util/fd.h"

/*
 * The library is tested against a peer whose every byte the test decides, over
 * a real socket.  The scripts run in a thread rather than in a process, so
 * that descriptors which they forget are seen by the harness too.
 */

static void *run(void *data)
{
	struct fake *fake = data;

	for (unsigned int n = 0;; n++) {
		struct pollfd ready = {.fd = fake->listener_fd,
				       .events = POLLIN};
		int fd;

		ck_assert_int_ge(poll(&ready, 1, -1), 0);
		fd = accept4(fake->listener_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL; /* fake_stop() shut it down */
		fake->script(fake, fd, n);
		(void)close(fd);
	}
}

void fake_start(struct fake *fake, fake_script *script, void *data)
{
	memset(fake, 0, sizeof(*fake));
	(void)snprintf(fake->dir, sizeof(fake->dir), "/tmp/contig-fake-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake->dir));
	(void)snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->dir);
	fake->script = script;
	fake->data = data;
	fake->listener_fd = channel_listen(fake->path, 16);
	ck_assert_int_ge(fake->listener_fd, 0);
	ck_assert_int_eq(pthread_create(&fake->thread, NULL, run, fake), 0);
}

void fake_stop(struct fake *fake)
{
	ck_assert_int_eq(shutdown(fake->listener_fd, SHUT_RDWR), 0);
	ck_assert_int_eq(pthread_join(fake->thread, NULL), 0);
	(void)close(fake->listener_fd);
	ck_assert_int_eq(unlink(fake->path), 0);
	ck_assert_int_eq(rmdir(fake->dir), 0);
}

bool fake_receive(struct fake *fake, int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct error why = ERROR_INIT;
	size_t size;
	int r;

	while ((r = channel_receive(fd, &fake->in, sizeof(fake->in), &size)) ==
	       -EAGAIN)
		ck_assert_int_eq(poll(&ready, 1, -1), 1);
	if (r == CHANNEL_E_CLOSED)
		return false;
	ck_assert_int_eq(r, 0);
	ck_assert_msg(!validate_request(&fake->in, size, &why), "%s", why.text);
	return true;
}

void fake_expect(struct fake *fake, int fd, uint16_t opcode)
{
	ck_assert(fake_receive(fake, fd));
	ck_assert_uint_eq(fake->in.header.opcode, opcode);
}

void fake_greet(struct fake *fake, int fd)
{
	union message reply;

	fake_expect(fake, fd, CONTIG_MSG_HELLO);
	fake_prepare(fake, &reply, 0);
	reply.hello_reply.version = CONTIG_PROTOCOL_VERSION;
	fake_send(fd, &reply, NULL, 0);
}

void fake_prepare(const struct fake *fake, union message *reply, uint32_t count)
{
	const struct form *form = form_find(fake->in.header.opcode);

	memset(reply, 0, sizeof(*reply));
	reply->header.size = (uint32_t)form_reply_bytes(form, count);
	reply->header.opcode = fake->in.header.opcode | CONTIG_MSG_REPLY;
	reply->header.serial = fake->in.header.serial;
	if (form->element_bytes)
		memcpy(reply->bytes + form->count_offset, &count, sizeof(count));
}

void fake_send(int fd, const union message *reply, const int *fds, size_t n_fds)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int r;

	do {
		r = channel_send(fd, reply, reply->header.size, fds, n_fds);
		if (r == -EAGAIN)
			ck_assert_int_eq(poll(&ready, 1, -1), 1);
		/* what other tests of the user have on its way */
		if (r == -ETOOMANYREFS)
			(void)poll(NULL, 0, 1);
	} while (r == -EAGAIN || r == -ETOOMANYREFS);
	ck_assert_msg(r == 0 || r == CHANNEL_E_CLOSED, "%d", r);
}

void fake_answer_plain(struct fake *fake, int fd)
{
	union message reply;

	fake_prepare(fake, &reply, 0);
	fake_send(fd, &reply, NULL, 0);
}

void fake_answer_error(struct fake *fake, int fd, uint32_t reason,
		       const char *text)
{
	union message reply;

	memset(&reply, 0, sizeof(reply));
	reply.header.size = sizeof(reply.error);
	reply.header.opcode = CONTIG_MSG_ERROR;
	reply.header.serial = fake->in.header.serial;
	reply.error.reason = reason;
	text_put(reply.error.text, sizeof(reply.error.text), text);
	fake_send(fd, &reply, NULL, 0);
}

void fake_buffer(struct contig_msg_buffer *buffer, uint64_t id,
		 uint64_t size_bytes)
{
	memset(buffer, 0, sizeof(*buffer));
	buffer->id = id;
	buffer->size_bytes = size_bytes;
	buffer->guarantees = CONTIG_MSG_ISOLATED | CONTIG_MSG_CACHED;
	buffer->cpu_access = CONTIG_MSG_CPU_DIRECT;
	buffer->state = CONTIG_MSG_LENT;
	buffer->owner_uid = (uint32_t)getuid();
	buffer->region_id = 1;
	text_put(buffer->region, sizeof(buffer->region), "fake");
}

int fake_memfd(uint64_t token, const char *name, uint64_t size_bytes)
{
	char full[64];
	int fd;

	(void)snprintf(full, sizeof(full), "contig-%016" PRIx64 "-%s", token,
		       name);
	fd = memfd_create(full, MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size_bytes), 0);
	return fd;
}

void fake_lend(struct fake *fake, int fd, uint64_t first_id)
{
	struct contig_msg_alloc alloc = fake->in.alloc;
	struct contig_msg_buffer *buffers;
	int fds[CONTIG_MSG_MAX_BUFFERS];
	union message reply;

	ck_assert_uint_eq(alloc.header.opcode, CONTIG_MSG_ALLOC);
	fake_prepare(fake, &reply, alloc.count);
	buffers = form_elements(form_find(CONTIG_MSG_ALLOC), &reply);
	for (uint32_t i = 0; i < alloc.count; i++) {
		fake_buffer(&buffers[i], first_id + i,
			    (alloc.size_bytes + 4095) / 4096 * 4096);
		memcpy(buffers[i].name, alloc.name, sizeof(alloc.name));
		fds[i] = fake_memfd(0, alloc.name, buffers[i].size_bytes);
	}
	fake_send(fd, &reply, fds, alloc.count);
	for (uint32_t i = 0; i < alloc.count; i++)
		(void)close(fds[i]);
}

void fake_lend_this(const struct fake *fake, int fd,
		    const struct contig_msg_buffer *facts, int memfd_consume)
{
	union message reply;

	ck_assert_uint_eq(fake->in.header.opcode, CONTIG_MSG_ALLOC);
	fake_prepare(fake, &reply, 1);
	memcpy(form_elements(form_find(CONTIG_MSG_ALLOC), &reply), facts,
	       sizeof(*facts));
	fake_send(fd, &reply, &memfd_consume, 1);
	(void)close(memfd_consume);
}

void fake_serve(struct fake *fake, int fd, unsigned int n)
{
	uint64_t next_id = n * 1000000 + 1;

	fake_greet(fake, fd);
	while (fake_receive(fake, fd)) {
		if (fake->in.header.opcode == CONTIG_MSG_RELEASE) {
			continue;
		} else if (fake->in.header.opcode == CONTIG_MSG_ALLOC) {
			uint32_t count = fake->in.alloc.count;

			fake_lend(fake, fd, next_id);
			next_id += count;
		} else {
			fake_answer_plain(fake, fd);
		}
	}
}
