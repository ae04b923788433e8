/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_LISTS_H
#define CONFIG_LISTS_H

#include "util/error.h"

/* Lists of entries with commas between them. */

/* Called for each entry of a list that is wrong. */
typedef void config_list_complaint_fn(void *data, const char *reason);

/* A list as it stands in the file. */
struct config_list {
	const char *text;
	unsigned int line;
	config_list_complaint_fn *complain;
	void *data;
};

/* Takes the blanks off both ends of text, which is written to. */
char *config_list_trim(char *text);

/* Called for each entry, without the blanks around it; it may be written to.
 * 0, -ENOMEM, or a negative errno with *why: the entry is wrong. */
typedef int config_list_entry_fn(void *data, char *entry, struct error *why);

/* Goes through the entries; of those that are wrong it complains.  Nothing but
 * blanks is a list without entries.  Returns 0, or -ENOMEM, which ends it. */
int config_list_read(const struct config_list *list, config_list_entry_fn *fn,
		     void *data);

#endif
