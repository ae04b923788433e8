/* SPDX-License-Identifier: MIT */
#include "daemon/tract.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "util/log.h"

static struct probes probes;
static struct error why;
static const struct backend_options options = {
	.devmem_path = "/nonexistent",
	.udmabuf_path = "/nonexistent",
};

static void before(void)
{
	log_set_level(0);
	probes_run(&probes, &options);
	why.text[0] = '\0';
}

static struct tract_description describe(const char *backend)
{
	return (struct tract_description){
		.name = "range",
		.backend = backend,
		.public_base = true,
		.memory.base = UINT64_C(1) << 32,
		.memory.size_bytes = 65536,
		.memory.granule_bytes = 4096,
	};
}

START_TEST(opens_what_is_described)
{
	char name[] = "range";
	struct tract_description description = describe("simulated");
	struct tract *tract;

	description.name = name;
	description.wants_default = true;
	ck_assert_int_eq(tract_new(&tract, &description, &why), 0);
	memset(name, 'x', sizeof(name) - 1); /* the name was copied */
	ck_assert_str_eq(tract->name, "range");
	ck_assert_ptr_eq(tract->spec.region, tract->name);
	ck_assert_ptr_eq(tract->backend, &backend_simulated);
	ck_assert(tract->public_base && tract->wants_default);
	ck_assert_ptr_null(tract->memory);
	ck_assert_int_eq(tract_open(tract, &options, &probes, &why), 0);
	ck_assert_uint_eq(tract->memory->segments[0].size_bytes, 65536);
	ck_assert_ptr_null(tract_free(tract)); /* closes its memory */
	ck_assert_ptr_null(tract_free(NULL));
}
END_TEST

START_TEST(backend_must_exist)
{
	struct tract_description description = describe("floppy");
	struct tract *tract = NULL;

	ck_assert_int_eq(tract_new(&tract, &description, &why), -ENOENT);
	ck_assert_str_eq(why.text, "there is no backend 'floppy'");
	ck_assert_ptr_null(tract);
}
END_TEST

START_TEST(backend_must_serve)
{
	struct tract_description description = describe("udmabuf");
	static const struct probes none;
	struct tract *tract;

	ck_assert_int_eq(tract_new(&tract, &description, &why), 0);
	ck_assert_int_eq(tract_open(tract, &options, &probes, &why), -ENOTSUP);
	ck_assert_ptr_eq(strstr(why.text, "backend udmabuf: "), why.text);
	ck_assert_int_eq(tract_open(tract, &options, &none, &why), -ENOTSUP);
	ck_assert_str_eq(why.text, "backend udmabuf: was not probed");
	ck_assert_ptr_null(tract->memory);
	(void)tract_free(tract);
}
END_TEST

START_TEST(memory_that_does_not_open)
{
	struct tract_description description = describe("simulated");
	struct tract *tract;

	description.memory.size_bytes = 0;
	ck_assert_int_eq(tract_new(&tract, &description, &why), 0);
	ck_assert_int_eq(tract_open(tract, &options, &probes, &why), -EINVAL);
	ck_assert_ptr_null(tract->memory);
	(void)tract_free(tract);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tract");
	TCase *tcase = harness_case(suite, "tract");

	tcase_add_checked_fixture(tcase, before, NULL);
	tcase_add_test(tcase, opens_what_is_described);
	tcase_add_test(tcase, backend_must_exist);
	tcase_add_test(tcase, backend_must_serve);
	tcase_add_test(tcase, memory_that_does_not_open);
	return harness_run(suite);
}
