/* SPDX-License-Identifier: MIT */
#include "daemon/service.h"

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
	struct service service;
	size_t n = 0;

	log_set_sink(keep);
	service_init(&service, NULL, NULL);
	ck_assert_ptr_null(service_report(&service, backends[0]));
	service_probe(&service, &options);
	for (; backends[n]; n++) {
		const struct backend_report *report =
			service_report(&service, backends[n]);

		ck_assert_ptr_nonnull(report);
		ck_assert_str_ne(report->text, "");
		ck_assert_ptr_nonnull(strstr(logged, report->text));
		ck_assert(report->serves == (n == 0));
		ck_assert(report->serves || report->guarantees == 0);
	}
	ck_assert_uint_eq(service.n_probed, n);
	ck_assert_uint_le(n, SERVICE_MAX_BACKENDS);
	ck_assert_ptr_nonnull(strstr(logged, "backend simulated serves: "));
	ck_assert_ptr_nonnull(strstr(logged, "backend devmem cannot serve: "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service");
	TCase *tcase = harness_case(suite, "service");

	tcase_add_test(tcase, every_backend_is_probed_and_logged);
	return harness_run(suite);
}
