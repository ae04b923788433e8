/* SPDX-License-Identifier: MIT */
#include "proto/validate.h"

#include <string.h>

#include "proto/text.h"
#include "tests/harness.h"
#include "tests/judged.h"

/*
 * Requests.  Each test starts from a message that passes and changes one thing,
 * so that a verdict can have only one cause.
 */

#define ARGUMENT ((int)CONTIG_MSG_R_ARGUMENT)

static void good_request(uint16_t opcode)
{
	head(opcode, form_find(opcode)->request_bytes);
	switch (opcode) {
	case CONTIG_MSG_HELLO:
		m.hello.version_min = m.hello.version_max = 1;
		break;
	case CONTIG_MSG_OCCUPANCY:
		m.occupancy.region_id = 1;
		m.occupancy.cells = 1;
		break;
	case CONTIG_MSG_ALLOC:
		m.alloc.size_bytes = 4096;
		m.alloc.count = 1;
		break;
	case CONTIG_MSG_CPU_BEGIN:
	case CONTIG_MSG_CPU_END:
		m.cpu.flags = CONTIG_MSG_READ;
		m.cpu.length_bytes = 1;
		break;
	default:
		break;
	}
}

static int request(void)
{
	why.text[0] = '\0';
	return validate_request(&m, m.header.size, &why);
}

#define ck_request(verdict, words) ck_judged(request(), verdict, words)

START_TEST(takes_every_good_request)
{
	good_request((uint16_t)_i);
	ck_assert_int_eq(request(), 0);
	ck_assert_str_eq(why.text, "");
}
END_TEST

START_TEST(request_size_is_exact)
{
	uint32_t size = form_find((uint16_t)_i)->request_bytes;

	good_request((uint16_t)_i);
	m.header.size = size - 1;
	ck_assert_int_eq(request(), MALFORMED);
	m.header.size = size + 1;
	ck_assert_int_eq(request(), MALFORMED);
	m.header.size = size;
	ck_assert_int_eq(validate_request(&m, size - 1, &why), MALFORMED);
	ck_assert_int_eq(validate_request(&m, size + 1, &why), MALFORMED);
}
END_TEST

START_TEST(request_header_is_judged)
{
	good_request((uint16_t)_i);
	m.header.zero16 = 1;
	ck_request(MALFORMED, "padding");
	good_request((uint16_t)_i);
	m.header.zero32 = UINT32_C(1) << 31;
	ck_request(MALFORMED, "padding");
	good_request((uint16_t)_i);
	m.header.serial = 0;
	ck_request(MALFORMED, "serial");
	good_request((uint16_t)_i);
	m.header.opcode |= CONTIG_MSG_REPLY;
	ck_request(MALFORMED, "unknown");
}
END_TEST

START_TEST(short_long_and_unknown_datagrams)
{
	head(CONTIG_MSG_STATUS, 15);
	ck_request(MALFORMED, "15 bytes is no message");
	head(0, 16);
	ck_request(MALFORMED, "opcode 0 is unknown");
	head(CONTIG_MSG_RELEASE + 1, 16);
	ck_request(MALFORMED, "opcode 14 is unknown");
	head(CONTIG_MSG_ERROR, 16);
	ck_request(MALFORMED, "unknown");
	head(CONTIG_MSG_STATUS, 16);
	ck_assert_int_eq(validate_request(&m, 0, &why), MALFORMED);
	m.header.size = CONTIG_MSG_MAX_BYTES + 1;
	ck_assert_int_eq(validate_request(&m, CONTIG_MSG_MAX_BYTES + 1, &why),
			 MALFORMED);
	ck_assert_int_eq(validate_request(&m, 0, NULL), MALFORMED);
}
END_TEST

START_TEST(hello_versions)
{
	good_request(CONTIG_MSG_HELLO);
	m.hello.version_min = 0;
	ck_request(ARGUMENT, "HELLO: versions 0 to 1");
	m.hello.version_min = 2;
	ck_request(ARGUMENT, "versions 2 to 1");
	m.hello.version_max = UINT32_MAX;
	ck_assert_int_eq(request(), 0);
}
END_TEST

START_TEST(occupancy_cells)
{
	good_request(CONTIG_MSG_OCCUPANCY);
	m.occupancy.cells = 0;
	ck_request(ARGUMENT, "0 cells");
	m.occupancy.cells = CONTIG_MSG_MAX_CELLS;
	ck_assert_int_eq(request(), 0);
	m.occupancy.cells++;
	ck_request(ARGUMENT, "501 cells");
}
END_TEST

START_TEST(check_names_its_region)
{
	good_request(CONTIG_MSG_CHECK);
	m.check.after = UINT64_MAX;
	memset(m.check.region, 'r', sizeof(m.check.region) - 1);
	ck_assert_int_eq(request(), 0);
	m.check.region[sizeof(m.check.region) - 1] = 'r';
	ck_request(MALFORMED, "CHECK: the region name is not terminated");
	memset(m.check.region, 0, sizeof(m.check.region));
	m.check.region[1] = 'r';
	ck_request(MALFORMED, "zero-filled");
	m.check.region[0] = '\n';
	ck_request(ARGUMENT, "region name is not printable");
}
END_TEST

START_TEST(alloc_size_and_count)
{
	good_request(CONTIG_MSG_ALLOC);
	m.alloc.size_bytes = 0;
	ck_request(ARGUMENT, "size of 0");
	m.alloc.size_bytes = 1;
	ck_assert_int_eq(request(), 0);
	m.alloc.size_bytes = CONTIG_MSG_MAX_SIZE;
	ck_assert_int_eq(request(), 0);
	m.alloc.size_bytes++;
	ck_request(ARGUMENT, "2^63");

	good_request(CONTIG_MSG_ALLOC);
	m.alloc.count = 0;
	ck_request(ARGUMENT, "0 buffers");
	m.alloc.count = CONTIG_MSG_MAX_BUFFERS;
	ck_assert_int_eq(request(), 0);
	m.alloc.count++;
	ck_request(ARGUMENT, "65 buffers");
}
END_TEST

START_TEST(alloc_constraints)
{
	good_request(CONTIG_MSG_ALLOC);
	m.alloc.align_bytes = UINT64_C(1) << 63;
	m.alloc.max_phys = UINT64_MAX;
	m.alloc.require = CONTIG_MSG_GUARANTEES;
	ck_assert_int_eq(request(), 0);
	m.alloc.align_bytes = 1;
	ck_assert_int_eq(request(), 0);
	m.alloc.align_bytes = 4097;
	ck_request(ARGUMENT, "alignment of 4097");

	good_request(CONTIG_MSG_ALLOC);
	m.alloc.boundary_bytes = 4096;
	ck_assert_int_eq(request(), 0);
	m.alloc.boundary_bytes = 12288;
	ck_request(ARGUMENT, "boundary of 12288");
	m.alloc.boundary_bytes = 2048;
	ck_request(ARGUMENT, "4096 bytes always cross");

	good_request(CONTIG_MSG_ALLOC);
	m.alloc.require = CONTIG_MSG_GUARANTEES + 1;
	ck_request(ARGUMENT, "0x20 are unknown");
}
END_TEST

START_TEST(alloc_names)
{
	good_request(CONTIG_MSG_ALLOC);
	memset(m.alloc.region, 'r', sizeof(m.alloc.region) - 1);
	memset(m.alloc.name, 'n', sizeof(m.alloc.name) - 1);
	ck_assert_int_eq(request(), 0);
	m.alloc.region[sizeof(m.alloc.region) - 1] = 'r';
	ck_request(MALFORMED, "region name is not terminated");

	good_request(CONTIG_MSG_ALLOC);
	m.alloc.name[sizeof(m.alloc.name) - 1] = 'n';
	ck_request(MALFORMED, "buffer name is not terminated");

	good_request(CONTIG_MSG_ALLOC);
	text_put(m.alloc.name, sizeof(m.alloc.name), "frame");
	m.alloc.name[2] = '\033';
	ck_request(ARGUMENT, "buffer name is not printable");
	m.alloc.region[0] = '\n';
	ck_request(ARGUMENT, "region name is not printable");
	m.alloc.name[9] = 'x';
	ck_request(MALFORMED, "buffer name is not terminated");
}
END_TEST

START_TEST(cpu_access)
{
	good_request((uint16_t)_i);
	m.cpu.zero = 1;
	ck_request(MALFORMED, "padding");
	good_request((uint16_t)_i);
	m.cpu.flags = 0;
	ck_request(ARGUMENT, "access 0");
	m.cpu.flags = CONTIG_MSG_READ | CONTIG_MSG_WRITE;
	ck_assert_int_eq(request(), 0);
	m.cpu.flags = 4;
	ck_request(ARGUMENT, "access 0x4");

	good_request((uint16_t)_i);
	m.cpu.length_bytes = 0;
	ck_request(ARGUMENT, "0 bytes from offset 0");
	m.cpu.length_bytes = UINT64_MAX;
	ck_assert_int_eq(request(), 0);
	m.cpu.offset_bytes = 1;
	ck_request(ARGUMENT, "from offset 1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate");
	TCase *tcase = harness_case(suite, "validate");
	int end = CONTIG_MSG_RELEASE + 1;

	tcase_add_loop_test(tcase, takes_every_good_request, 1, end);
	tcase_add_loop_test(tcase, request_size_is_exact, 1, end);
	tcase_add_loop_test(tcase, request_header_is_judged, 1, end);
	tcase_add_test(tcase, short_long_and_unknown_datagrams);
	tcase_add_test(tcase, hello_versions);
	tcase_add_test(tcase, occupancy_cells);
	tcase_add_test(tcase, check_names_its_region);
	tcase_add_test(tcase, alloc_size_and_count);
	tcase_add_test(tcase, alloc_constraints);
	tcase_add_test(tcase, alloc_names);
	tcase_add_loop_test(tcase, cpu_access, CONTIG_MSG_CPU_BEGIN,
			    CONTIG_MSG_CPU_END + 1);
	return harness_run(suite);
}
