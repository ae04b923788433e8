/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SYNTAX_H
#define CONFIG_SYNTAX_H

#include <stddef.h>

/* What a file is made of, with the line that each thing stands in, from 1. */
struct syntax_events {
	/* [heading], without the brackets and the blanks around it; NULL: one
	 * that cannot be read, which the next complaint is about */
	void (*heading)(void *data, unsigned int line, const char *heading);
	/* key = value */
	void (*entry)(void *data, unsigned int line, const char *key,
		      const char *value);
	/* A line that is neither, and why; it is passed over. */
	void (*complain)(void *data, unsigned int line, const char *reason);
};

/* Takes text apart, which has len bytes and a NUL beyond them, and is written
 * to.  Returns 0 or -ENOMEM. */
int syntax_read(char *text, size_t len, const struct syntax_events *events,
		void *data);

#endif
