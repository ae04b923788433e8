/* SPDX-License-Identifier: MIT */
#ifndef UTIL_BROKEN_H
#define UTIL_BROKEN_H

/*
 * For invariants, never for input: says what is broken and aborts.  Whoever
 * goes on with a wrong record of memory hands the same bytes out twice.
 */
void broken(const char *format, ...)
	__attribute__((noreturn, cold, format(printf, 1, 2)));

#endif
