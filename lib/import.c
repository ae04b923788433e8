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
 * Whoever knows a number does not hold the buffer, so strangers to the buffer
 * have to show its token.  That is part of the name of the memfd or dma-buf,
 * which only a holder can read, in the link /proc/self/fd/N:
 *
 *	/memfd:contig-0123456789abcdef-NAME (deleted)
 *	/dmabuf:contig-0123456789abcdef-NAME
 *
 * A name without one is no failure yet: somebody may have renamed the dma-buf,
 * and the owner of a buffer needs no proof.
 */

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

/* Sixteen lower-case hexadecimal digits and the '-' behind them; 0: they are
 * not. */
static uint64_t parse_token(const char *digits)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t token = 0;

	for (int i = 0; i < TOKEN_DIGITS; i++) {
		const char *digit = digits[i] ? strchr(hex, digits[i]) : NULL;

		if (!digit)
			return 0;
		token = token << 4 | (uint64_t)(digit - hex);
	}
	return digits[TOKEN_DIGITS] == '-' ? token : 0;
}

/* The token in the name of what fd is a descriptor of, or 0. */
static uint64_t read_token(int fd)
{
	static const char *const prefixes[] = {"/memfd:contig-",
					       "/dmabuf:contig-"};
	char path[sizeof("/proc/self/fd/-2147483648")];
	char target[128] = "";

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(target, prefixes[i], strlen(prefixes[i])) == 0)
			return parse_token(target + strlen(prefixes[i]));
	return 0;
}

static int describe(struct contig *contig, int fd,
		    struct contig_msg_buffer *facts)
{
	struct description description = {.call = {.accept = take_facts}};
	uint64_t token = read_token(fd);
	struct contig_msg_describe request;
	struct stat stat;
	int r;

	if (fstat(fd, &stat) < 0)
		return -errno;
	call_init(&description.call, CONTIG_MSG_DESCRIBE, &request.header);
	request.device = stat.st_dev;
	request.inode = stat.st_ino;
	request.token = token;
	r = call_run(contig, &description.call, &request.header);
	if (r)
		return r;
	*facts = description.facts;
	facts->token = token;
	return 0;
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
	if (facts.cpu_access == CONTIG_MSG_CPU_BOUNCE && !facts.token)
		return -EIO;
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
