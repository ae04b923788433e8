/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LOGGED_H
#define TESTS_LOGGED_H

#include <stdbool.h>

#include "util/log.h"

/*
 * What is logged is kept, for the test to look at, instead of being written to
 * standard error: messages up to that level, and none of the others.
 */
void logged_begin(enum log_level level);
/* The log goes where it went before. */
void logged_end(void);

/* All of it, a line a message; valid until the next message. */
const char *logged_text(void);
bool logged_has(const char *text);
/* Whether nothing was logged. */
bool logged_nothing(void);
/* Forgets what was logged by now. */
void logged_forget(void);

#endif
