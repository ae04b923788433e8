/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <stdbool.h>

#include "util/log.h"

/* Whether standard error goes to the journal, judged by $JOURNAL_STREAM. */
bool journal_is_connected(void);

/* A sink for log_set_sink() that keeps the fields apart from the text. */
void journal_sink(enum log_level level, const struct log_fields *fields,
		  const char *text);

#endif
