/* SPDX-License-Identifier: MIT */
#include "tests/integration/store.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/fd.h"

/*
 * What systemd's store does, its oddities with it, since a service that works
 * here is meant to work there: a full store closes what comes without a word
 * to the service; an open file is kept once, under the name it first came by;
 * several may have one name; and the order in which a service gets them back
 * is the reverse of the one in which it gave them.
 */

static bool is_same(int a, int b)
{
	pid_t pid = getpid();

	return syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b) == 0;
}

void store_init(struct store *store, size_t limit)
{
	list_init(&store->items);
	store->n = 0;
	store->limit = limit;
	store->refused = 0;
}

static bool has(const struct store *store, int fd)
{
	const struct stored *item;

	list_for_each (item, &store->items, link)
		if (is_same(item->fd, fd))
			return true;
	return false;
}

int store_add_consume(struct store *store, int fd, const char *name, bool poll)
{
	struct stored *item;

	if (store->n >= store->limit) {
		store->refused++;
		(void)fd_close(fd);
		return -EXFULL;
	}
	if (has(store, fd)) {
		(void)fd_close(fd);
		return 0;
	}
	item = calloc(1, sizeof(*item));
	if (!item)
		abort();
	(void)snprintf(item->name, sizeof(item->name), "%s", name);
	item->fd = fd;
	item->poll = poll;
	list_prepend(&store->items, &item->link);
	store->n++;
	return 0;
}

void store_drop(struct store *store, struct stored *item)
{
	list_remove(&item->link);
	store->n--;
	(void)fd_close(item->fd);
	free(item);
}

void store_remove(struct store *store, const char *name)
{
	struct stored *item, *next;

	list_for_each_safe (item, next, &store->items, link)
		if (!name || strcmp(item->name, name) == 0)
			store_drop(store, item);
}

int store_find(const struct store *store, const char *name)
{
	const struct stored *item;

	list_for_each (item, &store->items, link)
		if (strcmp(item->name, name) == 0)
			return item->fd;
	return -1;
}
