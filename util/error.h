/* SPDX-License-Identifier: MIT */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include <stdbool.h>

/*
 * A failure in words.  The number says what kind it is, the text names the
 * thing and the reason for a person.  A function that can explain itself takes
 * a `struct error *why`, which may be NULL, and fills it only when it fails.
 */

#define ERROR_TEXT_BYTES 384

struct error {
	char text[ERROR_TEXT_BYTES]; /* NUL-terminated, no newline */
};

#define ERROR_INIT                                                             \
	{                                                                      \
		.text = ""                                                     \
	}

/*
 * Sets the text (cut where it does not fit) and yields code, so that a failing
 * path is one statement:  return error_set(why, -EINVAL, "...");
 * A macro, for the compiler to see that the value is the negative code.
 */
#define error_set(why, code, ...) (error_write((why), __VA_ARGS__), (code))

/* Puts a formatted prefix and ": " in front of what is there; yields code. */
#define error_prefix(why, code, ...)                                           \
	(error_write_prefix((why), __VA_ARGS__), (code))

void error_write(struct error *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void error_write_prefix(struct error *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether what failed with this negative errno may well succeed the next time:
 * it says that something is short (memory, descriptors, a queue), came in
 * between or did not work, and nothing about what was asked for. */
bool error_may_pass(int code);

#endif
