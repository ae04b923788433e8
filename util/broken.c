/* SPDX-License-Identifier: MIT */
#include "util/broken.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/log.h"

/*
 * The end of a program that can no longer trust its own books.  assert() is
 * not used for this: it goes away with NDEBUG, it bypasses the log, and it
 * prints an expression where a person needs the addresses that disagree.  The
 * text is formatted into a buffer of its own, as the heap may be what broke.
 */

void broken(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_err("broken invariant: %s", text);
	abort();
}
