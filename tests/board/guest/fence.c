/* SPDX-License-Identifier: MIT */

/*
 * fence REGION SIZE: leaves the fence of a device behind on a buffer.
 *
 * The kernel's vgem makes fences that signal when they are told to, or after
 * ten seconds.  A buffer is returned with one that has not, one with one that
 * has, and one without; each time the same run is borrowed again, and it is
 * printed which dma-buf that was, and whether the first fence was still pending
 * then.  Run by root, with vgem loaded.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "contig.h"

/* drm.h, drm_mode.h and vgem_drm.h, as far as they are needed. */
struct dumb {
	uint32_t height, width, bpp, flags, handle, pitch;
	uint64_t size;
};
struct prime {
	uint32_t handle, flags;
	int32_t fd;
};
struct attach {
	uint32_t handle, flags, fence, pad;
};
struct signal {
	uint32_t fence, flags;
};
#define CREATE_DUMB  _IOWR('d', 0xb2, struct dumb)
#define HANDLE_TO_FD _IOWR('d', 0x2d, struct prime)
#define FENCE_ATTACH _IOWR('d', 0x41, struct attach)
#define FENCE_SIGNAL _IOW('d', 0x42, struct signal)
#define FENCE_WRITE  1

#define PAUSE_NS 10000000
#define LIMIT	 1000 /* pauses */

static struct contig *contig;
static const char *region;
static uint64_t size;

static void control(int fd, unsigned long what, void *argument, const char *name)
{
	if (ioctl(fd, what, argument) < 0)
		err(1, "%s", name);
}

/* A sync file of a fence that has not signalled, and the fence's number. */
static int make_fence(int card_fd, uint32_t *fencep)
{
	struct dumb dumb = {.height = 1, .width = 1024, .bpp = 32};
	struct attach attach = {.flags = FENCE_WRITE};
	struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_RW};
	struct prime prime = {.flags = O_CLOEXEC};

	control(card_fd, CREATE_DUMB, &dumb, "making a buffer of vgem");
	attach.handle = dumb.handle;
	control(card_fd, FENCE_ATTACH, &attach, "attaching a fence");
	prime.handle = dumb.handle;
	control(card_fd, HANDLE_TO_FD, &prime, "exporting vgem's buffer");
	control(prime.fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export,
		"exporting a fence");
	(void)close(prime.fd);
	*fencep = attach.fence;
	return export.fd;
}

static void put_fence(int fd, int sync_fd)
{
	struct dma_buf_import_sync_file import = {
		.flags = DMA_BUF_SYNC_WRITE,
		.fd = sync_fd,
	};

	control(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import,
		"importing a fence");
	(void)close(sync_fd);
}

/* False where it had run out of time by itself. */
static bool signal_fence(int card_fd, uint32_t fence)
{
	struct signal signal = {.fence = fence};

	if (ioctl(card_fd, FENCE_SIGNAL, &signal) == 0)
		return true;
	if (errno != ETIMEDOUT)
		err(1, "signalling a fence");
	return false;
}

/* Where it is not, the kernel has taken a reference to the file until it is. */
static bool is_idle(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN | POLLOUT};

	return poll(&pollfd, 1, 0) == 1 && pollfd.revents == pollfd.events;
}

static struct contig_buffer *borrow(uint64_t *inodep)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer *buffer;
	struct stat status;

	request.size_bytes = size;
	request.region = region;
	if (contig_alloc(contig, &request, &buffer, &failure) < 0)
		errx(1, "no buffer: %s", failure.text);
	if (!is_idle(contig_fd(buffer)))
		errx(1, "a device is not done with a new buffer");
	if (fstat(contig_fd(buffer), &status) < 0)
		err(1, "fstat");
	*inodep = status.st_ino;
	return buffer;
}

static bool is_free(void)
{
	struct contig_region_info *infos = NULL;
	size_t count = 0;
	bool found = false;
	int r = contig_list_regions(contig, &infos, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		if (strcmp(infos[i].name, region) == 0)
			found = infos[i].free_bytes == infos[i].size_bytes &&
				infos[i].dirty_bytes == 0;
	free(infos);
	return found;
}

static void give_back(struct contig_buffer *buffer)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	(void)contig_release(buffer);
	for (int i = 0; !is_free(); i++) {
		if (i == LIMIT)
			errx(1, "region %s is not free", region);
		(void)nanosleep(&pause, NULL);
	}
}

static int run(int card_fd)
{
	uint64_t pending = 0, signalled = 0, without = 0, last = 0;
	struct contig_buffer *buffer;
	uint32_t fence;
	bool in_time;

	buffer = borrow(&pending);
	put_fence(contig_fd(buffer), make_fence(card_fd, &fence));
	give_back(buffer);
	buffer = borrow(&signalled);
	in_time = signal_fence(card_fd, fence);
	put_fence(contig_fd(buffer), make_fence(card_fd, &fence));
	(void)signal_fence(card_fd, fence);
	give_back(buffer);
	buffer = borrow(&without);
	give_back(buffer);
	buffer = borrow(&last);
	give_back(buffer);
	printf("in_time=%d pending=%" PRIu64 " signalled=%" PRIu64
	       " without=%" PRIu64 " last=%" PRIu64 "\n",
	       in_time, pending, signalled, without, last);
	return 0;
}

int main(int argc, char **argv)
{
	int card_fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	int r;

	if (argc != 3)
		errx(2, "usage: fence REGION SIZE");
	if (card_fd < 0)
		err(1, "/dev/dri/card0");
	region = argv[1];
	size = strtoull(argv[2], NULL, 0);
	r = contig_open(&contig, NULL);
	if (r < 0)
		errx(1, "connecting: %s", strerror(-r));
	r = run(card_fd);
	(void)contig_close(contig);
	(void)close(card_fd);
	return r;
}
