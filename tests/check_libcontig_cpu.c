/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <unistd.h>

#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * What begin and end of CPU access do for each kind of memory, told apart by
 * what reaches the daemon.  A memfd takes no dma-buf ioctl, which makes it the
 * kernel that refuses; a real dma-buf is the virtual board's affair.
 */

#define TOKEN UINT64_C(0x0123456789abcdef)

struct bounces {
	uint32_t cpu_access;
	unsigned int seen;
	uint32_t refuse; /* reason, or 0 */
	struct contig_msg_cpu last;
	uint16_t last_opcode;
};

static struct fake fake;
static struct contig *contig;
static struct contig_buffer *buffer;
static struct bounces bounces;

static void bounce(struct fake *f, int fd, unsigned int n)
{
	struct contig_msg_buffer facts;

	(void)n;
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	fake_buffer(&facts, 5, 8192);
	facts.cpu_access = bounces.cpu_access;
	facts.token = TOKEN;
	fake_lend_this(f, fd, &facts, fake_memfd(TOKEN, "", 8192));
	while (fake_receive(f, fd) && f->in.header.opcode != CONTIG_MSG_RELEASE) {
		bounces.last = f->in.cpu;
		bounces.last_opcode = f->in.header.opcode;
		bounces.seen++;
		if (bounces.refuse)
			fake_answer_error(f, fd, bounces.refuse, "no");
		else
			fake_answer_plain(f, fd);
	}
}

static void with(uint32_t cpu_access)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	request.size_bytes = 8192;
	bounces = (struct bounces){.cpu_access = cpu_access};
	fake_start(&fake, bounce, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
}

static void done(void)
{
	contig_release(buffer);
	contig_close(contig);
	fake_stop(&fake);
}

START_TEST(judges_arguments_whatever_the_memory)
{
	with((uint32_t)_i);
	ck_assert_int_eq(contig_begin_cpu(buffer, 0), -EINVAL);
	ck_assert_int_eq(contig_end_cpu(buffer, 4), -EINVAL);
	ck_assert_int_eq(contig_begin_cpu_range(buffer, CONTIG_READ, 1, 8192),
			 -ERANGE);
	ck_assert_int_eq(contig_end_cpu_range(buffer, CONTIG_READ, 8193, 0),
			 -ERANGE);
	ck_assert_int_eq(
		contig_begin_cpu_range(buffer, CONTIG_READ, UINT64_MAX, 2),
		-ERANGE);
	ck_assert_int_eq(contig_begin_cpu_range(buffer, CONTIG_READ, 8192, 0),
			 0);
	done();
	ck_assert_uint_eq(bounces.seen, 0);
}
END_TEST

START_TEST(direct_memory_needs_nothing)
{
	with(CONTIG_MSG_CPU_DIRECT);
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ), 0);
	ck_assert_int_eq(contig_end_cpu(buffer, CONTIG_READ), 0);
	done();
	ck_assert_uint_eq(bounces.seen, 0);
}
END_TEST

START_TEST(a_dma_buf_is_the_kernels_affair)
{
	with(CONTIG_MSG_CPU_IOCTL);
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ | CONTIG_WRITE),
			 -EIO);
	ck_assert_int_eq(contig_end_cpu(buffer, CONTIG_WRITE), -EIO);
	done();
	ck_assert_uint_eq(bounces.seen, 0);
}
END_TEST

START_TEST(a_bounce_is_the_daemons)
{
	with(CONTIG_MSG_CPU_BOUNCE);
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ), 0);
	ck_assert_uint_eq(bounces.last_opcode, CONTIG_MSG_CPU_BEGIN);
	ck_assert_uint_eq(bounces.last.buffer_id, 5);
	ck_assert_uint_eq(bounces.last.token, TOKEN);
	ck_assert_uint_eq(bounces.last.offset_bytes, 0);
	ck_assert_uint_eq(bounces.last.length_bytes, 8192);
	ck_assert_uint_eq(bounces.last.flags, CONTIG_MSG_READ);
	ck_assert_int_eq(contig_end_cpu_range(buffer, CONTIG_WRITE, 100, 28), 0);
	ck_assert_uint_eq(bounces.last_opcode, CONTIG_MSG_CPU_END);
	ck_assert_uint_eq(bounces.last.offset_bytes, 100);
	ck_assert_uint_eq(bounces.last.length_bytes, 28);
	ck_assert_uint_eq(bounces.last.flags, CONTIG_MSG_WRITE);
	bounces.refuse = CONTIG_MSG_R_NO_BUFFER;
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ), -ENOENT);
	bounces.refuse = CONTIG_MSG_R_BACKEND;
	ck_assert_int_eq(contig_end_cpu(buffer, CONTIG_READ), -EIO);
	done();
	ck_assert_uint_eq(bounces.seen, 4);
}
END_TEST

START_TEST(a_bounce_needs_its_connection)
{
	with(CONTIG_MSG_CPU_BOUNCE);
	contig_close(contig);
	fake_stop(&fake);
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ), -ENOTCONN);
	ck_assert_int_eq(contig_end_cpu(buffer, CONTIG_READ), -ENOTCONN);
	contig_release(buffer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig cpu");
	TCase *tcase = harness_case(suite, "cpu");

	tcase_add_loop_test(tcase, judges_arguments_whatever_the_memory,
			    CONTIG_MSG_CPU_DIRECT, CONTIG_MSG_CPU_BOUNCE + 1);
	tcase_add_test(tcase, direct_memory_needs_nothing);
	tcase_add_test(tcase, a_dma_buf_is_the_kernels_affair);
	tcase_add_test(tcase, a_bounce_is_the_daemons);
	tcase_add_test(tcase, a_bounce_needs_its_connection);
	return harness_run(suite);
}
