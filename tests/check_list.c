/* SPDX-License-Identifier: MIT */
#include "util/list.h"

#include <stdlib.h>

#include "tests/harness.h"

/*
 * The intrusive list, with none, one and three entries.  Order is written as a
 * number whose digits are the entries' values: 123 is 1, then 2, then 3.
 */

struct item {
	int digit;
	struct list link;
};

static struct item one, two, three;
static struct list head;

static void setup(void)
{
	one.digit = 1;
	two.digit = 2;
	three.digit = 3;
	list_init(&head);
	list_init(&one.link);
	list_init(&two.link);
	list_init(&three.link);
}

static int forwards(struct list *list)
{
	struct item *item;
	int order = 0;

	list_for_each (item, list, link)
		order = order * 10 + item->digit;
	return order;
}

/* Every next must have its prev, or a later unlink corrupts. */
static int backwards(const struct list *list)
{
	int order = 0;

	for (struct list *l = list->prev; l != list; l = l->prev)
		order = order * 10 + container_of(l, struct item, link)->digit;
	return order;
}

START_TEST(empty)
{
	struct list fresh = LIST_INIT(fresh);

	ck_assert(list_empty(&fresh));
	ck_assert(list_empty(&head));
	ck_assert_int_eq(forwards(&head), 0);
	ck_assert_ptr_null(list_first(&head, struct item, link));
}
END_TEST

START_TEST(append_and_prepend)
{
	list_append(&head, &two.link);
	ck_assert(!list_empty(&head));
	ck_assert_ptr_eq(list_first(&head, struct item, link), &two);
	list_append(&head, &three.link);
	list_prepend(&head, &one.link);
	ck_assert_int_eq(forwards(&head), 123);
	ck_assert_int_eq(backwards(&head), 321);
	ck_assert_ptr_eq(list_first(&head, struct item, link), &one);
}
END_TEST

START_TEST(remove_twice)
{
	list_append(&head, &one.link);
	list_append(&head, &two.link);
	list_append(&head, &three.link);
	list_remove(&two.link);
	ck_assert(list_empty(&two.link));
	ck_assert_int_eq(forwards(&head), 13);
	list_remove(&two.link);
	ck_assert_int_eq(forwards(&head), 13);
	ck_assert_int_eq(backwards(&head), 31);
	list_remove(&one.link);
	list_remove(&three.link);
	ck_assert(list_empty(&head));
}
END_TEST

START_TEST(splice)
{
	struct list from = LIST_INIT(from);

	list_splice(&head, &from);
	ck_assert(list_empty(&head));

	list_append(&from, &two.link);
	list_splice(&head, &from);
	ck_assert(list_empty(&from));
	ck_assert_int_eq(forwards(&head), 2);

	list_append(&from, &three.link);
	list_append(&from, &one.link);
	list_splice(&head, &from);
	ck_assert_int_eq(forwards(&head), 231);
	ck_assert_int_eq(backwards(&head), 132);
	list_splice(&head, &from);
	ck_assert_int_eq(forwards(&head), 231);
}
END_TEST

START_TEST(body_may_free)
{
	struct item *item, *tmp;
	int order = 0;

	list_for_each_safe (item, tmp, &head, link)
		ck_abort_msg("an empty list has an entry");
	for (int i = 1; i <= 3; i++) {
		item = malloc(sizeof(*item));
		ck_assert_ptr_nonnull(item);
		item->digit = i;
		list_append(&head, &item->link);
	}
	list_for_each_safe (item, tmp, &head, link) {
		order = order * 10 + item->digit;
		list_remove(&item->link);
		free(item);
	}
	ck_assert_int_eq(order, 123);
	ck_assert(list_empty(&head));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tcase = harness_case(suite, "list");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, append_and_prepend);
	tcase_add_test(tcase, remove_twice);
	tcase_add_test(tcase, splice);
	tcase_add_test(tcase, body_may_free);
	return harness_run(suite);
}
