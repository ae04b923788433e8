/* SPDX-License-Identifier: MIT */
#include "daemon/usable.h"

#include <stdlib.h>

#include "tests/fake.h"
#include "tests/harness.h"
#include "util/log.h"

/*
 * 16M of which 4M are reserved, at the upper end.
 */

#define MIB    (UINT64_C(1) << 20)
#define CAMERA 1000

static struct fake fake;
static struct region *region;
static uint32_t camera_uid = CAMERA;
static const struct credentials camera = {.uid = CAMERA, .gid = CAMERA};
static const struct credentials other = {.uid = 1001, .gid = 1001};
static struct config_reservation reservation;
static const struct config_region section = {
	.reservations = {.items = &reservation, .n = 1},
};

static void make(uint64_t reserved_bytes, bool clean)
{
	const struct run segment = {FAKE_BASE, 16 * MIB};
	const struct region_spec spec = {
		.id = 1,
		.name = "video",
		.granule_bytes = FAKE_GRANULE,
		.section = &section,
		.ticketp = &fake.ticket,
	};

	reservation = (struct config_reservation){
		.name = (char *)"camera",
		.who.uids = &camera_uid,
		.who.n_uids = 1,
		.size_bytes = reserved_bytes,
	};
	fake_init(&fake, &segment, 1, clean);
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, NULL),
			 0);
}

static void done(void)
{
	(void)region_free(region);
	fake_deinit(&fake);
}

static void expect(const struct credentials *who, uint64_t free_mib,
		   uint64_t longest_mib, uint64_t ever_mib)
{
	ck_assert_uint_eq(usable_bytes(region, who), free_mib * MIB);
	ck_assert_uint_eq(usable_longest_bytes(region, who), longest_mib * MIB);
	ck_assert_uint_eq(usable_longest_ever_bytes(region, who),
			  ever_mib * MIB);
}

START_TEST(each_sees_what_it_could_have)
{
	make(4 * MIB, true);
	expect(&camera, 16, 12, 12);
	expect(&other, 12, 12, 12);
	expect(NULL, 12, 12, 12);
	ck_assert_uint_eq(region_free_bytes(region), 16 * MIB);
	done();
}
END_TEST

START_TEST(what_is_dirty_counts_where_it_lies)
{
	make(4 * MIB, false);
	expect(&camera, 16, 12, 12);
	expect(&other, 12, 12, 12);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), 0);
	done();
}
END_TEST

START_TEST(all_of_it_is_reserved)
{
	make(16 * MIB, true);
	expect(&camera, 16, 16, 16);
	expect(&other, 0, 0, 0);
	done();
}
END_TEST

/* A run that was lent when the limit was elsewhere comes back. */
START_TEST(a_stain_across_the_limit_is_shared)
{
	struct run run;

	make(4 * MIB, true);
	run = (struct run){FAKE_BASE + 10 * MIB, 4 * MIB};
	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	expect(&camera, 12, 10, 12);
	expect(&other, 10, 10, 12);
	region_soil_consume(region, stain_new(&run));
	expect(&camera, 16, 12, 12);
	expect(&other, 12, 12, 12);
	ck_assert(dirt_peek(&region->dirt, 3 * MIB, &run));
	region_cleaned(region, &run, 0);
	ck_assert(dirt_peek(&region->dirt, 3 * MIB, &run));
	region_cleaned(region, &run, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), 16 * MIB);
	done();
}
END_TEST

START_TEST(what_does_not_fit_stays_common)
{
	log_set_level(0);
	make(16 * MIB + 1, true);
	expect(&other, 16, 16, 16);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usable");
	TCase *tcase = harness_case(suite, "usable");

	tcase_add_test(tcase, each_sees_what_it_could_have);
	tcase_add_test(tcase, what_is_dirty_counts_where_it_lies);
	tcase_add_test(tcase, all_of_it_is_reserved);
	tcase_add_test(tcase, a_stain_across_the_limit_is_shared);
	tcase_add_test(tcase, what_does_not_fit_stays_common);
	return harness_run(suite);
}
