/* SPDX-License-Identifier: MIT */
#include "daemon/budget.h"

/*
 * A bucket that fills at a constant rate.  A thousandth of a core is a
 * microsecond each millisecond, so all of it is whole numbers.
 *
 * Work comes in pieces whose cost is known only afterwards.  So a piece may
 * begin as soon as anything is left, and what it takes beyond that is owed: the
 * next one begins when the debt is paid.  In the long run not a nanosecond more
 * than the share is used, whatever the pieces cost; how evenly is up to the
 * size of the pieces.
 */

#define NS_PER_MS_OF_PERMILLE 1000

void budget_init(struct budget *budget, uint32_t permille, uint64_t burst_ms)
{
	budget->permille = permille;
	budget->burst_ns =
		(int64_t)(burst_ms * permille * NS_PER_MS_OF_PERMILLE);
	budget->left_ns = budget->burst_ns;
	budget->at_ms = 0;
}

static void refill(struct budget *budget, uint64_t now_ms)
{
	uint64_t rate = (uint64_t)budget->permille * NS_PER_MS_OF_PERMILLE;
	uint64_t room = (uint64_t)(budget->burst_ns - budget->left_ns);
	uint64_t passed_ms;

	if (now_ms <= budget->at_ms)
		return;
	passed_ms = now_ms - budget->at_ms;
	budget->at_ms = now_ms;
	if (passed_ms > room / rate) /* also where the product overflows */
		budget->left_ns = budget->burst_ns;
	else
		budget->left_ns += (int64_t)(passed_ms * rate);
}

bool budget_has(struct budget *budget, uint64_t now_ms)
{
	refill(budget, now_ms);
	return budget->left_ns > 0;
}

void budget_spend(struct budget *budget, uint64_t ns)
{
	/* a clock that jumps must not forbid everything for ever */
	const uint64_t most = (uint64_t)budget->burst_ns * 1024;

	budget->left_ns -= (int64_t)(ns < most ? ns : most);
}

uint64_t budget_wait_ms(struct budget *budget, uint64_t now_ms)
{
	uint64_t rate = (uint64_t)budget->permille * NS_PER_MS_OF_PERMILLE;

	refill(budget, now_ms);
	if (budget->left_ns > 0)
		return 0;
	return (uint64_t)-budget->left_ns / rate + 1;
}
