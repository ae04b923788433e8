/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_probe.h"

#include <errno.h>
#include <string.h>

#include "daemon/udmabuf.h"
#include "tests/harness.h"

/*
 * Refusals anywhere; what a machine with /dev/udmabuf says is tried with the
 * backend.
 */

START_TEST(probe_says_why_not)
{
	struct backend_options options = {.allow_corrupting_kernel = true};
	struct backend_report report;

	options.udmabuf_path = "/dev/no-such-udmabuf";
	memset(&report, 0xff, sizeof(report));
	udmabuf_probe(&options, &report);
	ck_assert(!report.serves);
	ck_assert_uint_eq(report.guarantees, 0);
	ck_assert_ptr_nonnull(strstr(report.text, "no-such-udmabuf does not"));

	options.udmabuf_path = "/dev/null"; /* opens, and is something else */
	udmabuf_probe(&options, &report);
	ck_assert(!report.serves);
	ck_assert_uint_gt(strlen(report.text), 0);
}
END_TEST

START_TEST(corrupting_kernel_is_refused_unless_insisted_on)
{
	struct backend_options options = {.allow_corrupting_kernel = true};
	struct kernel_release release, running;
	struct error why = ERROR_INIT;
	int r;

	ck_assert_int_eq(kernel_release_get(&running), 0);
	ck_assert_int_eq(udmabuf_probe_kernel(&options, &release, &why), 0);
	ck_assert_mem_eq(&release, &running, sizeof(release));
	options.allow_corrupting_kernel = false;
	r = udmabuf_probe_kernel(&options, &release, &why);
	if (udmabuf_vmap_of(&running) != UDMABUF_VMAP_WRONG) {
		ck_assert_int_eq(r, 0);
		return;
	}
	ck_assert_int_eq(r, -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(why.text, "corrupts memory"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udmabuf_probe");
	TCase *tcase = harness_case(suite, "udmabuf_probe");

	harness_lock("/sys/kernel/mm/hugepages");
	tcase_add_test(tcase, probe_says_why_not);
	tcase_add_test(tcase, corrupting_kernel_is_refused_unless_insisted_on);
	return harness_run(suite);
}
