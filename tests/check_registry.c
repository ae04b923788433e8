/* SPDX-License-Identifier: MIT */
#include "daemon/registry.h"

#include <signal.h>

#include "tests/harness.h"
#include "tests/lot.h"

#define N 1000

static struct lot lot;
static struct registry registry;

static void before(void)
{
	lot_init(&lot, N);
	registry_init(&registry);
	for (size_t i = 0; i < N; i++) /* in a mixed order */
		registry_add(&registry, lot.buffers[i * 7 % N]);
}

static void after(void)
{
	lot_deinit(&lot);
}

START_TEST(finds_by_id_and_inode)
{
	ck_assert_uint_eq(registry.n_buffers, N);
	for (uint64_t id = 1; id <= N; id++) {
		struct buffer *buffer = lot.buffers[id - 1];

		ck_assert_ptr_eq(registry_find(&registry, id), buffer);
		ck_assert_ptr_eq(registry_find_inode(&registry, 1,
						     buffer->object->inode),
				 buffer);
		ck_assert_ptr_null(registry_find_inode(&registry, 2,
						       buffer->object->inode));
	}
	ck_assert_ptr_null(registry_find(&registry, 0));
	ck_assert_ptr_null(registry_find(&registry, N + 1));
	ck_assert_ptr_null(registry_find_inode(&registry, 1, 0));
}
END_TEST

START_TEST(walks_by_id)
{
	uint64_t id = 0;
	struct buffer *buffer;

	while ((buffer = registry_next(&registry, id)))
		ck_assert_uint_eq(buffer->id, ++id);
	ck_assert_uint_eq(id, N);
	ck_assert_ptr_null(registry_next(&registry, UINT64_MAX));
	ck_assert_ptr_null(registry_next(&registry, UINT64_MAX - 1));

	registry_remove(&registry, lot.buffers[4]);
	ck_assert_uint_eq(registry_next(&registry, 4)->id, 6);
	ck_assert_ptr_null(registry_find(&registry, 5));
	ck_assert_ptr_null(registry_find_inode(&registry, 1,
					       lot.buffers[4]->object->inode));
	ck_assert_uint_eq(registry.n_buffers, N - 1);
}
END_TEST

START_TEST(same_buffer_twice)
{
	registry_add(&registry, lot.buffers[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *tcase = harness_case(suite, "registry");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, finds_by_id_and_inode);
	tcase_add_test(tcase, walks_by_id);
	tcase_add_test_raise_signal(tcase, same_buffer_twice, SIGABRT);
	return harness_run(suite);
}
