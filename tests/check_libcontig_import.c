/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/text.h"
#include "tests/descriptor_limit.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Descriptors from elsewhere: the daemon is asked by number, and the token comes
 * out of the descriptor's name.  Names of dma-bufs are read on the board.
 */

#define TOKEN UINT64_C(0xfedcba9876543210)

struct known {
	uint64_t inode; /* the only one that is known */
	uint32_t cpu_access;
	uint64_t token_seen; /* of CPU_BEGIN */
	uint64_t proof_seen; /* of DESCRIBE */
};

static struct fake fake;
static struct contig *contig;
static struct known known;

static void describe(struct fake *f, int fd, unsigned int n)
{
	struct contig_msg_buffer *facts;
	union message reply;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		if (f->in.header.opcode == CONTIG_MSG_CPU_BEGIN)
			known.token_seen = f->in.cpu.token;
		if (f->in.header.opcode == CONTIG_MSG_RELEASE)
			continue;
		if (f->in.header.opcode != CONTIG_MSG_DESCRIBE) {
			fake_answer_plain(f, fd);
			continue;
		}
		known.proof_seen = f->in.describe.token;
		if (f->in.describe.inode != known.inode) {
			fake_answer_error(f, fd, CONTIG_MSG_R_NO_BUFFER,
					  "not mine");
			continue;
		}
		fake_prepare(f, &reply, 1);
		facts = form_elements(form_find(CONTIG_MSG_DESCRIBE), &reply);
		fake_buffer(facts, 9, 4096);
		facts->cpu_access = known.cpu_access;
		facts->state = CONTIG_MSG_DRAINING;
		text_put(facts->name, sizeof(facts->name), "passed-on");
		fake_send(fd, &reply, NULL, 0);
	}
}

static void with(int fd, uint32_t cpu_access)
{
	struct stat stat;

	ck_assert_int_eq(fstat(fd, &stat), 0);
	known = (struct known){.inode = stat.st_ino, .cpu_access = cpu_access};
	fake_start(&fake, describe, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

static void done(void)
{
	contig_close(contig);
	fake_stop(&fake);
}

START_TEST(describes_by_number)
{
	struct contig_buffer_info info;
	int fd = fake_memfd(TOKEN, "x", 4096), pipes[2];

	with(fd, CONTIG_MSG_CPU_DIRECT);
	ck_assert_int_eq(contig_describe(contig, fd, &info), 0);
	ck_assert_uint_eq(info.id, 9);
	ck_assert_str_eq(info.name, "passed-on");
	ck_assert_int_eq(info.draining, 1);
	ck_assert_uint_eq(known.proof_seen, TOKEN);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(contig_describe(contig, pipes[0], &info), -ENOENT);
	ck_assert_uint_eq(known.proof_seen, 0);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	ck_assert_int_eq(contig_describe(contig, pipes[0], &info), -EBADF);
	ck_assert_int_eq(contig_describe(contig, -1, &info), -EBADF);
	done();
	(void)close(fd);
}
END_TEST

START_TEST(imports_a_duplicate)
{
	int fd = fake_memfd(TOKEN, "x", 4096);
	struct contig_buffer *buffer;
	void *map;

	with(fd, CONTIG_MSG_CPU_DIRECT);
	ck_assert_int_eq(contig_import(contig, fd, &buffer), 0);
	ck_assert_int_ne(contig_fd(buffer), fd);
	ck_assert_int_eq(fcntl(contig_fd(buffer), F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "hello", 5, 0), 5);
	(void)close(fd);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	ck_assert_mem_eq(map, "hello", 5);
	contig_release(buffer);
	done();
}
END_TEST

START_TEST(finds_the_token_of_bounced_memory)
{
	int fd = fake_memfd(TOKEN, "name-with-deadbeef", 4096);
	struct contig_buffer *buffer;

	with(fd, CONTIG_MSG_CPU_BOUNCE);
	ck_assert_int_eq(contig_import(contig, fd, &buffer), 0);
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ), 0);
	ck_assert_uint_eq(known.token_seen, TOKEN);
	contig_release(buffer);
	done();
	(void)close(fd);
}
END_TEST

/* A dma-buf of one page called "contig-TOKEN-frame", or -1 where this machine
 * makes none. */
static int make_dmabuf(void)
{
	struct udmabuf_create create = {.size = 4096};
	char name[DMA_BUF_NAME_LEN];
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (device < 0)
		return -1;
	fd = memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	create.memfd = (uint32_t)fd;
	create.flags = UDMABUF_FLAGS_CLOEXEC;
	fd = ioctl(device, UDMABUF_CREATE, &create);
	ck_assert_int_ge(fd, 0);
	(void)close((int)create.memfd);
	(void)close(device);
	(void)snprintf(name, sizeof(name), "contig-%016" PRIx64 "-frame",
		       TOKEN);
	ck_assert_int_eq(ioctl(fd, DMA_BUF_SET_NAME_B, name), 0);
	return fd;
}

/* Whoever renames the dma-buf takes the proof away. */
START_TEST(finds_the_token_of_a_dmabuf)
{
	int fd = make_dmabuf();
	struct contig_buffer_info info;
	struct contig_buffer *buffer;
	char name[DMA_BUF_NAME_LEN] = "mine";

	if (fd < 0)
		return; /* on the board it is made */
	with(fd, CONTIG_MSG_CPU_IOCTL);
	ck_assert_int_eq(contig_import(contig, fd, &buffer), 0);
	ck_assert_uint_eq(known.proof_seen, TOKEN);
	contig_release(buffer);
	ck_assert_int_eq(ioctl(fd, DMA_BUF_SET_NAME_B, name), 0);
	ck_assert_int_eq(contig_describe(contig, fd, &info), 0);
	ck_assert_uint_eq(known.proof_seen, 0);
	done();
	(void)close(fd);
}
END_TEST

static const char *const no_tokens[] = {
	"",
	"contig-",
	"contig-0123456789abcde-",
	"contig-0123456789abcdef",
	"contig-0123456789abcdeg-x",
	"contig-0123456789ABCDEF-x",
	"contig-0123456789abcdef0-x",
	"xcontig-0123456789abcdef-x",
};

START_TEST(takes_nothing_else_for_a_token)
{
	int fd = memfd_create(no_tokens[_i], MFD_CLOEXEC);
	struct contig_buffer *buffer = NULL;

	with(fd, CONTIG_MSG_CPU_BOUNCE);
	ck_assert_int_eq(contig_import(contig, fd, &buffer), -EIO);
	ck_assert_ptr_null(buffer);
	ck_assert_uint_eq(known.proof_seen, 0);
	done();
	(void)close(fd);
}
END_TEST

START_TEST(says_where_no_descriptor_is_left)
{
	int fd = fake_memfd(TOKEN, "x", 4096);
	struct contig_buffer *buffer = NULL;
	struct rlimit before;
	struct contig_status status;

	with(fd, CONTIG_MSG_CPU_DIRECT);
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	descriptor_limit_lower(0, &before);
	ck_assert_int_eq(contig_import(contig, fd, &buffer), -EMFILE);
	descriptor_limit_restore(&before);
	ck_assert_ptr_null(buffer);
	done();
	(void)close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig import");
	TCase *tcase = harness_case(suite, "import");

	tcase_add_test(tcase, describes_by_number);
	tcase_add_test(tcase, imports_a_duplicate);
	tcase_add_test(tcase, finds_the_token_of_bounced_memory);
	tcase_add_test(tcase, finds_the_token_of_a_dmabuf);
	tcase_add_loop_test(tcase, takes_nothing_else_for_a_token, 0,
			    sizeof(no_tokens) / sizeof(*no_tokens));
	tcase_add_test(tcase, says_where_no_descriptor_is_left);
	return harness_run(suite);
}
