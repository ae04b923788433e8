/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TOKEN_H
#define DAEMON_TOKEN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Proof that somebody holds a descriptor: a random number in the name of what
 * it is a descriptor of.
 */

#define TOKEN_NAME_PREFIX "contig-"
#define TOKEN_DIGITS	  16

/* What a name has in front of the buffer's own, without a NUL. */
#define TOKEN_NAME_BYTES (sizeof(TOKEN_NAME_PREFIX "-") - 1 + TOKEN_DIGITS)

/* Makes one, never 0.  0 or a negative errno. */
int token_make(uint64_t *tokenp);

/* Writes "contig-TOKEN-NAME", TOKEN being 16 lower-case hexadecimal digits; a
 * NAME that is too long for size bytes is cut.  size is larger than
 * TOKEN_NAME_BYTES. */
void token_write_name(char *buf, size_t size, uint64_t token, const char *name);

#endif
