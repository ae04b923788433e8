/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a fuzz target defines.  With --enable-fuzzing libFuzzer calls it; in an
 * ordinary build replay.c does, with the files of the folders named after it.
 */
extern const char fuzz_target[]; /* its folder below seeds/ and fixtures/ */

__attribute__((visibility("default"))) int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What no input may break.  Ends the program as a crash does. */
#define fuzz_assert(condition) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

void fuzz_fail(const char *file, int line, const char *condition)
	__attribute__((noreturn));

/* Text for people must not act on their terminal, wherever it came from. */
void fuzz_assert_printable(const char *text);

#endif
