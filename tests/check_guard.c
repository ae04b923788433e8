/* SPDX-License-Identifier: MIT */
#include "daemon/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pattern.h"
#include "tests/fake.h"
#include "tests/harness.h"

#define RUN_BYTES   (2 * FAKE_GRANULE)
#define GUARD_BYTES (2 * GUARD_SLICE_BYTES + FAKE_GRANULE)

static struct fake fake;
static struct object *object;
static unsigned char *guard;

static struct object *make(uint64_t phys, uint64_t guard_bytes)
{
	const struct run run = {phys, RUN_BYTES};
	struct object *made = NULL;

	fake.memory.guard_bytes = guard_bytes;
	ck_assert_int_eq(
		fake.backend.object_new(&fake.memory, &run, "", &made, NULL), 0);
	return made;
}

static void before(void)
{
	const struct run segment = {FAKE_BASE, FAKE_GRANULE * 1024};

	fake_init(&fake, &segment, 1, true);
	object = make(FAKE_BASE, GUARD_BYTES);
	guard = fake_guard(object);
}

static void after(void)
{
	fake.backend.object_free(object);
	fake_deinit(&fake);
}

/* A whole pass; how many slices it took. */
static size_t go(int (*step)(struct guard_pass *pass), struct guard_pass *pass)
{
	size_t before_bytes = fake.n_guarded;
	int r;

	*pass = (struct guard_pass){.object = object};
	while ((r = step(pass)) > 0)
		;
	ck_assert_int_eq(r, 0);
	return fake.n_guarded - before_bytes;
}

START_TEST(goes_in_slices)
{
	struct guard_pass pass;

	ck_assert_uint_eq(go(guard_fill, &pass), 3);
	ck_assert_uint_eq(pass.done_bytes, GUARD_BYTES);
	ck_assert_uint_eq(fake.largest_step, GUARD_SLICE_BYTES);
	ck_assert_uint_eq(go(guard_check, &pass), 3);
	ck_assert_uint_eq(pass.done_bytes, GUARD_BYTES);
	ck_assert_uint_eq(pass.damage.bytes, 0);
	ck_assert_uint_eq(pass.damage.first_bytes, 0);
}
END_TEST

/* What is filled is the pattern of the guard's own addresses, all of it. */
START_TEST(fills_with_the_pattern_of_its_address)
{
	struct guard_pass pass;
	size_t first = 0;

	(void)go(guard_fill, &pass);
	ck_assert_uint_eq(pattern_compare(guard, FAKE_BASE + RUN_BYTES,
					  GUARD_BYTES, &first),
			  0);
}
END_TEST

START_TEST(finds_a_byte_in_every_slice)
{
	static const size_t places[] = {0, GUARD_SLICE_BYTES - 1,
					GUARD_SLICE_BYTES, GUARD_BYTES - 1};
	struct guard_pass pass;

	(void)go(guard_fill, &pass);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		guard[places[i]] ^= 1;
		(void)go(guard_check, &pass);
		ck_assert_uint_eq(pass.damage.bytes, 1);
		ck_assert_uint_eq(pass.damage.first_bytes, places[i]);
		guard[places[i]] ^= 1;
	}
	(void)go(guard_check, &pass);
	ck_assert_uint_eq(pass.damage.bytes, 0);
}
END_TEST

START_TEST(adds_up_over_slices)
{
	struct guard_pass pass;

	(void)go(guard_fill, &pass);
	memset(guard + 100, 0, GUARD_BYTES - 200);
	(void)go(guard_check, &pass);
	ck_assert_uint_eq(pass.damage.bytes, GUARD_BYTES - 200);
	ck_assert_uint_eq(pass.damage.first_bytes, 100);
}
END_TEST

START_TEST(one_that_was_never_filled_is_all_wrong)
{
	struct guard_pass pass;

	(void)go(guard_check, &pass);
	ck_assert_uint_eq(pass.damage.bytes, GUARD_BYTES);
}
END_TEST

START_TEST(nothing_to_guard)
{
	struct guard_pass pass;

	object->guard_bytes = 0;
	ck_assert_uint_eq(go(guard_fill, &pass), 0);
	ck_assert_uint_eq(go(guard_check, &pass), 0);
	ck_assert_uint_eq(pass.damage.bytes, 0);
}
END_TEST

START_TEST(failures_are_passed_on)
{
	struct guard_pass pass = {.object = object};

	fake.guard_result = -EIO;
	ck_assert_int_eq(guard_fill(&pass), -EIO);
	ck_assert_int_eq(guard_check(&pass), -EIO);
	ck_assert_uint_eq(pass.done_bytes, 0);
	ck_assert_uint_eq(pass.damage.bytes, 0);
}
END_TEST

START_TEST(at_the_end_of_the_address_space)
{
	struct guard_pass pass;

	fake.backend.object_free(object);
	object = make(-(RUN_BYTES + FAKE_GRANULE), FAKE_GRANULE);
	ck_assert_uint_eq(go(guard_fill, &pass), 1);
	fake_guard(object)[FAKE_GRANULE - 1] ^= 1;
	ck_assert_uint_eq(go(guard_check, &pass), 1);
	ck_assert_uint_eq(pass.damage.first_bytes, FAKE_GRANULE - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tcase = harness_case(suite, "guard");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, goes_in_slices);
	tcase_add_test(tcase, fills_with_the_pattern_of_its_address);
	tcase_add_test(tcase, finds_a_byte_in_every_slice);
	tcase_add_test(tcase, adds_up_over_slices);
	tcase_add_test(tcase, one_that_was_never_filled_is_all_wrong);
	tcase_add_test(tcase, nothing_to_guard);
	tcase_add_test(tcase, failures_are_passed_on);
	tcase_add_test(tcase, at_the_end_of_the_address_space);
	return harness_run(suite);
}
