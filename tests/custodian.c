/* SPDX-License-Identifier: MIT */
#include "tests/custodian.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tests/integration/notification.h"
#include "util/fd.h"

/*
 * The stand-in of the integration tests runs a service as a process; here the
 * test itself is the service, for the functions that leave things and claim
 * them to be called one by one.  A thread listens, as few messages fit into a
 * socket that nobody reads.
 */

#define SETTLE_US 20000000

static void process(struct custodian *custodian, struct notification *said)
{
	char name[STORE_NAME_BYTES];
	bool named = notification_get(said, "FDNAME", name, sizeof(name));

	if (named && notification_has(said, "FDSTOREREMOVE=1"))
		store_remove(&custodian->store, name);
	if (!named || !notification_has(said, "FDSTORE=1"))
		return;
	for (size_t i = 0; i < said->n_fds; i++) {
		(void)store_add_consume(&custodian->store, said->fds[i], name,
					false);
		said->fds[i] = -1;
	}
}

static void *run(void *data)
{
	struct custodian *custodian = data;
	struct pollfd pollfds[] = {
		{.fd = custodian->notify_fd, .events = POLLIN},
		{.fd = custodian->end_fd, .events = POLLIN},
	};
	struct notification said;

	do {
		(void)poll(pollfds, 2, -1);
		pthread_mutex_lock(&custodian->lock);
		while (notification_receive(custodian->notify_fd, &said)) {
			process(custodian, &said);
			notification_deinit(&said);
		}
		pthread_mutex_unlock(&custodian->lock);
	} while (!pollfds[1].revents);
	return NULL;
}

void custodian_init(struct custodian *custodian, size_t limit)
{
	char path[64];

	*custodian = (struct custodian){.directory = "/tmp/contigd-test-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(custodian->directory));
	(void)snprintf(path, sizeof(path), "%s/notify", custodian->directory);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
	custodian->notify_fd = notification_listen(path);
	ck_assert_int_ge(custodian->notify_fd, 0);
	custodian->end_fd = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_ge(custodian->end_fd, 0);
	store_init(&custodian->store, limit);
	pthread_mutex_init(&custodian->lock, NULL);
	ck_assert_int_eq(
		pthread_create(&custodian->thread, NULL, run, custodian), 0);
}

void custodian_deinit(struct custodian *custodian)
{
	char path[64];

	ck_assert_int_eq(eventfd_write(custodian->end_fd, 1), 0);
	ck_assert_int_eq(pthread_join(custodian->thread, NULL), 0);
	pthread_mutex_destroy(&custodian->lock);
	store_remove(&custodian->store, NULL);
	(void)fd_close(custodian->notify_fd);
	(void)fd_close(custodian->end_fd);
	(void)snprintf(path, sizeof(path), "%s/notify", custodian->directory);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_msg(rmdir(custodian->directory) == 0,
		      "something was left behind");
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
}

void custodian_settle(void)
{
	ck_assert_int_gt(sd_notify_barrier(0, SETTLE_US), 0);
}

void custodian_bequeath(struct custodian *custodian,
			struct inheritance *inheritance)
{
	const struct stored *item;

	custodian_settle();
	inheritance_init(inheritance);
	pthread_mutex_lock(&custodian->lock);
	list_for_each (item, &custodian->store.items, link) {
		int fd = fcntl(item->fd, F_DUPFD_CLOEXEC, 0);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(
			inheritance_add_consume(inheritance, item->name, fd), 0);
	}
	pthread_mutex_unlock(&custodian->lock);
}

size_t custodian_count(struct custodian *custodian, const char *name)
{
	const struct stored *item;
	size_t n = 0;

	custodian_settle();
	pthread_mutex_lock(&custodian->lock);
	list_for_each (item, &custodian->store.items, link)
		n += strcmp(item->name, name) == 0;
	pthread_mutex_unlock(&custodian->lock);
	return n;
}

void custodian_replace(struct custodian *custodian, const char *name,
		       int fd_consume)
{
	custodian_settle();
	pthread_mutex_lock(&custodian->lock);
	store_remove(&custodian->store, name);
	if (fd_consume >= 0)
		ck_assert_int_eq(store_add_consume(&custodian->store, fd_consume,
						   name, false),
				 0);
	pthread_mutex_unlock(&custodian->lock);
}
