/* SPDX-License-Identifier: MIT */
#include "daemon/closer.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "proto/channel.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * A descriptor that waits in a socket's queue is closed by whoever empties the
 * queue, and closing can take as long as its sender likes: a TCP socket with
 * SO_LINGER and nobody who acknowledges was seen to hold a daemon up for
 * seconds.  From Linux 6.16 on the sender is refused (SO_PASSRIGHTS) and there
 * is nothing to do here.
 *
 * Before that, two rules.  A message that carries descriptors is never
 * received (the client looks before it reads), so it stays in the queue until
 * the connection is closed.  And a connection with anything left in its queue
 * is closed by a thread of its own.  Each has its own because they must not
 * wait for each other: one who attacks would else keep the closings of
 * everybody waiting, and with them their places.
 *
 * How many threads there are is limited by what limits connections: until it
 * is closed, a connection is charged to the account of its user.
 *
 * A thread that sits in close(2) cannot be ended, but for the end of the
 * process, which it does not hold up: the kernel stops lingering then.  So at
 * the end of the closer whoever is last, it or the thread, frees what they
 * share.
 */

#define STACK_BYTES (256 * 1024) /* for close(2) and a sanitizer */

struct hang_up {
	struct list link; // closer::hang_ups
	int fd;
	struct account *account; /* a reference, or NULL */
	bool running;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	int event_fd;	      /* borrowed from the closer; -1: it is gone */
	bool done;
};

static void hang_up_free(struct hang_up *hang_up)
{
	(void)pthread_mutex_destroy(&hang_up->lock);
	free(hang_up);
}

static void *run(void *data)
{
	struct hang_up *hang_up = data;
	bool alone;

	hang_up->fd = fd_close(hang_up->fd);
	(void)pthread_mutex_lock(&hang_up->lock);
	hang_up->done = true;
	alone = hang_up->event_fd < 0;
	if (!alone)
		fd_raise_event(hang_up->event_fd);
	(void)pthread_mutex_unlock(&hang_up->lock);
	if (alone)
		hang_up_free(hang_up);
	return NULL;
}

static void start(struct hang_up *hang_up)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	if (pthread_attr_init(&attributes) != 0)
		return;
	if (STACK_BYTES >= PTHREAD_STACK_MIN)
		(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	hang_up->running = pthread_create(&hang_up->thread, &attributes, run,
					  hang_up) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
}

static void refund(struct closer *closer, struct hang_up *hang_up)
{
	if (!hang_up->account)
		return;
	hang_up->account->n_clients--;
	hang_up->account = account_unref(closer->accounts, hang_up->account);
}

/* Nothing uses it any more but the list. */
static void forget(struct closer *closer, struct hang_up *hang_up)
{
	list_remove(&hang_up->link);
	closer->n_hang_ups--;
	refund(closer, hang_up);
	hang_up_free(hang_up);
}

static void finish(struct closer *closer, struct hang_up *hang_up)
{
	(void)pthread_join(hang_up->thread, NULL);
	forget(closer, hang_up);
}

static bool is_done(struct hang_up *hang_up)
{
	bool done;

	(void)pthread_mutex_lock(&hang_up->lock);
	done = hang_up->done;
	(void)pthread_mutex_unlock(&hang_up->lock);
	return done;
}

static void on_event(void *data)
{
	struct closer *closer = data;
	struct hang_up *hang_up, *next;

	fd_clear_event(closer->event_fd);
	list_for_each_safe (hang_up, next, &closer->hang_ups, link) {
		if (!hang_up->running)
			start(hang_up); /* there was no thread to be had */
		else if (is_done(hang_up))
			finish(closer, hang_up);
	}
}

static int make_watch(struct closer *closer)
{
	int r;

	if (closer->watch)
		return 0;
	closer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (closer->event_fd < 0)
		return -errno;
	r = watch_new(&closer->watch, closer->loop, closer->event_fd, LOOP_READ,
		      on_event, closer);
	if (r < 0)
		closer->event_fd = fd_close(closer->event_fd);
	return r;
}

static struct hang_up *hang_up_new(int fd, struct account *account)
{
	struct hang_up *hang_up = calloc(1, sizeof(*hang_up));

	if (!hang_up)
		return NULL;
	list_init(&hang_up->link);
	(void)pthread_mutex_init(&hang_up->lock, NULL);
	hang_up->fd = fd;
	if (account) {
		hang_up->account = account_ref(account);
		account->n_clients++;
	}
	return hang_up;
}

void closer_hang_up_consume(struct closer *closer, int fd,
			    struct account *account)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 5);
	struct hang_up *hang_up;

	/* From here on nothing can be added to the queue. */
	if (closer->wary)
		(void)shutdown(fd, SHUT_RDWR);
	if (!closer->wary || !channel_has_message(fd)) {
		(void)fd_close(fd);
		return;
	}
	hang_up = make_watch(closer) == 0 ? hang_up_new(fd, account) : NULL;
	if (!hang_up) {
		if (log_ratelimit_pass(&limit))
			log_warning("a connection is closed in the event loop: "
				    "no memory or descriptor is left");
		(void)fd_close(fd);
		return;
	}
	hang_up->event_fd = closer->event_fd;
	list_append(&closer->hang_ups, &hang_up->link);
	closer->n_hang_ups++;
	start(hang_up);
}

void closer_init(struct closer *closer, bool wary, struct loop *loop,
		 struct accounts *accounts)
{
	*closer = (struct closer){
		.wary = wary,
		.loop = loop,
		.accounts = accounts,
		.event_fd = -1,
	};
	list_init(&closer->hang_ups);
}

/* Leaves one to its thread, which frees it. */
static void abandon(struct closer *closer, struct hang_up *hang_up)
{
	bool done;

	list_remove(&hang_up->link);
	closer->n_hang_ups--;
	refund(closer, hang_up);
	(void)pthread_detach(hang_up->thread);
	(void)pthread_mutex_lock(&hang_up->lock);
	done = hang_up->done;
	hang_up->event_fd = -1;
	(void)pthread_mutex_unlock(&hang_up->lock);
	if (done)
		hang_up_free(hang_up);
}

void closer_deinit(struct closer *closer)
{
	struct hang_up *hang_up, *next;

	list_for_each_safe (hang_up, next, &closer->hang_ups, link) {
		if (!hang_up->running)
			start(hang_up);
		if (hang_up->running)
			abandon(closer, hang_up);
		else /* the end of the process closes it */
			forget(closer, hang_up);
	}
	closer->watch = watch_free(closer->watch);
	closer->event_fd = fd_close(closer->event_fd);
}
