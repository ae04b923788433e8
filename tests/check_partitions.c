/* SPDX-License-Identifier: MIT */
#include "daemon/partitions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

#define MIB  (UINT64_C(1) << 20)
#define BASE (UINT64_C(1) << 32)

#define CAMERA 1000
#define VIDEO  44 /* a group */

static struct partitions partitions;
static char complaints[512];

static uint32_t camera_uid = CAMERA, video_gid = VIDEO;
static const struct credentials camera = {.uid = CAMERA, .gid = CAMERA};
static const struct credentials decoder = {.uid = 1001, .gid = VIDEO};
static const struct credentials stranger = {.uid = 1002, .gid = 1002};
static const struct credentials root = {.uid = 0, .gid = 0};

static struct config_reservation for_camera(uint64_t size_bytes)
{
	return (struct config_reservation){
		.name = (char *)"camera",
		.who.uids = &camera_uid,
		.who.n_uids = 1,
		.size_bytes = size_bytes,
	};
}

static struct config_reservation for_video(uint64_t size_bytes)
{
	return (struct config_reservation){
		.name = (char *)"@video",
		.who.gids = &video_gid,
		.who.n_gids = 1,
		.size_bytes = size_bytes,
	};
}

static void complain(void *data, const struct config_reservation *what,
		     const char *text)
{
	size_t len = strlen(complaints);

	(void)data;
	(void)snprintf(complaints + len, sizeof(complaints) - len, "%s: %s\n",
		       what->name, text);
}

static int try(const struct run *segments, size_t n_segments,
	       const struct config_reservation *reservations, size_t n)
{
	const struct partitions_spec spec = {
		.granule_bytes = 4096,
		.segments = segments,
		.n_segments = n_segments,
		.reservations = reservations,
		.n_reservations = n,
		.complain = complain,
	};

	complaints[0] = '\0';
	return partitions_init(&partitions, &spec, NULL);
}

static void make(const struct run *segments, size_t n_segments,
		 const struct config_reservation *reservations, size_t n)
{
	ck_assert_int_eq(try(segments, n_segments, reservations, n), 0);
}

/* The address of a run for somebody; 0 where it was refused. */
static uint64_t take(const struct credentials *who, uint64_t size_bytes,
		     int *outcomep)
{
	const struct space_request request = {
		.size_bytes = size_bytes,
		.max_phys = UINT64_MAX,
	};
	struct run run = {0, 0};
	int r = partitions_alloc(&partitions, who, &request, &run, NULL);

	if (outcomep)
		*outcomep = r;
	return run.phys;
}

static const struct run one = {BASE, 100 * MIB};

START_TEST(nothing_reserved_is_one_space)
{
	make(&one, 1, NULL, 0);
	ck_assert_uint_eq(partitions.n, 1);
	ck_assert_ptr_null(partitions.items[0].reservation);
	ck_assert_uint_eq(partitions_size_bytes(&partitions), 100 * MIB);
	ck_assert_uint_eq(take(&stranger, 100 * MIB, NULL), BASE);
	ck_assert_uint_eq(take(&root, 4096, NULL), 0);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(reserved_is_for_the_entitled_alone)
{
	const struct config_reservation both[] = {for_camera(64 * MIB),
						  for_video(32 * MIB)};
	int outcome;

	make(&one, 1, both, 2);
	ck_assert_uint_eq(partitions.n, 3);
	ck_assert_uint_eq(partitions_size_bytes(&partitions), 100 * MIB);
	ck_assert_uint_eq(partitions_base(&partitions), BASE);
	ck_assert_uint_eq(partitions_span_bytes(&partitions), 100 * MIB);

	/* strangers, root among them, have what is common, and no more */
	ck_assert_uint_ne(take(&stranger, 4 * MIB, NULL), 0);
	ck_assert_uint_eq(take(&stranger, 4096, &outcome), 0);
	ck_assert_int_eq(outcome, SPACE_E_FULL);
	ck_assert_uint_eq(take(&root, 4096, &outcome), 0);
	ck_assert_uint_eq(take(NULL, 4096, &outcome), 0);
	ck_assert_int_eq(outcome, SPACE_E_FULL);
	ck_assert_uint_eq(take(&stranger, 5 * MIB, &outcome), 0);
	ck_assert_int_eq(outcome, SPACE_E_TOO_LARGE);

	/* the entitled have all of theirs in one run, and nobody else's */
	ck_assert_uint_ne(take(&camera, 64 * MIB, NULL), 0);
	ck_assert_uint_eq(take(&camera, 4096, &outcome), 0);
	ck_assert_uint_ne(take(&decoder, 32 * MIB, NULL), 0);
	ck_assert_uint_eq(take(&decoder, 4096, &outcome), 0);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(own_comes_first_then_common)
{
	const struct config_reservation mine = for_camera(8 * MIB);
	uint64_t first;
	int outcome;

	make(&one, 1, &mine, 1);
	first = take(&camera, 5 * MIB, NULL);
	ck_assert_uint_eq(space_free_bytes(partitions.items[0].space), 3 * MIB);
	ck_assert_uint_ne(take(&camera, 5 * MIB, NULL), 0);
	ck_assert_uint_eq(space_free_bytes(partitions.items[0].space), 3 * MIB);
	ck_assert_uint_eq(space_free_bytes(partitions.items[1].space), 87 * MIB);
	ck_assert_uint_ne(take(&camera, 87 * MIB, NULL), 0);

	/* 3M are free, all its own: the refusal adds up both */
	ck_assert_uint_eq(take(&camera, 4 * MIB, &outcome), 0);
	ck_assert_int_eq(outcome, SPACE_E_FULL);
	partitions_release(&partitions, &(struct run){first, 5 * MIB});
	ck_assert_uint_eq(take(&camera, 8 * MIB, NULL), first);
	partitions_deinit(&partitions);
}
END_TEST

/* Each has less than is asked for, together they have it. */
START_TEST(refusals_speak_of_all_that_is_open)
{
	const struct config_reservation mine = for_camera(50 * MIB);
	const struct space_request request = {
		.size_bytes = 30 * MIB,
		.max_phys = UINT64_MAX,
	};
	struct space_refusal why;
	struct run run;

	make(&one, 1, &mine, 1);
	ck_assert_uint_ne(take(&camera, 30 * MIB, NULL), 0);
	ck_assert_uint_ne(take(&stranger, 32 * MIB, NULL), 0);
	ck_assert_int_eq(
		partitions_alloc(&partitions, &camera, &request, &run, &why),
		SPACE_E_FRAGMENTED);
	ck_assert_uint_eq(why.free_bytes, 38 * MIB);
	ck_assert_uint_eq(why.largest_free_bytes, 20 * MIB);
	ck_assert_int_eq(
		partitions_alloc(&partitions, &stranger, &request, &run, &why),
		SPACE_E_FULL);
	ck_assert_uint_eq(why.free_bytes, 18 * MIB);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(constraints_of_one_partition_count)
{
	const struct config_reservation mine = for_camera(8 * MIB);
	const struct space_request request = {
		.size_bytes = MIB,
		.max_phys = BASE + MIB - 1,
	};
	struct space_refusal why;
	struct run run;

	make(&one, 1, &mine, 1);
	ck_assert_int_eq(
		partitions_alloc(&partitions, &camera, &request, &run, &why), 0);
	ck_assert_uint_eq(run.phys, BASE);
	ck_assert_int_eq(
		partitions_alloc(&partitions, &camera, &request, &run, &why),
		SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(why.constraints, SPACE_MAX_PHYS);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(exactly_what_is_there_and_one_beyond)
{
	const struct config_reservation all = for_camera(100 * MIB);
	const struct config_reservation more[] = {for_camera(100 * MIB + 1),
						  for_video(4095)};
	int outcome;

	make(&one, 1, &all, 1);
	ck_assert_uint_eq(partitions.n, 1); /* nothing is common */
	ck_assert_uint_eq(take(&stranger, 1, &outcome), 0);
	ck_assert_int_eq(outcome, SPACE_E_TOO_LARGE);
	ck_assert_uint_eq(take(&camera, 100 * MIB, NULL), BASE);
	partitions_deinit(&partitions);

	make(&one, 1, more, 2);
	ck_assert_str_eq(complaints,
			 "camera: the longest run that is left is 100M\n");
	ck_assert_uint_eq(partitions.n, 2); /* the rest goes on, in granules */
	ck_assert_uint_eq(space_size_bytes(partitions.items[0].space), 4096);
	partitions_deinit(&partitions);
}
END_TEST

/* Nothing is so large that it could wrap around. */
START_TEST(absurd_sizes)
{
	const struct config_reservation absurd[] = {
		for_camera(UINT64_MAX), for_camera(UINT64_MAX - 4096)};

	make(&one, 1, absurd, 2);
	ck_assert_str_eq(complaints,
			 "camera: the longest run that is left is 100M\n"
			 "camera: the longest run that is left is 100M\n");
	ck_assert_uint_eq(partitions.n, 1);
	partitions_deinit(&partitions);
}
END_TEST

/* The common part stays whole, and the piece begins at a round address. */
START_TEST(pieces_come_off_the_ends)
{
	const struct run segments[] = {
		{BASE, 100 * MIB},
		{BASE + 256 * MIB + 4096, 64 * MIB},
		{BASE + 512 * MIB, 65 * MIB},
	};
	const struct config_reservation mine = for_camera(64 * MIB);
	const struct config_reservation two[] = {for_camera(64 * MIB),
						 for_video(64 * MIB)};

	make(&one, 1, &mine, 1);
	ck_assert_uint_eq(space_base(partitions.items[0].space), BASE);
	ck_assert_uint_eq(space_base(partitions.items[1].space),
			  BASE + 64 * MIB);
	partitions_deinit(&partitions);

	/* the smallest that holds it, then the next */
	make(segments, 3, two, 2);
	ck_assert_uint_eq(space_base(partitions.items[0].space),
			  BASE + 256 * MIB + 4096);
	ck_assert_uint_eq(space_base(partitions.items[1].space),
			  BASE + 512 * MIB);
	ck_assert_uint_eq(space_base(partitions.items[2].space), BASE);
	ck_assert_uint_eq(partitions_size_bytes(&partitions), 229 * MIB);
	ck_assert_uint_eq(partitions_span_bytes(&partitions), 577 * MIB);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(low_addresses_stay_common)
{
	const struct run segment = {BASE + MIB, 2 * MIB};
	const struct config_reservation mine = for_camera(MIB);

	make(&segment, 1, &mine, 1);
	ck_assert_uint_eq(space_base(partitions.items[0].space), BASE + 2 * MIB);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(pieces_for_devices_that_reach_less)
{
	const struct run segments[] = {
		{BASE - 32 * MIB, 64 * MIB}, /* across the limit */
		{BASE + 128 * MIB, 16 * MIB},
	};
	struct config_reservation mine = for_camera(32 * MIB);

	mine.below = BASE;
	make(segments, 2, &mine, 1);
	ck_assert_uint_eq(space_base(partitions.items[0].space),
			  BASE - 32 * MIB);
	partitions_deinit(&partitions);

	mine.below = BASE - 1;
	make(segments, 2, &mine, 1);
	ck_assert_str_eq(complaints, "camera: no run of that size ends below "
				     "0xffffffff\n");
	ck_assert_uint_eq(partitions.n, 1);
	partitions_deinit(&partitions);
}
END_TEST

/* Limits are today's; what is claimed may be of yesterday. */
START_TEST(runs_across_limits)
{
	const struct config_reservation mine = for_camera(64 * MIB);
	const struct run across = {BASE + 60 * MIB, 8 * MIB};
	const struct run beyond = {BASE + 96 * MIB, 5 * MIB};
	const struct run into = {BASE + 62 * MIB, 6 * MIB};
	const struct run none = {BASE, 0};
	const struct run wraps = {UINT64_MAX - 4095, 8192};
	struct run part;

	make(&one, 1, &mine, 1);
	ck_assert_ptr_eq(partitions_find(&partitions, &across, &part),
			 &partitions.items[0]);
	ck_assert_uint_eq(part.size_bytes, 4 * MIB);
	ck_assert_int_eq(partitions_claim(&partitions, &across), 0);
	ck_assert_uint_eq(space_free_bytes(partitions.items[0].space), 60 * MIB);
	ck_assert_uint_eq(space_free_bytes(partitions.items[1].space), 32 * MIB);
	ck_assert_int_eq(partitions_claim(&partitions, &across), -EBUSY);
	ck_assert_int_eq(partitions_claim(&partitions, &into), -EBUSY);
	ck_assert_int_eq(partitions_claim(&partitions, &beyond), -ERANGE);
	ck_assert_int_eq(partitions_claim(&partitions, &none), -ERANGE);
	ck_assert_int_eq(partitions_claim(&partitions, &wraps), -ERANGE);
	ck_assert_ptr_null(partitions_find(&partitions, &wraps, &part));
	partitions_release(&partitions, &across);
	ck_assert_uint_eq(partitions_free_bytes(&partitions), 100 * MIB);
	/* a claim that fails in its second part leaves nothing taken */
	ck_assert_int_eq(partitions_claim(&partitions,
					  &(struct run){BASE + 64 * MIB, 4096}),
			 0);
	ck_assert_int_eq(partitions_claim(&partitions, &across), -EBUSY);
	ck_assert_uint_eq(partitions_free_bytes(&partitions), 100 * MIB - 4096);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(at_the_very_end_of_the_address_space)
{
	const struct run last = {UINT64_MAX - 2 * MIB + 1, 2 * MIB};
	const struct config_reservation mine = for_camera(MIB);

	make(&last, 1, &mine, 1);
	ck_assert_uint_eq(partitions_span_bytes(&partitions), 2 * MIB);
	ck_assert_int_eq(partitions_claim(&partitions, &last), 0);
	ck_assert_uint_eq(partitions_free_bytes(&partitions), 0);
	partitions_release(&partitions, &last);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(bad_segments_are_refused)
{
	const struct run odd = {BASE + 1, MIB};
	const struct config_reservation mine = for_camera(MIB);

	ck_assert_int_eq(try(&odd, 1, &mine, 1), -EINVAL);
	ck_assert_int_eq(try(&odd, 1, NULL, 0), -EINVAL);
	ck_assert_uint_eq(partitions.n, 0);
	ck_assert_ptr_null(partitions.items);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("partitions");
	TCase *tcase = harness_case(suite, "partitions");

	tcase_add_test(tcase, nothing_reserved_is_one_space);
	tcase_add_test(tcase, reserved_is_for_the_entitled_alone);
	tcase_add_test(tcase, own_comes_first_then_common);
	tcase_add_test(tcase, refusals_speak_of_all_that_is_open);
	tcase_add_test(tcase, constraints_of_one_partition_count);
	tcase_add_test(tcase, exactly_what_is_there_and_one_beyond);
	tcase_add_test(tcase, absurd_sizes);
	tcase_add_test(tcase, pieces_come_off_the_ends);
	tcase_add_test(tcase, low_addresses_stay_common);
	tcase_add_test(tcase, pieces_for_devices_that_reach_less);
	tcase_add_test(tcase, runs_across_limits);
	tcase_add_test(tcase, at_the_very_end_of_the_address_space);
	tcase_add_test(tcase, bad_segments_are_refused);
	return harness_run(suite);
}
