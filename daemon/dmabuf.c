/* SPDX-License-Identifier: MIT */
#include "daemon/dmabuf.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * The kernel counts the references to a dma-buf's file and shows the number in
 * the fdinfo of every descriptor of it, without the one that the reading
 * itself takes.  Descriptors in any process, messages in sockets, mappings and
 * attached devices all count.  The daemon keeps one single descriptor and no
 * mapping, so 1 means that it is alone.
 *
 * Nothing tells when the number changes; who wants to know has to ask again.
 */

#define FDINFO_LIMIT_BYTES 4096

int dmabuf_parse_count(const char *fdinfo, uint64_t *countp)
{
	static const char key[] = "count:";
	const char *line = fdinfo;

	while (line && strncmp(line, key, strlen(key)) != 0) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	if (line && sscanf(line + strlen(key), "%" SCNu64, countp) == 1)
		return 0;
	return -ENOTSUP;
}

int dmabuf_held(int fd_borrow)
{
	char path[sizeof("/proc/self/fdinfo/-2147483648")];
	_cleanup_free_ char *text = NULL;
	uint64_t count = 0;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd_borrow);
	r = fd_read_file(path, FDINFO_LIMIT_BYTES, &text, &len);
	if (r)
		return r;
	r = dmabuf_parse_count(text, &count);
	if (r)
		return r;
	if (count == 0)
		return -EPROTO;
	return count > 1;
}

int dmabuf_set_name(int fd_borrow, const char *name)
{
	char cut[DMA_BUF_NAME_LEN] = "";

	(void)snprintf(cut, sizeof(cut), "%s", name);
	/* the argument is a pointer, whatever its type in the number says */
	if (ioctl(fd_borrow, DMA_BUF_SET_NAME_B, cut) < 0)
		return -errno;
	return 0;
}

int dmabuf_sync(int fd_borrow, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	while (ioctl(fd_borrow, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	return 0;
}
