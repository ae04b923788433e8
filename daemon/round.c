/* SPDX-License-Identifier: MIT */
#include "daemon/round.h"

/*
 * A wheel that turns as fast as it can be paid.  A pass begins a period after
 * the one before began and looks at everybody once, in as many pieces as its
 * caller takes; those who come meanwhile have their turn in the next one.
 *
 * Waking up costs too, on an emulated board 1.4 ms, which is more than 0.8 % of
 * a core in 80 ms.  So a crowded round, one that needs more than its part to
 * get round within a period, pays for waking up as well, and rests whenever it
 * has spent what it had: not only until it can pay for one more look, but the
 * longer the longer it takes to get round anyway.  One that is not crowded does
 * neither: its members are seen once in a period whatever waking up costs.
 *
 * Where the price of a look is so high that even a handful cannot be paid, the
 * terms may exempt a few.  These neither need the budget nor spend it: it fills
 * up meanwhile, and debts and rests that a crowd has left are not theirs.
 *
 * Nothing of this is decided in advance.  Members come and go and prices change
 * between two calls, so how long a rest is, and whether there are a few or a
 * crowd, is worked out from what is true now.
 */

void round_init(struct round *round, const struct round_terms *terms)
{
	*round = (struct round){.terms = *terms};
	list_init(&round->members);
	budget_init(&round->budget, terms->permille, terms->rest_ms);
}

void round_join(struct round *round, struct list *link, uint64_t now_ms)
{
	if (round->n++ == 0) {
		round->left = 0;
		round->due_ms = now_ms + round->terms.period_ms;
	}
	list_append(&round->members, link);
}

void round_leave(struct round *round, struct list *link)
{
	round->n--;
	list_remove(link);
}

/* So few that nobody asks what they cost. */
static bool is_few(const struct round *round)
{
	return round->n <= round->terms.few;
}

/* What it may spend in a millisecond. */
static uint64_t allowance_ns(const struct round *round)
{
	return round->terms.permille * UINT64_C(1000);
}

/* Looking at all takes more than it may spend meanwhile. */
static bool is_crowded(const struct round *round, uint64_t look_ns)
{
	return round->n * look_ns > round->terms.period_ms * allowance_ns(round);
}

static uint64_t rest_ms(const struct round *round, uint64_t look_ns)
{
	uint64_t pass_ms = round->n * look_ns / allowance_ns(round);
	uint64_t ms = pass_ms / ROUND_RESTS;

	if (ms > round->terms.rest_ms)
		return round->terms.rest_ms;
	return ms < round->terms.period_ms ? round->terms.period_ms : ms;
}

/* A round that has spent its part does not wake up for each slice that it can
 * pay again, nor before it can pay at all.  How long it rests is decided by
 * those who are in it now: a crowd may have gone. */
uint64_t round_due_ms(struct round *round, uint64_t look_ns, uint64_t now_ms)
{
	uint64_t due_ms = round->due_ms, at_ms;

	if (round->n == 0)
		return UINT64_MAX;
	if (is_few(round))
		return due_ms;
	if (round->resting) {
		at_ms = round->spent_ms + rest_ms(round, look_ns);
		due_ms = at_ms > due_ms ? at_ms : due_ms;
	}
	at_ms = now_ms + budget_wait_ms(&round->budget, now_ms);
	return at_ms > due_ms ? at_ms : due_ms;
}

unsigned int round_room(struct round *round, uint64_t look_ns, uint64_t now_ms,
			unsigned int room)
{
	uint64_t n;

	if (is_few(round))
		return room;
	if (!budget_has(&round->budget, now_ms))
		return 0;
	n = (uint64_t)round->budget.left_ns / (look_ns + 1);
	if (n >= room)
		return room;
	return n > 0 ? (unsigned int)n : 1;
}

struct list *round_next(struct round *round, uint64_t look_ns, uint64_t now_ms)
{
	if (round_due_ms(round, look_ns, now_ms) > now_ms)
		return NULL;
	round->resting = false;
	if (round->left == 0) {
		round->left = round->n;
		round->begin_ms = now_ms;
	}
	if (round->left > round->n) /* some have gone since it began */
		round->left = round->n;
	if (--round->left == 0)
		round->due_ms = round->begin_ms + round->terms.period_ms;
	return round->members.next;
}

void round_pay(struct round *round, uint64_t look_ns, uint64_t spent_ns,
	       uint64_t waking_ns, uint64_t now_ms)
{
	if (is_few(round))
		return;
	budget_spend(&round->budget, spent_ns);
	if (is_crowded(round, look_ns))
		budget_spend(&round->budget, waking_ns);
	if (!budget_has(&round->budget, now_ms)) {
		round->resting = true;
		round->spent_ms = now_ms;
	}
}
