/* SPDX-License-Identifier: MIT */
#include "daemon/probes.h"

#include <string.h>

#include "daemon/sealed.h"
#include "tests/harness.h"
#include "tests/logged.h"

START_TEST(every_backend_is_probed_and_logged)
{
	const struct backend_options options = {
		.devmem_path = "/nonexistent",
		.udmabuf_path = "/nonexistent",
	};
	static struct probes probes;
	size_t n = 0;

	logged_begin(LOG_LEVEL_INFO);
	ck_assert_ptr_null(probes_find(&probes, backends[0]));
	probes_run(&probes, &options);
	for (; backends[n]; n++) {
		const struct backend_report *report =
			probes_find(&probes, backends[n]);

		ck_assert_ptr_nonnull(report);
		ck_assert_str_ne(report->text, "");
		ck_assert(logged_has(report->text));
		ck_assert(report->serves == (n == 0));
		ck_assert(report->serves || report->guarantees == 0);
	}
	ck_assert_uint_eq(probes.n, n);
	ck_assert_uint_le(n, PROBES_MAX_BACKENDS);
	ck_assert(logged_has("backend simulated serves: "));
	ck_assert(logged_has("backend devmem cannot serve: "));
}
END_TEST

/* A form's fields by their offsets, as probes.c lays them out. */
#define FORM	  (40 + BACKEND_TEXT_BYTES)
#define AT_SERVES 32
#define AT_TEXT	  40

static char forms[FORM * (PROBES_MAX_BACKENDS + 1) + 1];

static int decode(size_t length)
{
	static struct probes probes;
	struct error why = ERROR_INIT;
	int r = probes_decode(&probes, forms, length, &why);

	ck_assert((r == 0) == (why.text[0] == '\0'));
	ck_assert(r == 0 || probes.n == 0);
	return r == 0 ? (int)probes.n : -r;
}

static void put_form(size_t i, const char *backend)
{
	char *form = forms + i * FORM;

	memset(form, 0, FORM);
	(void)strcpy(form, backend);
	(void)strcpy(form + AT_TEXT, "as it was");
	form[AT_SERVES] = 1;
}

START_TEST(records_are_judged)
{
	ck_assert_int_eq(decode(0), 0);
	put_form(0, "devmem");
	ck_assert_int_eq(decode(FORM), 1);
	ck_assert_int_eq(decode(FORM - 1), -SEALED_E_DAMAGED);
	ck_assert_int_eq(decode(FORM + 1), -SEALED_E_DAMAGED);
	forms[AT_SERVES] = 2;
	ck_assert_int_eq(decode(FORM), -SEALED_E_DAMAGED);
	put_form(0, "devmem");
	forms[31] = 'x';
	ck_assert_int_eq(decode(FORM), -SEALED_E_DAMAGED);
	put_form(0, "devmem");
	forms[FORM - 1] = 'x';
	ck_assert_int_eq(decode(FORM), -SEALED_E_DAMAGED);
	put_form(0, "devmem");
	put_form(1, "devmem"); /* twice the same */
	ck_assert_int_eq(decode(2 * FORM), -SEALED_E_DAMAGED);
	put_form(1, "floppy"); /* of a daemon that knows more */
	ck_assert_int_eq(decode(2 * FORM), 1);
	put_form(1, "udmabuf");
	ck_assert_int_eq(decode(2 * FORM), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probes");
	TCase *tcase = harness_case(suite, "probes");

	tcase_add_test(tcase, records_are_judged);
	tcase_add_test(tcase, every_backend_is_probed_and_logged);
	return harness_run(suite);
}
