/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_WORDS_H
#define DEVICETREE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Names out of a devicetree, made fit for a message: a blob may carry any
 * bytes in them, and a terminal or a journal must not act on those.
 */

#define WORDS_LABEL_BYTES 128

/* Writes name with everything but printable ASCII as \xNN, cut with "..."
 * where it is too long.  Returns buf. */
const char *words_label(char buf[WORDS_LABEL_BYTES], const char *name);

/* A growing list of strings, each owned. */
struct words {
	char **words;
	size_t n_words;
	size_t room;
};

/* Appends a formatted string: 0 or -ENOMEM. */
int words_add(struct words *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void words_deinit(struct words *list);

#endif
