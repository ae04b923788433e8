/* SPDX-License-Identifier: MIT */
#include "daemon/inheritance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * What an earlier daemon left with the service manager comes back as a heap of
 * descriptors with names.  Several modules look for theirs in it: sockets,
 * regions, buffers.  Each takes what it knows and leaves the rest alone, so
 * nobody needs to know what else there may be; what is left when start-up is
 * over belongs to nobody.
 *
 * Hundreds of descriptors are looked at a few times at start-up only: a plain
 * array will do.
 */

void inheritance_init(struct inheritance *inheritance)
{
	*inheritance = (struct inheritance){.items = NULL};
}

void inheritance_deinit(struct inheritance *inheritance)
{
	while (inheritance->n > 0)
		(void)fd_close(
			inheritance_take_at(inheritance, inheritance->n - 1));
	free(inheritance->items);
	inheritance_init(inheritance);
}

static int make_room(struct inheritance *inheritance)
{
	size_t room = inheritance->room ? 2 * inheritance->room : 16;
	struct inherited *items;

	if (inheritance->n < inheritance->room)
		return 0;
	items = reallocarray(inheritance->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	inheritance->items = items;
	inheritance->room = room;
	return 0;
}

int inheritance_add_consume(struct inheritance *inheritance, const char *name,
			    int fd)
{
	_cleanup_free_ char *copy = strdup(name);

	if (!copy || make_room(inheritance) < 0)
		return -ENOMEM;
	inheritance->items[inheritance->n].name = TAKE_PTR(copy);
	inheritance->items[inheritance->n].fd = fd;
	inheritance->n++;
	return 0;
}

int inheritance_take_at(struct inheritance *inheritance, size_t index)
{
	struct inherited *item = &inheritance->items[index];
	int fd = item->fd;

	free(item->name);
	inheritance->n--;
	memmove(item, item + 1, (inheritance->n - index) * sizeof(*item));
	return fd;
}

/* Its place, or n. */
static size_t find(const struct inheritance *inheritance, const char *name)
{
	size_t i = 0;

	while (i < inheritance->n &&
	       strcmp(inheritance->items[i].name, name) != 0)
		i++;
	return i;
}

bool inheritance_has(const struct inheritance *inheritance, const char *name)
{
	return find(inheritance, name) < inheritance->n;
}

int inheritance_get(const struct inheritance *inheritance, const char *name)
{
	size_t i = find(inheritance, name);

	return i < inheritance->n ? inheritance->items[i].fd : -ENOENT;
}

int inheritance_take(struct inheritance *inheritance, const char *name)
{
	size_t i = find(inheritance, name);

	return i < inheritance->n ? inheritance_take_at(inheritance, i)
				  : -ENOENT;
}
