/* SPDX-License-Identifier: MIT */
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * Texts live in the caller's struct and never on the heap, so that running out
 * of memory can be explained too.  What does not fit is cut at the end: the
 * beginning names the thing, and a prefix added on the way up is worth more
 * than the last words of the cause.
 */

void error_write(struct error *why, const char *format, ...)
{
	va_list args;

	if (!why)
		return;
	va_start(args, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
}

void error_write_prefix(struct error *why, const char *format, ...)
{
	char rest[ERROR_TEXT_BYTES];
	va_list args;
	size_t len;

	if (!why)
		return;
	memcpy(rest, why->text, sizeof(rest));
	va_start(args, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	len = strlen(why->text);
	(void)snprintf(why->text + len, sizeof(why->text) - len, ": %s", rest);
}

bool error_may_pass(int code)
{
	switch (code) {
	case -EAGAIN:
	case -EINTR:
	case -EIO:
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOLCK:
	case -ENOMEM:
		return true;
	default:
		return false;
	}
}
