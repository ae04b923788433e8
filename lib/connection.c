/* SPDX-License-Identifier: MIT */
#include "lib/connection.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "lib/call.h"
#include "lib/failure.h"
#include "proto/channel.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * The life of a connection.
 *
 * The daemon may be restarted under a program that runs for months, so the
 * object that the program holds is a path and a way to get a session, and the
 * session comes and goes.  Losing one fails the calls that wait for an answer,
 * since nobody can know whether they had their effect; the next call makes a
 * new one.  Buffers are kernel objects and do not notice.
 *
 * The caller may poll one descriptor that never changes.  It is an epoll
 * instance, which is itself pollable: inside are the socket of the day and an
 * eventfd.  The eventfd is there because the answer to a started allocation
 * may be received by a thread that waits for an answer of its own; the socket
 * is then empty, but there is something to dispatch.
 *
 * A child of fork(2) inherits the socket, and two processes that speak on one
 * socket understand nothing.  So the connection remembers its process, and in
 * any other it can only be closed, which leaves the parent's alone.
 *
 * Buffers hold a reference, so that they can be released after contig_close().
 */

#define MARK_BYTES 4096 /* a page, where they are small */

static const char *default_path(void)
{
	const char *path = secure_getenv("CONTIG_SOCKET");

	return path && *path ? path : CONTIG_DEFAULT_SOCKET;
}

/* A byte that is not 0 in this process and 0 in every child of it, so that
 * nobody has to ask the kernel each time who he is; NULL: he has to. */
static const char *new_mark(void)
{
	char *page = mmap(NULL, MARK_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, MARK_BYTES, MADV_WIPEONFORK) < 0) { /* Linux 4.14 */
		(void)munmap(page, MARK_BYTES);
		return NULL;
	}
	*page = 1;
	return page;
}

static void free_mark(const char *mark)
{
	if (mark)
		(void)munmap((void *)(uintptr_t)mark, MARK_BYTES);
}

struct contig *contig_ref(struct contig *contig)
{
	pthread_mutex_lock(&contig->lock);
	contig->refs++;
	pthread_mutex_unlock(&contig->lock);
	return contig;
}

struct contig *contig_unref(struct contig *contig)
{
	bool last;

	pthread_mutex_lock(&contig->lock);
	last = !--contig->refs;
	pthread_mutex_unlock(&contig->lock);
	if (last) {
		pthread_cond_destroy(&contig->changed);
		pthread_mutex_destroy(&contig->lock);
		free_mark(contig->mark);
		fd_close(contig->epoll_fd);
		fd_close(contig->event_fd);
		free(contig);
	}
	return NULL;
}

static int watch(struct contig *contig, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(contig->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0
		       ? -errno
		       : 0;
}

static int connection_new(struct contig **contigp, const char *path)
{
	struct contig *contig = calloc(1, sizeof(*contig));

	if (!contig)
		return -ENOMEM;
	pthread_mutex_init(&contig->lock, NULL);
	pthread_cond_init(&contig->changed, NULL);
	contig->refs = 1;
	contig->pid = getpid();
	contig->mark = new_mark();
	list_init(&contig->pending);
	list_init(&contig->finished);
	memcpy(contig->path, path, strlen(path) + 1);
	contig->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	contig->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*contigp = contig;
	if (contig->epoll_fd < 0 || contig->event_fd < 0)
		return -errno;
	return watch(contig, contig->event_fd);
}

int contig_open(struct contig **contigp, const char *socket_path)
{
	const char *path = socket_path ? socket_path : default_path();
	struct contig *contig = NULL;
	int r;

	if (strlen(path) >= sizeof(contig->path))
		return -ENAMETOOLONG;
	r = connection_new(&contig, path);
	if (!r) {
		pthread_mutex_lock(&contig->lock);
		r = connection_ready(contig, NULL);
		pthread_mutex_unlock(&contig->lock);
	}
	if (r < 0) {
		contig_close(contig);
		return r;
	}
	*contigp = contig;
	return 0;
}

struct contig *contig_close(struct contig *contig)
{
	struct list dropped;
	struct call *call, *next;

	if (!contig)
		return NULL;
	list_init(&dropped);
	pthread_mutex_lock(&contig->lock);
	contig->closed = true;
	connection_lost(contig, -ECONNRESET, "the connection was closed");
	list_splice(&dropped, &contig->finished);
	pthread_mutex_unlock(&contig->lock);
	list_for_each_safe (call, next, &dropped, link)
		call->settle(call, false);
	return contig_unref(contig);
}

int contig_poll_fd(const struct contig *contig)
{
	return contig->epoll_fd;
}

bool connection_inherited(const struct contig *contig)
{
	return contig->mark ? !*contig->mark : contig->pid != getpid();
}

int connection_ready(struct contig *contig, struct contig_failure *failure)
{
	struct session *session = NULL;
	int r;

	while (contig->connecting)
		pthread_cond_wait(&contig->changed, &contig->lock);
	if (contig->closed)
		return failure_set(failure, -ENOTCONN,
				   "the connection was closed");
	if (connection_inherited(contig))
		return failure_set(failure, -ENOTCONN,
				   "the connection is the parent process's");
	if (contig->session)
		return 0;
	contig->connecting = true;
	pthread_mutex_unlock(&contig->lock);
	r = session_new(contig->path, &session, failure);
	pthread_mutex_lock(&contig->lock);
	contig->connecting = false;
	pthread_cond_broadcast(&contig->changed);
	if (r < 0)
		return r;
	r = watch(contig, session->fd);
	if (r < 0) {
		session_unref(session);
		return failure_set(failure, r, "cannot watch the socket: %m");
	}
	session->number = ++contig->n_sessions;
	contig->session = session;
	return 0;
}

void connection_end(struct contig *contig, const struct contig_failure *failure)
{
	struct session *session = TAKE_PTR(contig->session);
	struct call *call;

	if (session && !connection_inherited(contig)) {
		(void)epoll_ctl(contig->epoll_fd, EPOLL_CTL_DEL, session->fd,
				NULL);
		/* Wakes the thread that polls it, wherever that is. */
		(void)shutdown(session->fd, SHUT_RDWR);
	}
	session_unref(session);
	while ((call = list_first(&contig->pending, struct call, link))) {
		if (call->failure)
			*call->failure = *failure;
		call_finish(call, failure->error);
	}
	pthread_cond_broadcast(&contig->changed);
}

void connection_lost(struct contig *contig, int error, const char *words)
{
	struct contig_failure failure;

	failure_set(&failure, error, "%s", words);
	connection_end(contig, &failure);
}

void connection_notify(struct contig *contig)
{
	fd_raise_event(contig->event_fd);
}
