/* SPDX-License-Identifier: MIT */

/*
 * stream REGION: the device is the last that holds a buffer.
 *
 * Two processes share the open camera.  The child is the client: it allocates
 * buffers, queues them for capture, says where they are, and is killed from
 * outside.  With it go its connection, its descriptors and its mappings; what
 * is left of the buffers is the attachment of a driver that goes on filling
 * them, a frame every half second.  The parent, which has neither a descriptor
 * nor a buffer of the library, keeps the stream alive, and ends it when it is
 * told to:
 *
 *   gone	waits for the child's end
 *   rest	waits until the device has filled all buffers
 *   off	ends the stream; how long until no memory of the region drains
 */
#include <err.h>
#include <inttypes.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contig.h"
#include "tests/board/guest/video.h"

#define WIDTH	640
#define HEIGHT	360
#define BUFFERS 12
#define RATE	2
#define LIMIT_S 30

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The client; it never returns. */
static void client(int fd, const struct v4l2_pix_format *format,
		   const char *region)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer *buffers[BUFFERS];
	struct contig *contig;
	int r = contig_open(&contig, NULL);

	if (r < 0)
		refuse("connecting: %s", strerror(-r));
	request.size_bytes = format->sizeimage;
	request.require = CONTIG_CONTIGUOUS | CONTIG_DMA_BUF;
	request.region = region;
	request.name = "stream";
	if (contig_alloc_many(contig, &request, BUFFERS, buffers, &failure) < 0)
		refuse("allocating: %s", failure.text);
	video_request(fd, BUFFERS);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		r = video_queue(fd, i, contig_fd(buffers[i]));
		if (r < 0)
			refuse("queueing buffer %u: %s", i, strerror(-r));
	}
	video_stream(fd, 1);
	(void)video_dequeue(fd);

	printf("ok child=%d width=%d height=%d stride=%u bytes=%u buffers=%d",
	       (int)getpid(), WIDTH, HEIGHT, format->bytesperline,
	       format->sizeimage, BUFFERS);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		uint64_t phys = 0;

		(void)contig_phys(buffers[i], &phys);
		printf(" phys%u=0x%" PRIx64, i, phys);
	}
	printf("\n");
	for (;;)
		(void)pause();
}

/* Of a region; ends the program where the daemon does not say. */
static uint64_t draining(struct contig *contig, const char *name)
{
	struct contig_region_info *regions = NULL;
	uint64_t bytes = 0;
	size_t count = 0;
	int r = contig_list_regions(contig, &regions, &count);

	if (r < 0)
		refuse("asking for regions: %s", strerror(-r));
	for (size_t i = 0; i < count; i++)
		if (strcmp(regions[i].name, name) == 0)
			bytes = regions[i].draining_bytes;
	free(regions);
	return bytes;
}

static void end_stream(int fd, const char *region)
{
	struct contig *contig;
	int r = contig_open(&contig, NULL);
	double started, ended;
	uint64_t left;

	if (r < 0)
		refuse("connecting: %s", strerror(-r));
	left = draining(contig, region);
	video_stream(fd, 0);
	/* the driver lets go of its buffers with the last close */
	close(fd);
	started = now_ms();
	do {
		ended = now_ms();
		if (ended - started > LIMIT_S * 1e3)
			refuse("memory still drains after %d s", LIMIT_S);
	} while (draining(contig, region) > 0);
	printf("ok drained=%" PRIu64 " within_us=%.0f\n", left,
	       (ended - started) * 1e3);
	contig_close(contig);
}

int main(int argc, char **argv)
{
	struct v4l2_pix_format format;
	char line[64];

	if (argc != 2)
		errx(2, "usage: stream REGION");
	setvbuf(stdout, NULL, _IOLBF, 0);

	int fd = video_open(WIDTH, HEIGHT, &format);

	video_set_rate(fd, RATE);

	pid_t child = fork();

	if (child < 0)
		refuse("no second process");
	if (child == 0)
		client(fd, &format, argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "gone") == 0) {
			(void)waitpid(child, NULL, 0);
			printf("ok\n");
		} else if (strcmp(line, "rest") == 0) {
			for (unsigned int i = 1; i < BUFFERS; i++)
				(void)video_dequeue(fd);
			printf("ok frames=%d\n", BUFFERS);
		} else if (strcmp(line, "off") == 0) {
			end_stream(fd, argv[1]);
		} else {
			break;
		}
	}
	return 0;
}
