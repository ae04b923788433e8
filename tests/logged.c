/* SPDX-License-Identifier: MIT */
#include "tests/logged.h"

#include <stdio.h>
#include <string.h>

/*
 * One buffer for the whole program.  What does not fit any more is dropped: a
 * test that looks for it fails.
 */

static char kept[16384];
static enum log_level most;

static void keep(enum log_level level, const struct log_fields *fields,
		 const char *text)
{
	size_t length = strlen(kept);

	(void)fields;
	if (level <= most)
		(void)snprintf(kept + length, sizeof(kept) - length, "%s\n",
			       text);
}

void logged_begin(enum log_level level)
{
	most = level;
	logged_forget();
	log_set_sink(keep);
}

void logged_end(void)
{
	log_set_sink(NULL);
}

const char *logged_text(void)
{
	return kept;
}

bool logged_has(const char *text)
{
	return strstr(kept, text) != NULL;
}

bool logged_nothing(void)
{
	return kept[0] == '\0';
}

void logged_forget(void)
{
	kept[0] = '\0';
}
