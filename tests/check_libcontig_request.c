/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <string.h>

#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * What reaches the daemon of a caller's request, and what never does.
 */

static struct fake fake;
static struct contig *contig;
static struct contig_msg_alloc seen;
static unsigned int n_seen;

static void look(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	n_seen = 0;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		ck_assert_uint_eq(f->in.header.opcode, CONTIG_MSG_ALLOC);
		seen = f->in.alloc;
		n_seen++;
		fake_answer_error(f, fd, CONTIG_MSG_R_FULL, "seen");
	}
}

static struct contig_request good(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	request.size_bytes = 4096;
	return request;
}

static int ask(const struct contig_request *request)
{
	struct contig_failure failure;
	struct contig_buffer *buffer;
	int r = contig_alloc(contig, request, &buffer, &failure);

	ck_assert_int_eq(failure.error, r);
	ck_assert_str_ne(failure.text, "");
	return r;
}

static void open_looking(void)
{
	fake_start(&fake, look, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

static void done(unsigned int messages)
{
	contig_close(contig);
	fake_stop(&fake);
	ck_assert_uint_eq(n_seen, messages);
}

START_TEST(carries_every_field)
{
	struct contig_request request = good();

	open_looking();
	request.size_bytes = 1;
	request.align_bytes = 1 << 20;
	request.max_phys = UINT32_MAX;
	request.boundary_bytes = UINT64_C(1) << 28;
	request.require = CONTIG_CONTIGUOUS | CONTIG_PHYS_KNOWN;
	request.region = "camera@90000000";
	request.name = "0123456789012345678901234567890"; /* 31 */
	ck_assert_int_eq(ask(&request), -ENOMEM);
	ck_assert_uint_eq(seen.size_bytes, 1);
	ck_assert_uint_eq(seen.align_bytes, 1 << 20);
	ck_assert_uint_eq(seen.max_phys, UINT32_MAX);
	ck_assert_uint_eq(seen.boundary_bytes, UINT64_C(1) << 28);
	ck_assert_uint_eq(seen.require,
			  CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_PHYS_KNOWN);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_str_eq(seen.region, request.region);
	ck_assert_str_eq(seen.name, request.name);
	done(1);
}
END_TEST

START_TEST(public_flags_are_the_wires)
{
	ck_assert_uint_eq(CONTIG_CONTIGUOUS, CONTIG_MSG_CONTIGUOUS);
	ck_assert_uint_eq(CONTIG_ISOLATED, CONTIG_MSG_ISOLATED);
	ck_assert_uint_eq(CONTIG_DMA_BUF, CONTIG_MSG_DMA_BUF);
	ck_assert_uint_eq(CONTIG_CACHED, CONTIG_MSG_CACHED);
	ck_assert_uint_eq(CONTIG_PHYS_KNOWN, CONTIG_MSG_PHYS_KNOWN);
	ck_assert_uint_eq(CONTIG_REGION_BYTES, CONTIG_MSG_REGION_BYTES);
	ck_assert_uint_eq(CONTIG_NAME_BYTES, CONTIG_MSG_NAME_BYTES);
}
END_TEST

START_TEST(sizes_end_at_2_to_the_63)
{
	struct contig_request request = good();

	open_looking();
	request.size_bytes = UINT64_C(1) << 63;
	ck_assert_int_eq(ask(&request), -ENOMEM);
	request.size_bytes++;
	ck_assert_int_eq(ask(&request), -EINVAL);
	request.size_bytes = 0;
	ck_assert_int_eq(ask(&request), -EINVAL);
	done(1);
}
END_TEST

START_TEST(bad_values_stay_here)
{
	struct contig_request request;

	open_looking();
	request = good();
	request.align_bytes = 3;
	ck_assert_int_eq(ask(&request), -EINVAL);
	request = good();
	request.boundary_bytes = 2048;
	ck_assert_int_eq(ask(&request), -EINVAL);
	request = good();
	request.require = UINT32_C(1) << 5;
	ck_assert_int_eq(ask(&request), -EINVAL);
	request = good();
	request.name = "01234567890123456789012345678901"; /* 32 */
	ck_assert_int_eq(ask(&request), -EINVAL);
	request.name = "tab\t";
	ck_assert_int_eq(ask(&request), -EINVAL);
	request = good();
	request.region = "caf\xc3\xa9";
	ck_assert_int_eq(ask(&request), -EINVAL);
	done(0);
}
END_TEST

START_TEST(a_request_may_grow)
{
	struct {
		struct contig_request request;
		unsigned char added[16];
	} later = {.request = good()};

	open_looking();
	later.request.struct_bytes = 0;
	ck_assert_int_eq(ask(&later.request), -EINVAL);
	later.request.struct_bytes = sizeof(later.request) - 1;
	ck_assert_int_eq(ask(&later.request), -EINVAL);
	later.request.struct_bytes = sizeof(later);
	ck_assert_int_eq(ask(&later.request), -ENOMEM);
	later.added[15] = 1;
	ck_assert_int_eq(ask(&later.request), -E2BIG);
	later.request.struct_bytes--;
	ck_assert_int_eq(ask(&later.request), -ENOMEM);
	done(2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig request");
	TCase *tcase = harness_case(suite, "request");

	tcase_add_test(tcase, carries_every_field);
	tcase_add_test(tcase, public_flags_are_the_wires);
	tcase_add_test(tcase, sizes_end_at_2_to_the_63);
	tcase_add_test(tcase, bad_values_stay_here);
	tcase_add_test(tcase, a_request_may_grow);
	return harness_run(suite);
}
