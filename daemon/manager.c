/* SPDX-License-Identifier: MIT */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "util/fd.h"

/*
 * systemd's two protocols: LISTEN_FDS hands over the socket, which then exists
 * with its owner and mode before the daemon does, and NOTIFY_SOCKET tells when
 * the daemon serves.  Both are plain environment variables, so anything can
 * stand in for the manager, and without them the calls do nothing.
 */

static void close_all(int n)
{
	for (int i = 0; i < n; i++)
		(void)fd_close(SD_LISTEN_FDS_START + i);
}

int manager_listen_fd(struct error *why)
{
	int fd = SD_LISTEN_FDS_START;
	int n = sd_listen_fds(1);

	if (n < 0)
		return error_set(why, -EINVAL, "LISTEN_FDS: %s", strerror(-n));
	if (n == 0)
		return -ENOENT;
	if (n > 1) {
		close_all(n);
		return error_set(why, -EINVAL,
				 "the service manager passed %d sockets "
				 "instead of one",
				 n);
	}
	if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) <= 0) {
		close_all(n);
		return error_set(why, -EINVAL,
				 "what the service manager passed is no "
				 "listening SOCK_SEQPACKET Unix socket "
				 "(ListenSequentialPacket=)");
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		close_all(n);
		return error_set(why, -EINVAL,
				 "the socket passed by the "
				 "service manager is unusable");
	}
	return fd;
}

void manager_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
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
