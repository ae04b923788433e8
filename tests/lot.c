/* SPDX-License-Identifier: MIT */
#include "tests/lot.h"

#include <check.h>
#include <stdlib.h>

void lot_init(struct lot *lot, size_t n)
{
	lot_init_guarded(lot, n, 0);
}

void lot_init_guarded(struct lot *lot, size_t n, uint64_t guard_bytes)
{
	const struct space_request request = {
		.size_bytes = 1,
		.max_phys = UINT64_MAX,
		.tail_bytes = guard_bytes,
	};

	lot->region = fake_region(&lot->fake, 1, "lot",
				  (n + 1) * (FAKE_GRANULE + guard_bytes), true);
	lot->fake.memory.guard_bytes = guard_bytes;
	accounts_init(&lot->accounts);
	ck_assert_int_eq(owner_init(&lot->owner, &lot->accounts, 1000), 0);
	lot->n = n;
	lot->buffers = calloc(n, sizeof(struct buffer *));
	ck_assert_ptr_nonnull(lot->buffers);
	for (size_t i = 0; i < n; i++) {
		const struct buffer_spec spec = {
			.id = i + 1,
			.name = "lot",
			.region = lot->region,
			.owner = &lot->owner,
		};
		struct run run;

		ck_assert_int_eq(partitions_alloc(&lot->region->partitions,
						  NULL, &request, &run, NULL),
				 0);
		ck_assert_int_eq(
			buffer_new_consume(&lot->buffers[i], &spec, &run, NULL),
			0);
	}
}

void lot_end(struct lot *lot, struct buffer *buffer)
{
	lot->buffers[buffer->id - 1] = NULL;
	(void)buffer_free(buffer, BUFFER_USED);
}

void lot_deinit(struct lot *lot)
{
	for (size_t i = 0; i < lot->n; i++)
		if (lot->buffers[i])
			lot_end(lot, lot->buffers[i]);
	free(lot->buffers);
	owner_deinit(&lot->owner);
	(void)region_free(lot->region);
	fake_deinit(&lot->fake);
}
