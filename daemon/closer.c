/* SPDX-License-Identifier: MIT */
#include "daemon/closer.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

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

struct closing {
	struct list link; // closer::closings
	int fd;
	struct account *account; /* a reference, or NULL */
	bool running;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	int event_fd;	      /* borrowed from the closer; -1: it is gone */
	bool done;
};

static void closing_free(struct closing *closing)
{
	(void)pthread_mutex_destroy(&closing->lock);
	free(closing);
}

static void tell(int event_fd)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(event_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

static void *run(void *data)
{
	struct closing *closing = data;
	bool alone;

	closing->fd = fd_close(closing->fd);
	(void)pthread_mutex_lock(&closing->lock);
	closing->done = true;
	alone = closing->event_fd < 0;
	if (!alone)
		tell(closing->event_fd);
	(void)pthread_mutex_unlock(&closing->lock);
	if (alone)
		closing_free(closing);
	return NULL;
}

static void start(struct closing *closing)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	if (pthread_attr_init(&attributes) != 0)
		return;
	if (STACK_BYTES >= PTHREAD_STACK_MIN)
		(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	closing->running = pthread_create(&closing->thread, &attributes, run,
					  closing) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
}

static void refund(struct closer *closer, struct closing *closing)
{
	if (!closing->account)
		return;
	closing->account->n_clients--;
	closing->account = account_unref(closer->accounts, closing->account);
}

/* Nothing uses it any more but the list. */
static void forget(struct closer *closer, struct closing *closing)
{
	list_remove(&closing->link);
	closer->n_closings--;
	refund(closer, closing);
	closing_free(closing);
}

static void finish(struct closer *closer, struct closing *closing)
{
	(void)pthread_join(closing->thread, NULL);
	forget(closer, closing);
}


static bool is_done(struct closing *closing)
{
	bool done;

	(void)pthread_mutex_lock(&closing->lock);
	done = closing->done;
	(void)pthread_mutex_unlock(&closing->lock);
	return done;
}

static void on_event(void *data)
{
	struct closer *closer = data;
	struct closing *closing, *next;
	uint64_t count;

	(void)!read(closer->event_fd, &count, sizeof(count));
	list_for_each_safe (closing, next, &closer->closings, link) {
		if (!closing->running)
			start(closing); /* there was no thread to be had */
		else if (is_done(closing))
			finish(closer, closing);
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

static struct closing *closing_new(int fd, struct account *account)
{
	struct closing *closing = calloc(1, sizeof(*closing));

	if (!closing)
		return NULL;
	list_init(&closing->link);
	(void)pthread_mutex_init(&closing->lock, NULL);
	closing->fd = fd;
	if (account) {
		closing->account = account_ref(account);
		account->n_clients++;
	}
	return closing;
}

void closer_hang_up_consume(struct closer *closer, int fd,
			    struct account *account)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 5);
	struct closing *closing;

	/* From here on nothing can be added to the queue. */
	if (closer->wary)
		(void)shutdown(fd, SHUT_RDWR);
	if (!closer->wary || !channel_has_message(fd)) {
		(void)fd_close(fd);
		return;
	}
	closing = make_watch(closer) == 0 ? closing_new(fd, account) : NULL;
	if (!closing) {
		if (log_ratelimit_pass(&limit))
			log_warning("a connection is closed in the event loop: "
				    "no memory or descriptor is left");
		(void)fd_close(fd);
		return;
	}
	closing->event_fd = closer->event_fd;
	list_append(&closer->closings, &closing->link);
	closer->n_closings++;
	start(closing);
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
	list_init(&closer->closings);
}

/* Leaves a closing to its thread, which frees it. */
static void abandon(struct closer *closer, struct closing *closing)
{
	bool done;

	list_remove(&closing->link);
	closer->n_closings--;
	refund(closer, closing);
	(void)pthread_detach(closing->thread);
	(void)pthread_mutex_lock(&closing->lock);
	done = closing->done;
	closing->event_fd = -1;
	(void)pthread_mutex_unlock(&closing->lock);
	if (done)
		closing_free(closing);
}

void closer_deinit(struct closer *closer)
{
	struct closing *closing, *next;

	list_for_each_safe (closing, next, &closer->closings, link) {
		if (!closing->running)
			start(closing);
		if (closing->running)
			abandon(closer, closing);
		else /* the end of the process closes it */
			forget(closer, closing);
	}
	closer->watch = watch_free(closer->watch);
	closer->event_fd = fd_close(closer->event_fd);
}
