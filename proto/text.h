/* SPDX-License-Identifier: MIT */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text on the wire: a field of fixed size that holds printable ASCII, at least
 * one NUL behind it, and nothing but NUL behind that.
 */

enum text_form {
	TEXT_E_OPEN = 1,	/* no NUL, or something behind the first one */
	TEXT_E_UNPRINTABLE = 2, /* a character outside 0x20..0x7e */
};

/* Judges a field of size bytes: 0 or one of the above. */
int text_check(const char *field, size_t size);

/* Fills a field of size bytes (at least 1) from a string: what does not fit is
 * cut, what is not printable becomes '?', the rest is zero. */
void text_put(char *field, size_t size, const char *string);

/* True where string fits a field of size bytes with its NUL and is printable,
 * so that text_put() would change nothing. */
bool text_fits(const char *string, size_t size);

#endif
