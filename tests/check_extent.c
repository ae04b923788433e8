/* SPDX-License-Identifier: MIT */
#include "daemon/extent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct extents *, extents_free)

/* Granules of a byte. */
static struct extents *make_within(uint64_t first_phys, uint64_t last_phys,
				   uint64_t longest_bytes, uint64_t max_runs)
{
	struct extents_bounds bounds = {
		.granule_bytes = 1,
		.first_phys = first_phys,
		.last_phys = last_phys,
		.longest_bytes = longest_bytes,
		.max_runs = max_runs,
	};
	struct extents *extents = NULL;

	ck_assert_int_eq(extents_new(&extents, &bounds), 0);
	return extents;
}

static struct extents *make(uint64_t max_runs)
{
	return make_within(0, UINT32_MAX, UINT32_MAX, max_runs);
}

static int new_error(uint64_t last_phys, uint64_t longest_bytes,
		     uint64_t max_runs)
{
	struct extents_bounds bounds = {
		.granule_bytes = 1,
		.last_phys = last_phys,
		.longest_bytes = longest_bytes,
		.max_runs = max_runs,
	};
	struct extents *extents = NULL;
	int r = extents_new(&extents, &bounds);

	if (r < 0)
		ck_assert_ptr_null(extents);
	extents_free(extents);
	return r;
}

static void insert(struct extents *extents, uint64_t phys, uint64_t size_bytes)
{
	extents_insert(extents, &(struct run){phys, size_bytes});
}

static void remove_run(struct extents *extents, uint64_t phys,
		       uint64_t size_bytes)
{
	extents_remove(extents, &(struct run){phys, size_bytes});
}

static bool find(const struct extents *extents, const struct fit *fit,
		 uint64_t *physp)
{
	struct run from;

	return extents_find(extents, fit, &from, physp);
}

static bool take(struct extents *extents, const struct fit *fit,
		 uint64_t *physp)
{
	struct run from, run = {.size_bytes = fit_bytes(fit)};

	if (!extents_find(extents, fit, &from, physp))
		return false;
	run.phys = *physp;
	extents_take(extents, &from, &run);
	return true;
}

static void append_run(void *data, const struct run *run)
{
	char *text = data;

	(void)sprintf(text + strlen(text), "%llx+%llx ",
		      (unsigned long long)run->phys,
		      (unsigned long long)run->size_bytes);
}

/* The free runs as text, "phys+size " each. */
#define ck_assert_runs(extents, expected)                       \
	do {                                                    \
		char text_[512] = "";                           \
		extents_verify(extents);                        \
		extents_for_each((extents), append_run, text_); \
		ck_assert_str_eq(text_, (expected));            \
	} while (0)

static const struct fit any = {
	.size_bytes = 1,
	.align_bytes = 1,
	.max_phys = UINT64_MAX,
};

START_TEST(limits)
{
	_cleanup_(extents_freep) struct extents *extents = NULL;
	uint64_t phys;

	ck_assert_int_eq(new_error(9, 9, 0), -EINVAL);
	ck_assert_int_eq(new_error(9, 9, UINT64_MAX), -ENOMEM);
	ck_assert_int_eq(new_error(9, 9, UINT64_C(1) << 57), -ENOMEM);
	/* 32 bits and 32, one more of either, and as many as there are */
	ck_assert_int_eq(new_error(UINT32_MAX, UINT64_C(1) << 32, 1), 0);
	ck_assert_int_eq(new_error(UINT64_C(1) << 32, UINT64_C(1) << 32, 1),
			 -EOVERFLOW);
	ck_assert_int_eq(new_error(UINT64_C(1) << 32, UINT64_C(1) << 31, 1), 0);
	ck_assert_int_eq(new_error(UINT64_C(1) << 32, (UINT64_C(1) << 31) + 1, 1),
			 -EOVERFLOW);
	ck_assert_int_eq(new_error(UINT64_MAX >> 1, 2, 1), 0);
	ck_assert_int_eq(new_error(UINT64_MAX >> 1, 3, 1), -EOVERFLOW);
	ck_assert_int_eq(new_error(UINT64_MAX, 1, 1), -EOVERFLOW);
	extents = make(1);
	ck_assert_uint_eq(extents_count(extents), 0);
	ck_assert_uint_eq(extents_largest_bytes(extents), 0);
	ck_assert(!find(extents, &any, &phys));
	ck_assert_runs(extents, "");
}
END_TEST

START_TEST(joins)
{
	_cleanup_(extents_freep) struct extents *extents = make(3);

	insert(extents, 0x20, 0x10);
	insert(extents, 0x60, 0x10);
	ck_assert_runs(extents, "20+10 60+10 ");
	insert(extents, 0x30, 1); /* above a run */
	insert(extents, 0x5f, 1); /* below one */
	insert(extents, 0x40, 1); /* apart from both by less than it seems */
	ck_assert_runs(extents, "20+11 40+1 5f+11 ");
	insert(extents, 0x31, 0xf);
	insert(extents, 0x41, 0x1e);
	ck_assert_runs(extents, "20+50 ");
	ck_assert_uint_eq(extents_count(extents), 1);
	ck_assert_uint_eq(extents_largest_bytes(extents), 0x50);
}
END_TEST

START_TEST(splits)
{
	_cleanup_(extents_freep) struct extents *extents = make(2);

	insert(extents, 0x100, 0x40);
	remove_run(extents, 0x100, 1);
	ck_assert_runs(extents, "101+3f ");
	remove_run(extents, 0x13f, 1);
	ck_assert_runs(extents, "101+3e ");
	remove_run(extents, 0x102, 1);
	ck_assert_runs(extents, "101+1 103+3c ");
	remove_run(extents, 0x101, 1);
	ck_assert_runs(extents, "103+3c ");
	remove_run(extents, 0x103, 0x3c);
	ck_assert_runs(extents, "");
}
END_TEST

#define M UINT64_C(0x100000) /* runs that differ by it are not near */

START_TEST(best_of_all)
{
	_cleanup_(extents_freep) struct extents *extents = make(5);
	struct fit fit = any;
	uint64_t phys;

	insert(extents, 0, 0x40 * M);
	insert(extents, 0x50 * M, 0x8 * M);
	insert(extents, 0x60 * M, 0x10 * M);
	insert(extents, 0x80 * M, 0x10 * M);
	insert(extents, 0x100 * M, 0x20 * M);
	fit.size_bytes =
		9 * M; /* the smallest that suffices, the lower of two */
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 0x60 * M);
	fit.align_bytes = 0x80 * M;
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 0x80 * M);
	fit.size_bytes = 0x11 * M;
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 0x100 * M);
	fit.max_phys = 0x110 * M - 1;
	ck_assert(take(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 0);
	ck_assert_runs(extents, "1100000+2f00000 5000000+800000 "
				"6000000+1000000 8000000+1000000 "
				"10000000+2000000 ");
	fit.max_phys = 0x10 * M;
	ck_assert(!take(extents, &fit, &phys));
	ck_assert_uint_eq(extents_count(extents), 5);
}
END_TEST

/* A run that is longer by just so much is near to the best fit. */
START_TEST(lowest_of_near)
{
	_cleanup_(extents_freep) struct extents *extents = make(4);
	struct fit fit = any;
	uint64_t phys;

	fit.size_bytes = 9;
	insert(extents, 0, 10 + EXTENTS_NEAR_BYTES + 1);
	insert(extents, M, 10 + EXTENTS_NEAR_BYTES);
	insert(extents, 2 * M, 10);
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, M);
	remove_run(extents, 0, 1);
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 1);
	/* near to the best that has a place: with the alignment that is not the
	 * first one, and the one at M has none */
	remove_run(extents, M, 1);
	insert(extents, 3 * M - 1, 10);
	fit.align_bytes = 2 * M;
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 2 * M);
}
END_TEST

/* The last one that is looked at is the lowest but for one. */
START_TEST(lowest_of_some)
{
	_cleanup_(extents_freep) struct extents *extents =
		make(EXTENTS_TRIED + 1);
	struct fit fit = any;
	uint64_t phys;

	for (uint64_t i = 0; i <= EXTENTS_TRIED; i++)
		insert(extents, (EXTENTS_TRIED - i) * 0x1000, 0x10 + i);
	fit.size_bytes = 0x10;
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 0x1000);
	fit.size_bytes = 0x11;
	ck_assert(find(extents, &fit, &phys));
	ck_assert_uint_eq(phys, 0);
}
END_TEST

START_TEST(end_of_address_space)
{
	const uint64_t top = UINT64_MAX - 0xff;
	_cleanup_(extents_freep) struct extents *extents =
		make_within(top, UINT64_MAX, 0x100, 2);

	insert(extents, UINT64_MAX, 1);
	insert(extents, top, 1); /* the neighbour of no end */
	ck_assert_runs(extents, "ffffffffffffff00+1 ffffffffffffffff+1 ");
	insert(extents, top + 2, 0xfd);
	ck_assert_runs(extents, "ffffffffffffff00+1 ffffffffffffff02+fe ");
	remove_run(extents, UINT64_MAX, 1);
	ck_assert_runs(extents, "ffffffffffffff00+1 ffffffffffffff02+fd ");
}
END_TEST

/* Nodes that were given up serve again: far more runs than there is room for,
 * never more at a time. */
START_TEST(nodes_return)
{
	_cleanup_(extents_freep) struct extents *extents = make(3);

	for (uint64_t i = 0; i < 1000; i++) {
		insert(extents, 16 * i, 1);
		insert(extents, 16 * i + 4, 1);
		insert(extents, 16 * i + 8, 1);
		remove_run(extents, 16 * i + 4, 1);
		remove_run(extents, 16 * i, 1);
		remove_run(extents, 16 * i + 8, 1);
	}
	ck_assert_runs(extents, "");
}
END_TEST

START_TEST(too_many)
{
	struct extents *extents = make(2);

	insert(extents, 0, 1);
	insert(extents, 2, 1);
	insert(extents, 4, 1);
}
END_TEST

START_TEST(overlap_below)
{
	struct extents *extents = make(9);

	insert(extents, 0x10, 0x10);
	insert(extents, 0x1f, 1);
}
END_TEST

START_TEST(overlap_above)
{
	struct extents *extents = make(9);

	insert(extents, 0x10, 0x10);
	insert(extents, 0xf, 2);
}
END_TEST

START_TEST(remove_more)
{
	struct extents *extents = make(9);

	insert(extents, 0x10, 0x10);
	remove_run(extents, 0x1f, 2);
}
END_TEST

START_TEST(remove_nothing)
{
	struct extents *extents = make(9);

	insert(extents, 0x10, 0x10);
	remove_run(extents, 0xf, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("extent");
	TCase *tcase = harness_case(suite, "extent");

	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, joins);
	tcase_add_test(tcase, splits);
	tcase_add_test(tcase, best_of_all);
	tcase_add_test(tcase, lowest_of_near);
	tcase_add_test(tcase, lowest_of_some);
	tcase_add_test(tcase, end_of_address_space);
	tcase_add_test(tcase, nodes_return);
	tcase_add_test_raise_signal(tcase, too_many, SIGABRT);
	tcase_add_test_raise_signal(tcase, overlap_below, SIGABRT);
	tcase_add_test_raise_signal(tcase, overlap_above, SIGABRT);
	tcase_add_test_raise_signal(tcase, remove_more, SIGABRT);
	tcase_add_test_raise_signal(tcase, remove_nothing, SIGABRT);
	return harness_run(suite);
}
