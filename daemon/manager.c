/* SPDX-License-Identifier: MIT */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "util/cleanup.h"
#include "util/fd.h"

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
 * the manager has gone past the message (sd_notify_barrier()), nobody kept it.
 * FDPOLL=0, since 246, has the manager keep what has hung up; shelves do when
 * the daemon ends.
 */

#define PROOF "proof"

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

static void free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

int manager_inherit(struct inheritance *inheritance, struct error *why)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int r = 0;

	if (n < 0)
		return error_set(why, -EINVAL, "LISTEN_FDS, LISTEN_FDNAMES: %s",
				 strerror(-n));
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (r == 0)
			r = inheritance_add_consume(inheritance, names[i], fd);
		if (r < 0)
			(void)fd_close(fd);
	}
	free_names(names);
	return r < 0 ? error_set(why, r, "out of memory") : 0;
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
	if (sd_is_socket_unix(inheritance->items[at].fd, SOCK_SEQPACKET, 1,
			      NULL, 0) <= 0)
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
	int r = sd_notifyf(0, "READY=1\nSTATUS=%s", status);

	/* a manager that is gone, as in an environment that was handed down */
	return r == -ENOENT || r == -ECONNREFUSED ? 0 : r < 0 ? r : 0;
}

void manager_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void manager_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

uint64_t manager_watchdog_ms(void)
{
	uint64_t usec = 0;

	/* 0: the variables stay, for whoever asks again */
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return usec / 2000; /* twice as often as it has to be */
}

void manager_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

bool manager_has_store(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

static int told(int r)
{
	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int manager_store(const char *name, int fd_borrow)
{
	char text[MANAGER_NAME_BYTES + 64];

	if (strlen(name) >= MANAGER_NAME_BYTES)
		return -ENAMETOOLONG;
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s",
		       name);
	return told(sd_pid_notify_with_fds(0, 0, text, &fd_borrow, 1));
}

int manager_forget(const char *name)
{
	return told(sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name));
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
		r = told(sd_notify_barrier(0, limit_ms * 1000));
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
