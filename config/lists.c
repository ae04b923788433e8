/* SPDX-License-Identifier: MIT */
#include "config/lists.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"

/*
 * Whoever reads a list says what an entry is; that one which is wrong is
 * complained about and does not take the others with it is the same for all.
 *
 * An entry may be empty, between two commas or behind the last, and whether
 * that is wrong is for the reader to say as well.  Memory that is short is
 * nobody's mistake, so it is no complaint and ends the list.
 */

char *config_list_trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

int config_list_read(const struct config_list *list, config_list_entry_fn *fn,
		     void *data)
{
	_cleanup_free_ char *copy = strdup(list->text);
	char *rest = copy, *entry;

	if (!copy)
		return -ENOMEM;
	if (*config_list_trim(copy) == '\0')
		return 0;
	while ((entry = strsep(&rest, ","))) {
		struct error why = ERROR_INIT;
		int r = fn(data, config_list_trim(entry), &why);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			list->complain(list->data, why.text);
	}
	return 0;
}
