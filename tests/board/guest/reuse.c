/* SPDX-License-Identifier: MIT */

/*
 * reuse REGION AGAIN ANEW SIZE...: what lending a buffer costs, by the guest's
 * own clock, of two daemons, the paths of whose sockets these are: one that
 * lends a dma-buf again and one that does not.
 *
 * For each size, so many rounds, of which the medians are printed as facts, in
 * nanoseconds:
 *
 *	again_alloc	from the request until the descriptor is there
 *	again_cycle	the same, the release, and one more request, which the
 *			daemon answers when it is done with the return
 *	again_floor	that request by itself
 *	anew_...	the same of the other daemon
 *	kernel		making a udmabuf of this size of huge pages, its first
 *			SYNC, and closing it, without any daemon
 *
 * A round has all of them in turns, so that whatever else happens meets all.
 * It begins when all of a region is free and zeroed: so each buffer is in the
 * same place.  Run by root, for /dev/udmabuf.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "contig.h"

#define ROUNDS	  64
#define WARM_UP	  4
#define PAUSE_NS  2000000
#define LIMIT	  5000 /* pauses */
#define HUGE	  (UINT64_C(2) << 20)
#define HUGE_FLAG (21U << 26) /* MFD_HUGE_2MB of linux/memfd.h */

enum {
	ALLOC,
	CYCLE,
	FLOOR,
	OF_ONE,
	KERNEL = 2 * OF_ONE,
	KINDS
};

static const char *const names[KINDS] = {
	"again_alloc", "again_cycle", "again_floor", "anew_alloc",
	"anew_cycle",  "anew_floor",  "kernel",
};
static uint64_t samples[KINDS][ROUNDS];

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_at_rest(struct contig *contig, const char *region)
{
	struct contig_region_info *infos = NULL;
	size_t count = 0;
	bool found = false;
	int r = contig_list_regions(contig, &infos, &count);

	if (r < 0)
		errx(1, "listing: %s", strerror(-r));
	for (size_t i = 0; i < count; i++)
		if (strcmp(infos[i].name, region) == 0)
			found = infos[i].free_bytes == infos[i].size_bytes &&
				infos[i].dirty_bytes == 0;
	free(infos);
	return found;
}

static void rest(struct contig *contig, const char *region)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (int i = 0; i < LIMIT; i++) {
		if (is_at_rest(contig, region))
			return;
		(void)nanosleep(&pause, NULL);
	}
	errx(1, "region %s is not free and clean", region);
}

static void ask(struct contig *contig)
{
	struct contig_status status;
	int r = contig_get_status(contig, &status);

	if (r < 0)
		errx(1, "status: %s", strerror(-r));
}

/* Huge pages that are there, beside the daemon's. */
static int make_pool(uint64_t size)
{
	int fd = memfd_create("reuse", MFD_CLOEXEC | MFD_ALLOW_SEALING |
					       MFD_HUGETLB | HUGE_FLAG);
	void *map;

	size = (size + HUGE - 1) / HUGE * HUGE;
	if (fd < 0 || ftruncate(fd, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		err(1, "a pool of %" PRIu64 " bytes", size);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mapping a pool of %" PRIu64 " bytes", size);
	(void)munmap(map, size);
	return fd;
}

static void make_and_close(int maker_fd, int pool_fd, uint64_t size)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)pool_fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START |
					     DMA_BUF_SYNC_RW};
	int fd = ioctl(maker_fd, UDMABUF_CREATE, &create);

	if (fd < 0 || ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		err(1, "a udmabuf of %" PRIu64 " bytes", size);
	(void)close(fd);
}

static void lend(struct contig *contig, const char *region, uint64_t size,
		 uint64_t *found)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer *buffer;
	uint64_t start;

	request.size_bytes = size;
	request.region = region;
	request.name = "frame";
	start = now_ns();
	if (contig_alloc(contig, &request, &buffer, &failure) < 0)
		errx(1, "no buffer: %s", failure.text);
	found[ALLOC] = now_ns() - start;
	(void)contig_release(buffer);
	ask(contig);
	found[CYCLE] = now_ns() - start;
	start = now_ns();
	ask(contig);
	found[FLOOR] = now_ns() - start;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(uint64_t size)
{
	printf("size=%" PRIu64, size);
	for (int kind = 0; kind < KINDS; kind++) {
		qsort(samples[kind], ROUNDS, sizeof(uint64_t), by_size);
		printf(" %s=%" PRIu64, names[kind], samples[kind][ROUNDS / 2]);
	}
	printf("\n");
}

static void measure(struct contig *const *contigs, const char *region,
		    uint64_t size)
{
	int maker_fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int pool_fd = make_pool(size);

	if (maker_fd < 0)
		err(1, "/dev/udmabuf");
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		uint64_t found[KINDS], start;

		for (size_t j = 0; j < 2; j++) {
			rest(contigs[j], region);
			lend(contigs[j], region, size, found + j * OF_ONE);
		}
		start = now_ns();
		make_and_close(maker_fd, pool_fd, size);
		found[KERNEL] = now_ns() - start;
		for (int kind = 0; i >= 0 && kind < KINDS; kind++)
			samples[kind][i] = found[kind];
	}
	(void)close(pool_fd);
	(void)close(maker_fd);
	report(size);
}

int main(int argc, char **argv)
{
	struct contig *contigs[2];

	if (argc < 5)
		errx(2, "usage: reuse REGION AGAIN ANEW SIZE...");
	for (int i = 0; i < 2; i++) {
		int r = contig_open(&contigs[i], argv[2 + i]);

		if (r < 0)
			errx(1, "%s: %s", argv[2 + i], strerror(-r));
	}
	for (int i = 4; i < argc; i++)
		measure(contigs, argv[1], strtoull(argv[i], NULL, 0));
	for (int i = 0; i < 2; i++)
		(void)contig_close(contigs[i]);
	return 0;
}
