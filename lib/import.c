/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buffer.h"
#include "lib/call.h"
#include "util/cleanup.h"

/*
 * Descriptors that came from somebody else.  The daemon takes no descriptors,
 * so it is asked by device and inode number, which every process that holds
 * the descriptor can read and which name one buffer for as long as it lives.
 *
 * Whoever knows a number does not hold the buffer.  Where the daemon has to
 * move bytes on a holder's behalf (bounce buffers) it wants the token, and
 * that is part of the memfd's name, which only a holder can read, in the link
 * /proc/self/fd/N:  /memfd:contig-0123456789abcdef-NAME (deleted)
 */

#define TOKEN_PREFIX "/memfd:contig-"
#define TOKEN_DIGITS 16

struct description {
	struct call call;
	struct contig_msg_buffer facts;
};

static int take_facts(struct call *call, const union message *reply,
		      struct channel_fds *fds)
{
	struct description *description =
		container_of(call, struct description, call);

	(void)fds;
	memcpy(&description->facts,
	       reply->bytes + form_reply_bytes(call->form, 0),
	       sizeof(description->facts));
	return 0;
}

static int describe(struct contig *contig, int fd,
		    struct contig_msg_buffer *facts)
{
	struct description description = {.call = {.accept = take_facts}};
	struct contig_msg_describe request;
	struct stat stat;
	int r;

	if (fstat(fd, &stat) < 0)
		return -errno;
	call_init(&description.call, CONTIG_MSG_DESCRIBE, &request.header);
	request.device = stat.st_dev;
	request.inode = stat.st_ino;
	r = call_run(contig, &description.call, &request.header);
	if (!r)
		*facts = description.facts;
	return r;
}

/* Reads sixteen lower-case hexadecimal digits and the '-' behind them. */
static int parse_token(const char *digits, uint64_t *tokenp)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t token = 0;

	for (int i = 0; i < TOKEN_DIGITS; i++) {
		const char *digit = digits[i] ? strchr(hex, digits[i]) : NULL;

		if (!digit)
			return -EIO;
		token = token << 4 | (uint64_t)(digit - hex);
	}
	if (digits[TOKEN_DIGITS] != '-')
		return -EIO;
	*tokenp = token;
	return 0;
}

static int read_token(int fd, uint64_t *tokenp)
{
	char path[sizeof("/proc/self/fd/-2147483648")];
	char target[128] = "";
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0 || strncmp(target, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
		return -EIO;
	return parse_token(target + strlen(TOKEN_PREFIX), tokenp);
}

int contig_describe(struct contig *contig, int fd,
		    struct contig_buffer_info *info)
{
	struct contig_msg_buffer facts;
	int r = describe(contig, fd, &facts);

	if (!r)
		buffer_info(&facts, info);
	return r;
}

int contig_import(struct contig *contig, int fd, struct contig_buffer **bufferp)
{
	struct contig_msg_buffer facts;
	struct contig_buffer *buffer;
	_cleanup_fd_ int own = -1;
	int r = describe(contig, fd, &facts);

	if (r < 0)
		return r;
	if (facts.cpu_access == CONTIG_MSG_CPU_BOUNCE) {
		r = read_token(fd, &facts.token);
		if (r < 0)
			return r;
	}
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -errno;
	r = buffer_new(contig, &buffer);
	if (r < 0)
		return r;
	buffer_fill(buffer, &facts, TAKE_FD(own));
	*bufferp = buffer;
	return 0;
}
