/* SPDX-License-Identifier: MIT */
#include "daemon/region.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/usable.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "util/log.h"

#define MIB (UINT64_C(1) << 20)

static struct fake fake;

static void take(struct region *region, uint64_t size_bytes, struct run *run)
{
	const struct space_request request = {
		.size_bytes = size_bytes,
		.max_phys = UINT64_MAX,
	};

	ck_assert_int_eq(partitions_alloc(&region->partitions, NULL, &request,
					  run, NULL),
			 0);
}

static void clean_all(struct region *region)
{
	struct run run;

	while (dirt_peek(&region->dirt, MIB, &run))
		region_cleaned(region, &run, 0);
}

START_TEST(clean_memory_can_be_lent_at_once)
{
	struct region *region = fake_region(&fake, 1, "clean", MIB, true);

	ck_assert_uint_eq(region_size_bytes(region), MIB);
	ck_assert_uint_eq(region_free_bytes(region), MIB);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
	ck_assert_uint_eq(region->dirt.bytes, 0);
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB);
	(void)region_free(region);
}
END_TEST

START_TEST(dirty_memory_is_free_but_cannot_be_lent)
{
	struct region *region = fake_region(&fake, 1, "dirty", MIB, false);
	struct run run;

	ck_assert_uint_eq(region_free_bytes(region), MIB);
	ck_assert_uint_eq(region->dirt.bytes, MIB);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), 0);
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB);

	ck_assert(dirt_peek(&region->dirt, FAKE_GRANULE, &run));
	region_cleaned(region, &run, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions),
			  FAKE_GRANULE);
	ck_assert_uint_eq(region_free_bytes(region), MIB);
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB);
	clean_all(region);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
	ck_assert_uint_eq(region->dirt.bytes, 0);
	(void)region_free(region);
}
END_TEST

START_TEST(used_memory_passes_the_dirt)
{
	struct region *region = fake_region(&fake, 1, "used", MIB, true);
	struct run run;

	take(region, MIB, &run);
	ck_assert_uint_eq(region_free_bytes(region), 0);
	region_soil_consume(region, stain_new(&run));
	ck_assert_uint_eq(region_free_bytes(region), MIB);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), 0);
	clean_all(region);

	take(region, MIB, &run);
	region_give_back(region, &run);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
	(void)region_free(region);
}
END_TEST

START_TEST(backend_without_zeroing_returns_clean_memory)
{
	struct region *region = fake_region(&fake, 1, "own", MIB, true);
	struct run run;

	fake.backend.zero = NULL;
	take(region, MIB, &run);
	region_soil_consume(region, stain_new(&run));
	ck_assert_uint_eq(region->dirt.bytes, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
	(void)region_free(region);
}
END_TEST

START_TEST(what_cannot_be_zeroed_stays_out_of_use)
{
	struct region *region = fake_region(&fake, 1, "bad", MIB, false);
	struct run run;

	log_set_level(0);
	ck_assert(dirt_peek(&region->dirt, FAKE_GRANULE, &run));
	region_cleaned(region, &run, -EIO);
	ck_assert_uint_eq(region->unusable_bytes, FAKE_GRANULE);
	clean_all(region);
	ck_assert_uint_eq(region_free_bytes(region), MIB - FAKE_GRANULE);
	ck_assert_int_eq(partitions_claim(&region->partitions, &run), -EBUSY);
	(void)region_free(region);
}
END_TEST

/* What an earlier daemon lent is neither clean nor dirty. */
START_TEST(what_is_taken_is_not_free)
{
	const struct run segment = {FAKE_BASE, MIB};
	const struct run taken[] = {
		{FAKE_BASE + MIB / 2, FAKE_GRANULE},
		{FAKE_BASE, 2 * FAKE_GRANULE},
		{FAKE_BASE + MIB - FAKE_GRANULE, FAKE_GRANULE},
	};
	const struct region_spec spec = {
		.id = 1,
		.name = "taken",
		.granule_bytes = FAKE_GRANULE,
		.ticketp = &fake.ticket,
		.taken = taken,
		.n_taken = 3,
	};
	struct region *region;

	for (int clean = 0; clean < 2; clean++) {
		fake_init(&fake, &segment, 1, clean);
		ck_assert_int_eq(
			region_new_consume(&region, &spec, &fake.memory, NULL),
			0);
		ck_assert_uint_eq(region_size_bytes(region), MIB);
		ck_assert_uint_eq(region_free_bytes(region),
				  MIB - 4 * FAKE_GRANULE);
		ck_assert_uint_eq(region->dirt.bytes,
				  clean ? 0 : MIB - 4 * FAKE_GRANULE);
		clean_all(region);
		for (size_t i = 0; i < 3; i++)
			ck_assert_int_eq(partitions_claim(&region->partitions,
							  &taken[i]),
					 -EBUSY);
		for (size_t i = 0; i < 3; i++)
			region_give_back(region, &taken[i]);
		ck_assert_uint_eq(region_free_bytes(region), MIB);
		(void)region_free(region);
	}
}
END_TEST

START_TEST(what_cannot_be_taken_is_an_error)
{
	const struct run segment = {FAKE_BASE, MIB};
	struct run taken[] = {
		{FAKE_BASE, 2 * FAKE_GRANULE},
		{FAKE_BASE + FAKE_GRANULE, FAKE_GRANULE},
	};
	const struct region_spec spec = {
		.id = 1,
		.name = "taken",
		.granule_bytes = FAKE_GRANULE,
		.ticketp = &fake.ticket,
		.taken = taken,
		.n_taken = 2,
	};
	struct error why = ERROR_INIT;
	struct region *region;

	fake_init(&fake, &segment, 1, false);
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 -EBUSY);
	ck_assert_ptr_nonnull(strstr(why.text, "cannot be kept from"));
	taken[1].phys = FAKE_BASE + MIB;
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 -ERANGE);
	fake_deinit(&fake);
}
END_TEST

/* Clean and dirty runs side by side count as one; across a gap they do not. */
START_TEST(longest_run_joins_clean_and_dirty)
{
	const struct run segments[] = {
		{FAKE_BASE, MIB},
		{FAKE_BASE + 2 * MIB, MIB},
	};
	const struct region_spec spec = {
		.id = 1,
		.name = "two",
		.granule_bytes = FAKE_GRANULE,
		.ticketp = &fake.ticket,
	};
	const struct run first = {FAKE_BASE, MIB / 2};
	const struct run last = {FAKE_BASE + 5 * MIB / 2, MIB / 2};
	struct region *region;

	fake_init(&fake, segments, 2, true);
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, NULL),
			 0);
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB);
	ck_assert_int_eq(partitions_claim(&region->partitions, &first), 0);
	ck_assert_int_eq(partitions_claim(&region->partitions, &last), 0);
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB / 2);
	region_soil_consume(region, stain_new(&last));
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB);
	region_give_back(region, &first);
	ck_assert_uint_eq(usable_longest_bytes(region, NULL), MIB);
	(void)region_free(region);
}
END_TEST

START_TEST(bad_granule_leaves_memory_with_the_caller)
{
	const struct run segment = {FAKE_BASE, MIB};
	const struct region_spec spec = {
		.id = 1,
		.name = "odd",
		.granule_bytes = 3,
		.ticketp = &fake.ticket,
	};
	struct error why = ERROR_INIT;
	struct region *region = NULL;

	fake_init(&fake, &segment, 1, true);
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 -EINVAL);
	ck_assert_ptr_null(region);
	ck_assert_str_ne(why.text, "");
}
END_TEST

START_TEST(guards_are_of_whole_granules)
{
	const struct run segment = {FAKE_BASE, MIB};
	const struct region_spec spec = {
		.id = 1,
		.name = "guarded",
		.granule_bytes = 2 * FAKE_GRANULE,
		.ticketp = &fake.ticket,
	};
	struct error why = ERROR_INIT;
	struct region *region = NULL;

	fake_init(&fake, &segment, 1, true);
	fake.memory.guard_bytes = 3 * FAKE_GRANULE;
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 -EINVAL);
	ck_assert_ptr_null(region);
	ck_assert_str_eq(why.text, "a guard of 12288 bytes is not a multiple "
				   "of the granule 8192");
	fake.memory.guard_bytes = 4 * FAKE_GRANULE;
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 0);
	(void)region_free(region);
}
END_TEST

START_TEST(backend_that_has_no_guards)
{
	const struct run segment = {FAKE_BASE, MIB};
	const struct region_spec spec = {
		.id = 1,
		.name = "guarded",
		.granule_bytes = FAKE_GRANULE,
		.ticketp = &fake.ticket,
	};
	struct error why = ERROR_INIT;
	struct region *region = NULL;

	fake_init(&fake, &segment, 1, true);
	fake.backend.guard_write = NULL;
	fake.memory.guard_bytes = FAKE_GRANULE;
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 -EINVAL);
	ck_assert_str_eq(why.text, "backend fake has no guards");
	fake.memory.guard_bytes = 0;
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, &why),
			 0);
	(void)region_free(region);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("region");
	TCase *tcase = harness_case(suite, "region");

	tcase_add_test(tcase, clean_memory_can_be_lent_at_once);
	tcase_add_test(tcase, dirty_memory_is_free_but_cannot_be_lent);
	tcase_add_test(tcase, used_memory_passes_the_dirt);
	tcase_add_test(tcase, backend_without_zeroing_returns_clean_memory);
	tcase_add_test(tcase, what_cannot_be_zeroed_stays_out_of_use);
	tcase_add_test(tcase, what_is_taken_is_not_free);
	tcase_add_test(tcase, what_cannot_be_taken_is_an_error);
	tcase_add_test(tcase, longest_run_joins_clean_and_dirty);
	tcase_add_test(tcase, bad_granule_leaves_memory_with_the_caller);
	tcase_add_test(tcase, guards_are_of_whole_granules);
	tcase_add_test(tcase, backend_that_has_no_guards);
	return harness_run(suite);
}
