/* SPDX-License-Identifier: MIT */
#include "daemon/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * Memory that took privilege to open can be handed to a process without any,
 * since to the kernel an open descriptor is the permission.  A parcel has the
 * descriptors, and the facts that only privilege can find out, such as physical
 * addresses.  Who fills it and who unpacks it is the same backend, maybe of
 * another version.
 */

void parcel_init(struct parcel *parcel)
{
	*parcel = (struct parcel){.items = NULL};
}

void parcel_deinit(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->n_items; i++)
		(void)fd_close(parcel->items[i].fd);
	free(parcel->items);
	free(parcel->words);
	parcel_init(parcel);
}

int parcel_add_consume(struct parcel *parcel, const char *kind, int fd)
{
	struct parcel_item *items = reallocarray(
		parcel->items, parcel->n_items + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	parcel->items = items;
	items[parcel->n_items++] = (struct parcel_item){kind, fd};
	return 0;
}

int parcel_add_dup(struct parcel *parcel, const char *kind, int fd)
{
	_cleanup_fd_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r;

	if (copy < 0)
		return -errno;
	r = parcel_add_consume(parcel, kind, copy);
	if (r == 0)
		(void)TAKE_FD(copy);
	return r;
}

int parcel_take(struct parcel *parcel, const char *kind)
{
	for (size_t i = 0; i < parcel->n_items; i++) {
		struct parcel_item *item = &parcel->items[i];
		int fd = item->fd;

		if (strcmp(item->kind, kind) != 0)
			continue;
		parcel->n_items--;
		memmove(item, item + 1,
			(parcel->n_items - i) * sizeof(*item));
		return fd;
	}
	return -ENOENT;
}

size_t parcel_count(const struct parcel *parcel, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < parcel->n_items; i++)
		n += strcmp(parcel->items[i].kind, kind) == 0;
	return n;
}
