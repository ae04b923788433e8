/* SPDX-License-Identifier: MIT */
#include "tools/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tools/complain.h"

/*
 * The way to the daemon, and what to say where it is barred.  The usual
 * reasons are an installation's: nothing listens, or the user is not in the
 * group that may connect.  Each gets a hint at what to look at.
 */

/* The path that contig_open() takes, for the message only. */
static const char *socket_path(const struct invocation *invocation)
{
	const char *variable = secure_getenv("CONTIG_SOCKET");

	if (invocation->socket)
		return invocation->socket;
	return variable && *variable ? variable : CONTIG_DEFAULT_SOCKET;
}

static const char *hint(int result)
{
	switch (result) {
	case -ENOENT:
	case -ECONNREFUSED:
		return " (is contigd.service running?)";
	case -EACCES:
		return " (only members of the socket's group may connect)";
	case -EPROTO:
		return " (what listens there speaks another protocol)";
	default:
		return "";
	}
}

int connection_open(const struct invocation *invocation, struct contig **contigp)
{
	int r = contig_open(contigp, invocation->socket);

	if (r < 0)
		complain("cannot reach contigd at %s: %s%s",
			 socket_path(invocation), strerror(-r), hint(r));
	return r;
}

int connection_failed(const char *what, int result)
{
	complain("cannot %s: %s", what, strerror(-result));
	return EXIT_FAILURE;
}
