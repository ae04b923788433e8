/* SPDX-License-Identifier: MIT */
#include "tests/integration/countdown.h"

#include <stddef.h>

/* The test's side; countdown_preload.c is the other. */

static const struct preload_spec spec = {
	.library = ".libs/libcountdown.so",
	.variable = COUNTDOWN_VARIABLE,
	.asan_options = "",
	.page_bytes = sizeof(struct countdown_page),
};

void countdown_require(void)
{
	preload_require(&spec);
}

void countdown_init(struct countdown *countdown, const char *directory)
{
	countdown->page = preload_init(&countdown->preload, &spec, directory,
				       "countdown");
}

void countdown_deinit(struct countdown *countdown)
{
	preload_deinit(&countdown->preload);
	countdown->page = NULL;
}

void countdown_set(struct countdown *countdown, int64_t moments, int64_t steps)
{
	atomic_store(&countdown->page->steps, steps);
	atomic_store(&countdown->page->moments, moments);
}

bool countdown_stop(struct countdown *countdown)
{
	return atomic_exchange(&countdown->page->moments, 0) > 0;
}

uint64_t countdown_passed(const struct countdown *countdown)
{
	return atomic_load(&countdown->page->passed);
}
