/* SPDX-License-Identifier: MIT */
#include "daemon/turns.h"

/*
 * Who is served when all ask at once.  The loop tells in one go of each
 * connection that has become readable, thousands of them if somebody wants it
 * so; were they served as they are told of, whoever connects most often would
 * get most of the daemon, and everybody else would wait for all of that.  So
 * nothing is done in the loop's report but to queue, and the queue is one of
 * users: in a round each gets one turn, which goes to that of his connections
 * that has waited longest.  A neighbour, whatever it does, costs one turn.
 *
 * The first round runs behind the reports that filled the queue, before the
 * loop polls again: nothing is lost where only one connection asks.  Between
 * two rounds the loop polls, so that whoever comes late is in the next one.
 * Who has a turn may ask whether anybody waits for its end.
 */

static void take_turn(struct turns *turns, struct account *account)
{
	struct turn *turn = list_first(&account->turns, struct turn, link);

	/* Behind the others first: the turn may be his last reference. */
	list_remove(&account->turn_link);
	list_remove(&turn->link);
	if (!list_empty(&account->turns))
		list_append(&turns->accounts, &account->turn_link);
	turns->fn(turn);
}

static void on_round(void *data)
{
	struct turns *turns = data;
	struct account *account;

	list_splice(&turns->round, &turns->accounts);
	turns->in_round = true;
	while ((account = list_first(&turns->round, struct account, turn_link)))
		take_turn(turns, account);
	turns->in_round = false;
	if (!list_empty(&turns->accounts))
		timer_set(turns->timer, 0);
}

int turns_init(struct turns *turns, struct loop *loop, turn_fn *fn)
{
	list_init(&turns->round);
	list_init(&turns->accounts);
	turns->in_round = false;
	turns->fn = fn;
	return timer_new(&turns->timer, loop, on_round, turns);
}

void turns_deinit(struct turns *turns)
{
	if (turns->timer)
		turns->timer = timer_free(turns->timer);
}

void turn_init(struct turn *turn, struct account *account)
{
	list_init(&turn->link);
	turn->account = account;
}

void turns_add(struct turns *turns, struct turn *turn)
{
	struct account *account = turn->account;

	if (!list_empty(&turn->link))
		return;
	list_append(&account->turns, &turn->link);
	if (!list_empty(&account->turn_link))
		return;
	if (list_empty(&turns->accounts) && !turns->in_round)
		timer_fire(turns->timer);
	list_append(&turns->accounts, &account->turn_link);
}

bool turns_wait(const struct turns *turns)
{
	return !list_empty(&turns->round) || !list_empty(&turns->accounts);
}

void turn_remove(struct turn *turn)
{
	list_remove(&turn->link);
	if (list_empty(&turn->account->turns))
		list_remove(&turn->account->turn_link);
}
