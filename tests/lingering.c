/* SPDX-License-Identifier: MIT */
#include "tests/lingering.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/harness.h"
#include "util/fd.h"

/* Longer than any test may take: who closes it in the wrong place is noticed
 * by the harness's time limit at the latest. */
#define LINGER_SECONDS 120

static int listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(fd, (struct sockaddr *)address, length) < 0)
		harness_skip("there is no loopback network");
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length),
			 0);
	return fd;
}

void lingering_init(struct lingering *lingering)
{
	const struct linger linger = {1, LINGER_SECONDS};
	static const char bytes[65536];
	struct sockaddr_in address;
	int listen_fd = listen_on_loopback(&address);

	lingering->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(lingering->fd, 0);
	if (connect(lingering->fd, (struct sockaddr *)&address,
		    sizeof(address)) < 0)
		harness_skip("there is no loopback network");
	lingering->peer_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(lingering->peer_fd, 0);
	(void)fd_close(listen_fd);
	ck_assert_int_eq(setsockopt(lingering->fd, SOL_SOCKET, SO_LINGER,
				    &linger, sizeof(linger)),
			 0);
	while (send(lingering->fd, bytes, sizeof(bytes),
		    MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
}

void lingering_deinit(struct lingering *lingering)
{
	/* with unread bytes it is a reset, which nobody lingers over */
	lingering->peer_fd = fd_close(lingering->peer_fd);
	lingering->fd = fd_close(lingering->fd);
}
