/* SPDX-License-Identifier: MIT */
#include "devicetree/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/*
 * Text that leaves this folder for a person.  Names are kept exactly as the
 * tree has them in the structures, for programs compare them; only when they
 * enter a sentence do they pass through words_label().  The bytes of a node
 * name come from whoever made the blob: an escape sequence in one must not
 * reach a terminal, nor a newline the journal.
 */

static const char cut_mark[] = "...";

const char *words_label(char buf[WORDS_LABEL_BYTES], const char *name)
{
	/* Room for one escape, the mark and the NUL behind it. */
	size_t limit = WORDS_LABEL_BYTES - sizeof("\\xNN") - sizeof(cut_mark);
	size_t used = 0;

	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (used > limit) {
			memcpy(buf + used, cut_mark, sizeof(cut_mark) - 1);
			used += sizeof(cut_mark) - 1;
			break;
		}
		if (c >= 0x20 && c < 0x7f)
			buf[used++] = (char)c;
		else
			used += (size_t)snprintf(buf + used, sizeof("\\xNN"),
						 "\\x%02x", c);
	}
	buf[used] = '\0';
	return buf;
}

int words_add(struct words *list, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (list->n_words == list->room) {
		size_t room = list->room ? list->room * 2 : 8;
		char **grown = reallocarray(list->words, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->words = grown;
		list->room = room;
	}
	list->words[list->n_words++] = TAKE_PTR(text);
	return 0;
}

void words_deinit(struct words *list)
{
	for (size_t i = 0; i < list->n_words; i++)
		free(list->words[i]);
	free(list->words);
	memset(list, 0, sizeof(*list));
}
