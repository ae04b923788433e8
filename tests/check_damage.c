/* SPDX-License-Identifier: MIT */
#include "daemon/damage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/lot.h"
#include "util/log.h"

/*
 * Buffers lie side by side: granule, guard, granule, guard.
 */

static struct lot lot;
static int n_logged;
static enum log_level logged_level;
static struct log_fields logged;
static char text[1024];

static void sink(enum log_level level, const struct log_fields *fields,
		 const char *message)
{
	n_logged++;
	logged_level = level;
	logged = *fields;
	(void)snprintf(text, sizeof(text), "%s", message);
}

static void before(void)
{
	n_logged = 0;
	log_set_sink(sink);
	lot_init_guarded(&lot, 3, FAKE_GRANULE);
}

static void after(void)
{
	lot_deinit(&lot);
	log_set_sink(NULL);
}

START_TEST(report_says_who_and_where)
{
	const struct guard_damage damage = {.first_bytes = 16, .bytes = 3};

	damage_note(lot.buffers[0], &damage);
	ck_assert_int_eq(n_logged, 1);
	ck_assert_int_eq(logged_level, LOG_LEVEL_ERR);
	ck_assert_str_eq(logged.region, "lot");
	ck_assert_str_eq(logged.buffer, "lot");
	ck_assert(logged.has_uid);
	ck_assert_uint_eq(logged.uid, 1000);
	ck_assert_str_eq(
		text,
		"region 'lot': something wrote behind buffer 1 'lot' of uid "
		"1000: 3 of the 4096 bytes of its guard differ, the first at "
		"0x100001010, 16 behind its end; behind it lies buffer 2 "
		"'lot' of uid 1000");
	ck_assert_uint_eq(lot.region->damaged_guards, 1);
	ck_assert_uint_eq(lot.buffers[0]->damage.bytes, 3);
	ck_assert_uint_eq(lot.buffers[0]->damage.first_bytes, 16);
}
END_TEST

START_TEST(once_for_each_buffer)
{
	const struct guard_damage damage = {.bytes = 1};
	const struct guard_damage more = {.bytes = 4096};

	damage_note(lot.buffers[0], &damage);
	damage_note(lot.buffers[0], &damage);
	damage_note(lot.buffers[0], &more);
	ck_assert_int_eq(n_logged, 1);
	ck_assert_uint_eq(lot.region->damaged_guards, 1);
	ck_assert_uint_eq(lot.buffers[0]->damage.bytes, 1);
	damage_note(lot.buffers[1], &damage);
	ck_assert_int_eq(n_logged, 2);
	ck_assert_uint_eq(lot.region->damaged_guards, 2);
}
END_TEST

START_TEST(the_neighbour_is_the_one_behind)
{
	const struct guard_damage damage = {.bytes = 1};

	ck_assert_ptr_eq(damage_neighbour(lot.buffers[0]), lot.buffers[1]);
	ck_assert_ptr_eq(damage_neighbour(lot.buffers[1]), lot.buffers[2]);
	ck_assert_ptr_null(damage_neighbour(lot.buffers[2]));
	lot_end(&lot, lot.buffers[1]);
	ck_assert_ptr_null(damage_neighbour(lot.buffers[0]));
	damage_note(lot.buffers[0], &damage);
	ck_assert_ptr_nonnull(strstr(text, "; no buffer lies behind it"));
}
END_TEST

START_TEST(what_starts_at_0_is_behind_nothing)
{
	struct buffer *last = lot.buffers[2], *first = lot.buffers[0];
	const struct run real[] = {first->stain->run, last->stain->run};

	first->stain->run = (struct run){0, 8192};
	last->stain->run = (struct run){UINT64_MAX - 8191, 8192};
	ck_assert_ptr_null(damage_neighbour(last));
	first->stain->run = real[0];
	last->stain->run = real[1];
}
END_TEST

/* A client can make as many as it likes: they are counted, but not logged. */
START_TEST(log_is_limited_and_the_count_is_not)
{
	const struct guard_damage damage = {.bytes = 1};
	struct lot many;

	lot_init_guarded(&many, 100, FAKE_GRANULE);
	for (size_t i = 0; i < many.n; i++)
		damage_note(many.buffers[i], &damage);
	ck_assert_uint_eq(many.region->damaged_guards, 100);
	ck_assert_int_ge(n_logged, 1);
	ck_assert_int_le(n_logged, 11);
	lot_deinit(&many);
}
END_TEST

START_TEST(what_cannot_be_read_is_no_damage)
{
	damage_unknown(lot.buffers[1], -EIO);
	ck_assert_int_eq(n_logged, 1);
	ck_assert_int_eq(logged_level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(text, "region 'lot': the guard behind buffer 2 'lot' "
			       "of uid 1000 cannot be read: "
			       "Input/output error");
	ck_assert_uint_eq(lot.region->damaged_guards, 0);
	ck_assert_uint_eq(lot.buffers[1]->damage.bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damage");
	TCase *tcase = harness_case(suite, "damage");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, report_says_who_and_where);
	tcase_add_test(tcase, once_for_each_buffer);
	tcase_add_test(tcase, the_neighbour_is_the_one_behind);
	tcase_add_test(tcase, what_starts_at_0_is_behind_nothing);
	tcase_add_test(tcase, log_is_limited_and_the_count_is_not);
	tcase_add_test(tcase, what_cannot_be_read_is_no_damage);
	return harness_run(suite);
}
