/* SPDX-License-Identifier: MIT */
#include "tests/deal.h"

#include "daemon/lending.h"
#include "tests/harness.h"

#define MIB (UINT64_C(1) << 20)

/*
 * The loop and the worker are real, so whatever is waited for comes by turning
 * the loop; who holds a buffer is what the test says.
 */

void deal_init(struct deal *deal)
{
	deal->n_done = 0;
	ck_assert_int_eq(loop_new(&deal->loop), 0);
	ck_assert_int_eq(lender_new(&deal->lender, deal->loop), 0);
	deal->region = fake_region(&deal->fake, 1, "test", 8 * MIB, true);
	deal->region->dirt.ticketp = &deal->lender->ticket;
	ck_assert_int_eq(lender_add_region_consume(deal->lender, deal->region),
			 0);
	ck_assert_int_eq(
		owner_init(&deal->owner, &deal->lender->accounts, 1000), 0);
}

void deal_deinit(struct deal *deal)
{
	lender_owner_gone(deal->lender, &deal->owner);
	owner_deinit(&deal->owner);
	deal->lender = lender_free(deal->lender);
	deal->loop = loop_free(deal->loop);
	fake_deinit(&deal->fake);
}

void deal_use_guards(struct deal *deal, uint64_t size_bytes)
{
	struct region *guarded =
		fake_guarded_region(&deal->guarded, size_bytes, FAKE_GRANULE);

	guarded->id = 2;
	guarded->dirt.ticketp = &deal->lender->ticket;
	deal->region->is_default = false;
	deal->region = guarded;
	ck_assert_int_eq(lender_add_region_consume(deal->lender, guarded), 0);
}

void deal_turn(struct deal *deal, int n)
{
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(loop_turn(deal->loop, false), 0);
}

static void decided(struct loan *loan, int result)
{
	struct ask *ask = loan->data;

	ck_assert_int_eq(ask->result, -1);
	ask->result = result;
	ask->order = ++ask->deal->n_done;
}

void deal_ask(struct deal *deal, struct ask *ask, uint64_t size_bytes,
	      uint32_t count)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
	};

	*ask = (struct ask){.deal = deal, .result = -1};
	ask->loan = loan_new(&want, &deal->owner, decided, ask);
	ck_assert_ptr_nonnull(ask->loan);
	lending_begin(deal->lender, ask->loan);
}

void ask_wait(const struct ask *ask)
{
	while (ask->result < 0)
		ck_assert_int_eq(loop_turn(ask->deal->loop, true), 0);
}

void ask_let_go(struct ask *ask)
{
	for (size_t i = 0; i < ask->loan->n_lent; i++)
		fake_set_held(ask->loan->buffers[i]->object, false);
}

void ask_forget(struct ask *ask)
{
	ask->loan = loan_free(ask->loan);
}
