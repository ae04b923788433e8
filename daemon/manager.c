/* SPDX-License-Identifier: MIT */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/parse.h"

/*
 * systemd's two protocols: LISTEN_FDS hands over descriptors, and NOTIFY_SOCKET
 * takes messages.  Both are plain environment variables, so anything can stand
 * in for the manager, and without them the calls do nothing.
 *
 * The socket that clients connect to exists with its owner and mode before the
 * daemon does.  It comes among the descriptors from the store, in no order that
 * could be relied on, and under a name that the administrator chooses; so it is
 * known by what it is.  The daemon's own sockets in the store are pairs: they
 * do not listen.
 *
 * FDSTORE=1 is a message like any other, and is not answered.  A manager
 * without a store, or with a full one, closes the descriptor and says nothing.
 * The proof is one end of a pair of sockets: if the other end hangs up although
 * the manager has gone past the message (notify_barrier()), nobody kept it.
 * FDPOLL=0, since 246, has the manager keep what has hung up; shelves do when
 * the daemon ends.
 */

#define PROOF	 "proof"
#define FIRST_FD 3 /* sd_listen_fds(3): the first one that is passed */

/* What a socket has, or 0 where it is no socket. */
static int get_option(int fd, int option, int *valuep)
{
	socklen_t length = sizeof(*valuep);

	*valuep = 0;
	if (getsockopt(fd, SOL_SOCKET, option, valuep, &length) < 0)
		return errno == ENOTSOCK ? 0 : -errno;
	return 0;
}

/* A socket that a manager's socket unit made: it listens, or will never be
 * connected; unlike one end of a pair.  1, 0, or a negative errno. */
static int is_for_clients(int fd)
{
	int type, listens;
	int r;

	r = get_option(fd, SO_ACCEPTCONN, &listens);
	if (r == 0)
		r = get_option(fd, SO_TYPE, &type);
	if (r < 0)
		return r;
	return listens || (type != 0 && type != SOCK_SEQPACKET);
}

/* What a variable of the environment is meant for: 1: this process; 0: another
 * one, as it was handed down; -EINVAL. */
static int is_for_us(const char *pid)
{
	uint32_t number;

	if (parse_u32(pid, INT32_MAX, &number, NULL) < 0)
		return -EINVAL;
	return number == (uint32_t)getpid();
}

/* How many descriptors were passed, or -EINVAL. */
static int count_passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	uint32_t n;
	int r = pid && fds ? is_for_us(pid) : 0;

	if (r <= 0)
		return r;
	if (parse_u32(fds, INT32_MAX - FIRST_FD, &n, NULL) < 0 || n == 0)
		return -EINVAL;
	return (int)n;
}

/* Their names with a ':' between them; where there are none, all are called
 * "unknown", as by sd_listen_fds_with_names(3). */
static int take_passed(struct inheritance *inheritance, int n, char *names)
{
	int r = 0;

	for (int i = 0; i < n; i++) {
		const char *name = names ? strsep(&names, ":") : "unknown";
		int fd = FIRST_FD + i;

		if (r == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			r = -errno;
		if (r == 0)
			r = inheritance_add_consume(inheritance, name, fd);
		if (r < 0)
			(void)fd_close(fd);
	}
	return r;
}

static int count_words(const char *text, char separator)
{
	int n = 1;

	while ((text = strchr(text, separator))) {
		text++;
		n++;
	}
	return n;
}

/* Only the first call finds anything: whoever the daemon starts has not been
 * passed anything. */
static void forget_environment(void)
{
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

int manager_inherit(struct inheritance *inheritance, struct error *why)
{
	const char *text = getenv("LISTEN_FDNAMES");
	_cleanup_free_ char *names = text ? strdup(text) : NULL;
	int n = count_passed();
	int r = n < 0 ? n : 0;

	forget_environment();
	if (text && !names)
		return error_set(why, -ENOMEM, "out of memory");
	if (n > 0 && names && count_words(names, ':') != n)
		r = -EINVAL;
	if (r == 0)
		r = take_passed(inheritance, n, names);
	if (r == -ENOMEM)
		return error_set(why, r, "out of memory");
	if (r < 0)
		return error_set(why, -EINVAL, "LISTEN_FDS, LISTEN_FDNAMES: %s",
				 strerror(-r));
	return 0;
}

/* What clients connect to: a Unix socket of one datagram a message. */
static bool is_sequential(int fd)
{
	int domain, type, listens;

	return get_option(fd, SO_DOMAIN, &domain) == 0 && domain == AF_UNIX &&
	       get_option(fd, SO_TYPE, &type) == 0 && type == SOCK_SEQPACKET &&
	       get_option(fd, SO_ACCEPTCONN, &listens) == 0 && listens;
}

int manager_listen_fd(struct inheritance *inheritance, struct error *why)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < inheritance->n; i++) {
		int r = is_for_clients(inheritance->items[i].fd);

		if (r < 0)
			return error_set(why, r,
					 "what the service manager passed as "
					 "'%s' cannot be looked at: %s",
					 inheritance->items[i].name,
					 strerror(-r));
		if (r == 0)
			continue;
		n++;
		at = i;
	}
	if (n == 0)
		return -ENOENT;
	if (n > 1)
		return error_set(why, -EINVAL,
				 "the service manager passed %zu sockets "
				 "instead of one",
				 n);
	if (!is_sequential(inheritance->items[at].fd))
		return error_set(why, -EINVAL,
				 "what the service manager passed is no "
				 "listening SOCK_SEQPACKET Unix socket "
				 "(ListenSequentialPacket=)");
	if (fcntl(inheritance->items[at].fd, F_SETFL, O_NONBLOCK) < 0)
		return error_set(why, -EINVAL,
				 "the socket passed by the "
				 "service manager is unusable");
	return inheritance_take_at(inheritance, at);
}

int manager_ready(const char *status)
{
	int r = notify_send(-1, "READY=1\nSTATUS=%s", status);

	/* none, or one that is gone, as in an environment that was handed down */
	return r == -ENOENT || r == -ECONNREFUSED ? 0 : r;
}

void manager_status(const char *status)
{
	(void)notify_send(-1, "STATUS=%s", status);
}

void manager_stopping(void)
{
	(void)notify_send(-1, "STOPPING=1");
}

uint64_t manager_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");
	uint64_t usec;

	if (!text || parse_u64(text, &usec, NULL) < 0 || usec == UINT64_MAX ||
	    (pid && is_for_us(pid) <= 0))
		return 0;
	return usec / 2000; /* twice as often as it has to be */
}

void manager_alive(void)
{
	(void)notify_send(-1, "WATCHDOG=1");
}

bool manager_has_store(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

int manager_store(const char *name, int fd_borrow)
{
	if (strlen(name) >= MANAGER_NAME_BYTES)
		return -ENAMETOOLONG;
	return notify_send(fd_borrow, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
}

int manager_forget(const char *name)
{
	return notify_send(-1, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

static int fail_proof(int r, struct error *why)
{
	if (r == -ENOENT)
		return error_set(why, r, "there is no service manager");
	if (r == -ETIMEDOUT)
		return error_set(why, r,
				 "the service manager does not react to "
				 "BARRIER=1");
	return error_set(why, r, "the service manager cannot be told: %s",
			 strerror(-r));
}

int manager_prove_store(uint64_t limit_ms, struct error *why)
{
	struct pollfd pollfd = {.events = POLLIN};
	_cleanup_fd_ int ours = -1;
	int pair[2];
	bool kept;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_proof(-errno, why);
	ours = pair[0];
	r = manager_store(PROOF, pair[1]);
	(void)fd_close(pair[1]);
	if (r == 0)
		r = notify_barrier(limit_ms);
	if (r < 0 && r != -ETIMEDOUT)
		return fail_proof(r, why);
	pollfd.fd = ours;
	kept = poll(&pollfd, 1, 0) == 0;
	(void)manager_forget(PROOF);
	if (r < 0)
		return fail_proof(r, why);
	if (!kept)
		return error_set(why, -ENOSPC,
				 "the service manager keeps no descriptors: it "
				 "has no store for them, or it is full "
				 "(FileDescriptorStoreMax=)");
	return 0;
}
