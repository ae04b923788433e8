/* SPDX-License-Identifier: MIT */
#include "daemon/turns.h"

#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

#define N_USERS	      3
#define N_CONNECTIONS 4 /* of each */

struct connection {
	struct turn turn;
	char name; /* a, b, c, d of the first user; e, ... */
	int more;  /* how often it queues again from its turn */
	bool goes; /* it gives its account back in its turn */
};

static struct loop *loop;
static struct accounts accounts;
static struct turns turns;
static struct connection connections[N_USERS * N_CONNECTIONS];
static char taken[64]; /* names in the order of turns */
static char alone[64]; /* those of them for whose end nobody waited */

static void take(struct turn *turn)
{
	struct connection *connection =
		container_of(turn, struct connection, turn);
	size_t n = strlen(taken);

	ck_assert_uint_lt(n + 1, sizeof(taken));
	ck_assert(list_empty(&turn->link));
	taken[n] = connection->name;
	if (!turns_wait(&turns))
		alone[strlen(alone)] = connection->name;
	if (connection->more-- > 0)
		turns_add(&turns, turn);
	if (connection->goes)
		turn->account = account_unref(&accounts, turn->account);
}

static void before(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	accounts_init(&accounts);
	ck_assert_int_eq(turns_init(&turns, loop, take), 0);
	for (int i = 0; i < N_USERS * N_CONNECTIONS; i++) {
		struct account *account = account_get_ref(
			&accounts, (uint32_t)(1000 + i / N_CONNECTIONS));

		ck_assert_ptr_nonnull(account);
		turn_init(&connections[i].turn, account);
		connections[i].name = (char)('a' + i);
	}
}

static void after(void)
{
	for (int i = 0; i < N_USERS * N_CONNECTIONS; i++) {
		if (!connections[i].turn.account)
			continue;
		turn_remove(&connections[i].turn);
		(void)account_unref(&accounts, connections[i].turn.account);
	}
	ck_assert(list_empty(&turns.accounts));
	turns_deinit(&turns);
	loop = loop_free(loop);
}

static struct connection *named(char name)
{
	return &connections[name - 'a'];
}

static void add(const char *names)
{
	for (; *names; names++)
		turns_add(&turns, &named(*names)->turn);
}

/* So many rounds of the loop later, those have had turns. */
static void expect(int rounds, const char *names)
{
	for (int i = 0; i < rounds; i++)
		ck_assert_int_eq(loop_turn(loop, false), 0);
	ck_assert_str_eq(taken, names);
}

START_TEST(one_is_served_in_the_round_that_it_comes_in)
{
	add("a");
	ck_assert_str_eq(taken, "");
	expect(1, "a");
	expect(3, "a");
}
END_TEST

START_TEST(whoever_is_queued_is_not_queued_again)
{
	add("aaba");
	expect(5, "ab");
}
END_TEST

START_TEST(users_take_turns_however_many_connections_they_have)
{
	add("abcdei");
	expect(1, "aei");
	expect(1, "aeib");
	expect(2, "aeibcd");
}
END_TEST

START_TEST(whoever_is_alone_is_told_so)
{
	add("abe");
	ck_assert(turns_wait(&turns));
	expect(2, "aeb");
	ck_assert(!turns_wait(&turns));
	/* a had e and b behind it, and e had b */
	ck_assert_str_eq(alone, "b");
}
END_TEST

START_TEST(connections_of_a_user_take_turns)
{
	named('a')->more = 2;
	add("abe");
	expect(1, "ae");
	expect(2, "aeba");
	expect(5, "aebaa");
}
END_TEST

START_TEST(one_without_an_end_gets_one_turn_a_round)
{
	named('a')->more = 5;
	add("a");
	for (int i = 1; i <= 6; i++)
		expect(1, &"aaaaaa"[6 - i]);
	expect(2, "aaaaaa");
}
END_TEST

/* What the loop finds due comes into the round that follows. */
static void queue_from_an_event(void *data)
{
	char byte;

	ck_assert_int_eq(read(*(const int *)data, &byte, 1), 1);
	add("e");
}

START_TEST(late_comer_is_in_the_next_round)
{
	struct watch *watch;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(watch_new(&watch, loop, ends[0], LOOP_READ,
				   queue_from_an_event, &ends[0]),
			 0);
	named('a')->more = 2;
	add("abcd");
	expect(1, "a");
	ck_assert_int_eq(write(ends[1], "", 1), 1);
	expect(1, "abe");
	expect(10, "abecdaa");
	watch = watch_free(watch);
	(void)fd_close(ends[0]);
	(void)fd_close(ends[1]);
}
END_TEST

START_TEST(what_is_removed_gets_no_turn)
{
	add("abe");
	turn_remove(&named('e')->turn);
	turn_remove(&named('a')->turn);
	turn_remove(&named('a')->turn);
	expect(3, "b");
	add("e");
	expect(1, "be");
}
END_TEST

/* The turn of the last connection is the end of its user. */
START_TEST(user_may_go_in_its_turn)
{
	for (char c = 'a'; c < 'a' + N_CONNECTIONS; c++)
		named(c)->goes = true;
	add("abcd");
	expect(4, "abcd");
	ck_assert_ptr_null(account_find(&accounts, 1000));
	add("e");
	expect(1, "abcde");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("turns");
	TCase *tcase = harness_case(suite, "turns");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, one_is_served_in_the_round_that_it_comes_in);
	tcase_add_test(tcase, whoever_is_queued_is_not_queued_again);
	tcase_add_test(tcase,
		       users_take_turns_however_many_connections_they_have);
	tcase_add_test(tcase, whoever_is_alone_is_told_so);
	tcase_add_test(tcase, connections_of_a_user_take_turns);
	tcase_add_test(tcase, one_without_an_end_gets_one_turn_a_round);
	tcase_add_test(tcase, late_comer_is_in_the_next_round);
	tcase_add_test(tcase, what_is_removed_gets_no_turn);
	tcase_add_test(tcase, user_may_go_in_its_turn);
	return harness_run(suite);
}
