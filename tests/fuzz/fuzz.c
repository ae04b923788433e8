/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * How a target says that something is wrong.  abort() is what libFuzzer takes
 * for a finding, and what makes an ordinary test fail.
 */

/*
 * Sanitizers end a program that asks for more memory than there can be; the
 * programs under test are to get -ENOMEM, as they do without them.  libFuzzer
 * still reports an allocation that is too large to be meant.
 */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

void fuzz_fail(const char *file, int line, const char *condition)
{
	(void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

void fuzz_assert_printable(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p >= ' ' && *p <= '~')
			continue;
		(void)fprintf(stderr, "byte 0x%02x in '%s'\n",
			      (unsigned int)(unsigned char)*p, text);
		abort();
	}
}
