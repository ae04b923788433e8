/* SPDX-License-Identifier: MIT */
#include "daemon/request_path.h"

/*
 * A camera asks for a buffer every few milliseconds, and in between a processor
 * sleeps and loses what was in its caches.  Then the daemon ran through 370 lines
 * of 64 bytes until it had answered, from sixty files and forty pages, and waited
 * for one after the other.  So the functions that a request takes lie side
 * by side, in eleven pages, and memory is asked for all of them at once.
 *
 * Which functions these are is in request_path.list, of which, and of start.list,
 * daemon/local.mk makes a linker script.  Not every linker takes that; then
 * neither symbol is there.
 */

#define LINE_BYTES 64 /* of a usual cache */

extern const char request_path_begin[] __attribute__((weak));
extern const char request_path_end[] __attribute__((weak));

void request_path_fetch(void)
{
	const char *line = request_path_begin;

	for (; line < request_path_end; line += LINE_BYTES)
		__builtin_prefetch(line);
}
