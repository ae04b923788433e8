/* SPDX-License-Identifier: MIT */
#include "tools/complain.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * How the tool speaks of failures: one line that starts with its name, on
 * standard error, so that standard output stays what a script asked for.  The
 * line is put together first and written at once, because several contigctl
 * may share a terminal.
 */

#define COMPLAINT_BYTES 2048

void complain(const char *format, ...)
{
	char text[COMPLAINT_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)fprintf(stderr, "contigctl: %s\n", text);
}
