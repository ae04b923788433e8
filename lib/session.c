/* SPDX-License-Identifier: MIT */
#include "lib/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/failure.h"
#include "proto/channel.h"
#include "proto/validate.h"
#include "util/cleanup.h"

/*
 * Connecting.  The handshake is spoken on a socket that no other thread knows
 * yet, so it needs no lock and may block: a daemon that is about to start up
 * behind its activated socket answers when it is ready.
 */

#define HELLO_SERIAL 1

struct session *session_unref(struct session *session)
{
	if (session && !--session->refs) {
		fd_close(session->fd);
		free(session);
	}
	return NULL;
}

/* Waits for one datagram that must not carry descriptors. */
static int receive_blocking(int fd, union message *message, size_t *sizep)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	int r;

	for (;;) {
		r = channel_receive(fd, message, sizeof(*message), sizep);
		if (r != -EAGAIN)
			return r;
		if (poll(&readable, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
}

static int judge_answer(const union message *answer, size_t size,
			struct contig_failure *failure)
{
	struct error why = ERROR_INIT;

	if (validate_reply(answer, size, 0, &why))
		return failure_set(failure, -EPROTO, "%s", why.text);
	if (answer->header.opcode == CONTIG_MSG_ERROR)
		return failure_from_error(failure, &answer->error);
	if (answer->header.opcode != (CONTIG_MSG_HELLO | CONTIG_MSG_REPLY) ||
	    answer->header.serial != HELLO_SERIAL ||
	    answer->hello_reply.version != CONTIG_PROTOCOL_VERSION)
		return failure_set(failure, -EPROTO,
				   "contigd answers the greeting wrongly");
	return 0;
}

static int shake_hands(int fd, struct contig_failure *failure)
{
	struct contig_msg_hello hello = {
		.header = {.size = sizeof(hello),
			   .opcode = CONTIG_MSG_HELLO,
			   .serial = HELLO_SERIAL},
		.version_min = CONTIG_PROTOCOL_VERSION,
		.version_max = CONTIG_PROTOCOL_VERSION,
	};
	union message answer;
	size_t size;
	int r;

	/* A daemon that turns connections away says why before it closes, so
	 * a greeting that does not get through is no reason not to listen. */
	r = channel_send(fd, &hello, sizeof(hello), NULL, 0);
	if (r < 0)
		return failure_set(failure, r, "cannot greet contigd: %m");
	r = receive_blocking(fd, &answer, &size);
	if (r == CHANNEL_E_CLOSED)
		return failure_set(failure, -ECONNRESET,
				   "contigd ended the connection at once");
	if (r > 0)
		return failure_set(failure, -EPROTO,
				   "what listens there is not contigd");
	if (r < 0)
		return failure_set(failure, r, "no greeting from contigd: %m");
	return judge_answer(&answer, size, failure);
}

int session_new(const char *path, struct session **sessionp,
		struct contig_failure *failure)
{
	_cleanup_free_ struct session *session = NULL;
	_cleanup_fd_ int fd = -1;
	int r;

	session = calloc(1, sizeof(*session));
	if (!session)
		return failure_set(failure, -ENOMEM, "out of memory");
	fd = channel_connect(path);
	if (fd < 0)
		return failure_set(failure, fd, "cannot connect to %s: %m",
				   path);
	r = shake_hands(fd, failure);
	if (r < 0)
		return r;
	session->fd = TAKE_FD(fd);
	session->refs = 1;
	*sessionp = TAKE_PTR(session);
	return 0;
}
