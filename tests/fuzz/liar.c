/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/liar.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/channel.h"
#include "proto/validate.h"
#include "tests/fuzz/answers.h"
#include "tests/fuzz/fuzz.h"
#include "util/cleanup.h"

/*
 * The library reads what a peer sends, and a socket's path is only a path: who
 * listens there may be anybody.  The thread takes one connection after the
 * other, and for each request the next orders from its script: a right answer,
 * one with some bytes changed, another number of descriptors, something else
 * altogether, several of these, or none.
 *
 * Library and liar take turns, one request, its answers, and so on, so that an
 * input does the same each time although there are two threads.
 */

#define LAST_WORD 'x' /* who connects and says this waits for idleness */

static struct {
	char dir[32];
	char path[48];
	int listen_fd;
	struct input script;
	sem_t idle;
} liar;

/* One connection. */
struct talk {
	int fd;
	union message request;
	bool answered; /* with the serial of the request */
	bool over;
};

static void hang_up(struct talk *talk)
{
	(void)shutdown(talk->fd, SHUT_RDWR);
	talk->over = true;
}

static void say(struct talk *talk, const void *bytes, size_t size,
		const struct channel_fds *fds)
{
	const struct contig_msg_header *header = bytes;

	if (channel_send(talk->fd, bytes, size, fds ? fds->fds : NULL,
			 fds ? fds->count : 0) != 0) {
		hang_up(talk);
		return;
	}
	if (size >= sizeof(*header) &&
	    header->serial == talk->request.header.serial)
		talk->answered = true;
}

static void say_rightly(struct talk *talk)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	union message answer;

	answer_rightly(&answer, &talk->request, input_u8(&liar.script), &fds);
	say(talk, &answer, answer.header.size, &fds);
	channel_fds_close(&fds);
}

/* A right answer, but for some bytes, its length, and its descriptors. */
static void say_bent(struct talk *talk)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	union message answer;
	size_t size;
	int more;

	answer_rightly(&answer, &talk->request, input_u8(&liar.script), &fds);
	size = answer.header.size;
	for (int n = input_u8(&liar.script) % 8; n > 0; n--) {
		size_t at = input_u16(&liar.script) % size;

		answer.bytes[at] = input_u8(&liar.script);
	}
	more = (int8_t)input_u8(&liar.script);
	if (more < 0)
		size = size > (size_t)-more ? size - (size_t)-more : 1;
	else if (size + (size_t)more <= sizeof(answer))
		size += (size_t)more;
	answer_bend_fds(&fds, input_u8(&liar.script));
	say(talk, &answer, size, &fds);
	channel_fds_close(&fds);
}

static void say_error(struct talk *talk)
{
	union message answer;
	uint8_t how = input_u8(&liar.script);
	struct input text;

	memset(&answer, 0, sizeof(answer.error));
	answer.header.size = sizeof(answer.error);
	answer.header.opcode = CONTIG_MSG_ERROR;
	if (!(how & 0x80))
		answer.header.serial = talk->request.header.serial;
	answer.error.reason =
		how & 0x40 ? input_u32(&liar.script) : (how & 0x3fu) % 16;
	answer.error.requested_bytes = input_u8(&liar.script);
	text = input_part(&liar.script, input_u8(&liar.script));
	input_copy(&text, answer.error.text, text.size);
	say(talk, &answer, sizeof(answer.error), NULL);
}

/* An answer to something else, or to nothing. */
static void say_stray(struct talk *talk)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	union message answer;

	answer_rightly(&answer, &talk->request, 1, &fds);
	answer.header.serial += (uint32_t)(int8_t)input_u8(&liar.script);
	say(talk, &answer, answer.header.size, &fds);
	channel_fds_close(&fds);
}

static void say_raw(struct talk *talk)
{
	struct input part = input_part(&liar.script, input_u16(&liar.script));
	struct channel_fds fds = CHANNEL_FDS_INIT;
	static union message bytes;
	size_t size = part.size < sizeof(bytes) ? part.size : sizeof(bytes);

	input_copy(&part, &bytes, size);
	answer_bend_fds(&fds, input_u8(&liar.script));
	say(talk, &bytes, size, &fds);
	channel_fds_close(&fds);
}

/* More than a message may be, or nothing. */
static void say_sizes(struct talk *talk)
{
	static union message longest[2];
	uint8_t how = input_u8(&liar.script);

	if (send(talk->fd, longest, how ? sizeof(longest[0]) + how : 0,
		 MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		hang_up(talk);
}

static bool nobody_waits(const union message *request)
{
	return request->header.opcode == CONTIG_MSG_ALLOC &&
	       strcmp(request->alloc.name, LIAR_LATER) == 0;
}

static void answer(struct talk *talk)
{
	uint8_t order;

	do {
		order = input_u8(&liar.script);
		switch (order & 7) {
		case 0:
			say_rightly(talk);
			break;
		case 1:
		case 2:
			say_bent(talk);
			break;
		case 3:
			say_error(talk);
			break;
		case 4:
			say_stray(talk);
			break;
		case 5:
			say_raw(talk);
			break;
		case 6:
			say_sizes(talk);
			break;
		default:
			if (!nobody_waits(&talk->request))
				hang_up(talk);
			break;
		}
	} while ((order & 0x80) && !talk->over);
	if (!talk->answered && !nobody_waits(&talk->request))
		hang_up(talk);
}

/* The library speaks the protocol, whatever it was told before. */
static bool hear(struct talk *talk, size_t size)
{
	struct error why = ERROR_INIT;

	if (size == 1 && talk->request.bytes[0] == LAST_WORD)
		return false;
	if (validate_request(&talk->request, size, &why) != 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		fuzz_assert(!"what the library says is well formed");
	}
	talk->answered = false;
	if (talk->request.header.opcode != CONTIG_MSG_RELEASE)
		answer(talk);
	return true;
}

/* True where it was the last word. */
static bool converse(int fd_consume)
{
	_cleanup_fd_ int fd = fd_consume;
	static struct talk talk;
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	talk.fd = fd;
	talk.over = false;
	for (;;) {
		size_t size;
		int r = channel_receive(fd, &talk.request, sizeof(talk.request),
					&size);

		if (r == -EAGAIN)
			(void)poll(&ready, 1, -1);
		else if (r != 0)
			return false;
		else if (!hear(&talk, size))
			return true;
	}
}

static void *run(void *data)
{
	(void)data;
	for (;;) {
		int fd = accept4(liar.listen_fd, NULL, NULL, SOCK_CLOEXEC);

		fuzz_assert(fd >= 0);
		if (converse(fd))
			(void)sem_post(&liar.idle);
	}
	return NULL;
}

static void remove_socket(void)
{
	(void)unlink(liar.path);
	(void)rmdir(liar.dir);
}

static void start(void)
{
	pthread_t thread;
	int flags;

	(void)strcpy(liar.dir, "/tmp/contigd-fuzz-XXXXXX");
	fuzz_assert(mkdtemp(liar.dir));
	(void)snprintf(liar.path, sizeof(liar.path), "%s/socket", liar.dir);
	liar.listen_fd = channel_listen(liar.path, 16);
	fuzz_assert(liar.listen_fd >= 0);
	flags = fcntl(liar.listen_fd, F_GETFL);
	fuzz_assert(fcntl(liar.listen_fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
	fuzz_assert(sem_init(&liar.idle, 0, 0) == 0);
	fuzz_assert(atexit(remove_socket) == 0);
	fuzz_assert(pthread_create(&thread, NULL, run, NULL) == 0);
	fuzz_assert(pthread_detach(thread) == 0);
}

const char *liar_path(void)
{
	if (!liar.path[0])
		start();
	return liar.path;
}

void liar_instruct(const struct input *script)
{
	liar.script = *script;
}

void liar_wait_idle(void)
{
	const char word = LAST_WORD;
	int fd = channel_connect(liar_path());

	fuzz_assert(fd >= 0);
	fuzz_assert(channel_send(fd, &word, 1, NULL, 0) == 0);
	while (sem_wait(&liar.idle) < 0)
		;
	(void)fd_close(fd);
}
