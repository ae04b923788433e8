/* SPDX-License-Identifier: MIT */
#include "daemon/probes.h"

#include <string.h>

#include "tests/harness.h"
#include "util/log.h"

static char logged[4096];

static void keep(enum log_level level, const struct log_fields *fields,
		 const char *text)
{
	(void)level;
	(void)fields;
	(void)strncat(logged, text, sizeof(logged) - strlen(logged) - 1);
	(void)strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
}

START_TEST(every_backend_is_probed_and_logged)
{
	const struct backend_options options = {
		.devmem_path = "/nonexistent",
		.udmabuf_path = "/nonexistent",
	};
	static struct probes probes;
	size_t n = 0;

	log_set_sink(keep);
	ck_assert_ptr_null(probes_find(&probes, backends[0]));
	probes_run(&probes, &options);
	for (; backends[n]; n++) {
		const struct backend_report *report =
			probes_find(&probes, backends[n]);

		ck_assert_ptr_nonnull(report);
		ck_assert_str_ne(report->text, "");
		ck_assert_ptr_nonnull(strstr(logged, report->text));
		ck_assert(report->serves == (n == 0));
		ck_assert(report->serves || report->guarantees == 0);
	}
	ck_assert_uint_eq(probes.n, n);
	ck_assert_uint_le(n, PROBES_MAX_BACKENDS);
	ck_assert_ptr_nonnull(strstr(logged, "backend simulated serves: "));
	ck_assert_ptr_nonnull(strstr(logged, "backend devmem cannot serve: "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probes");
	TCase *tcase = harness_case(suite, "probes");

	tcase_add_test(tcase, every_backend_is_probed_and_logged);
	return harness_run(suite);
}
