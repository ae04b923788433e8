/* SPDX-License-Identifier: MIT */

/*
 * camera REGION: captures frames of the virtual camera into buffers of
 * libcontig, without a copy, then holds them until a line comes on stdin.
 * camera scattered: the control, with memory that is not contiguous.
 *
 * The kernel's vivid driver, loaded with allocators=1, imports only dma-bufs
 * whose pages follow one another, so its taking a buffer proves contiguity,
 * and its refusal of the control proves that it can refuse.  Pixels are RGB,
 * three bytes each, as vivid paints its colour bars: eight of them from left
 * to right, each channel fully or not at all present.
 *
 * Answers are lines that begin with "ok" or "no".
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contig.h"
#include "tests/board/guest/video.h"

#define WIDTH	1280
#define HEIGHT	720
#define BUFFERS 4
#define FRAMES	8
#define BARS	8
/* Away from the text that vivid writes into the picture's upper part. */
#define BAR_ROW 600

/* White, yellow, cyan, green, magenta, red, blue, black: the bits of
 * red, green and blue count down from 7 with green as the highest. */
static void check_bars(const uint8_t *pixels, size_t stride, uint32_t frame)
{
	for (unsigned int bar = 0; bar < BARS; bar++) {
		unsigned int x = (2 * bar + 1) * WIDTH / (2 * BARS);
		const uint8_t *pixel = pixels + BAR_ROW * stride + 3 * x;
		unsigned int bits = BARS - 1 - bar;
		int wanted[3] = {bits & 2, bits & 4, bits & 1};

		for (unsigned int i = 0; i < 3; i++)
			if (wanted[i] ? pixel[i] < 150 : pixel[i] > 40)
				refuse("frame %u: bar %u is %u,%u,%u", frame,
				       bar, pixel[0], pixel[1], pixel[2]);
	}
}

static void look(struct contig_buffer *buffer, size_t stride, uint32_t frame)
{
	void *pixels;
	int r = contig_map(buffer, CONTIG_READ, &pixels);

	if (r == 0)
		r = contig_begin_cpu(buffer, CONTIG_READ);
	if (r < 0)
		refuse("reading a frame: %s", strerror(-r));
	check_bars(pixels, stride, frame);
	(void)contig_end_cpu(buffer, CONTIG_READ);
}

static int capture(const char *region)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer *buffers[BUFFERS];
	struct v4l2_pix_format format;
	struct v4l2_buffer frame = {0};
	struct contig *contig;
	int fd = video_open(WIDTH, HEIGHT, &format);
	int r = contig_open(&contig, NULL);

	if (r < 0)
		refuse("connecting: %s", strerror(-r));
	request.size_bytes = format.sizeimage;
	request.require = CONTIG_CONTIGUOUS | CONTIG_DMA_BUF;
	request.region = region;
	request.name = "frame";
	if (contig_alloc_many(contig, &request, BUFFERS, buffers, &failure) < 0)
		refuse("allocating: %s", failure.text);

	video_request(fd, BUFFERS);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		r = video_queue(fd, i, contig_fd(buffers[i]));
		if (r < 0)
			refuse("queueing buffer %u: %s", i, strerror(-r));
	}
	video_stream(fd, 1);
	for (unsigned int i = 0; i < FRAMES; i++) {
		frame = video_dequeue(fd);
		look(buffers[frame.index], format.bytesperline, frame.sequence);
		/* the last ones stay as they are, to be looked at */
		if (i + BUFFERS < FRAMES)
			(void)video_queue(fd, frame.index,
					  contig_fd(buffers[frame.index]));
	}
	video_stream(fd, 0);

	printf("ok frames=%d width=%d height=%d stride=%u bytes=%u", FRAMES,
	       WIDTH, HEIGHT, format.bytesperline, format.sizeimage);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		uint64_t phys = 0;

		(void)contig_phys(buffers[i], &phys);
		printf(" phys%u=0x%" PRIx64, i, phys);
	}
	printf("\n");
	(void)getchar();
	return 0;
}

/* Neighbouring pages of the file that are no neighbours in memory. */
static unsigned int count_breaks(const uint8_t *memory, size_t size, long page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const uint64_t frame_bits = (UINT64_C(1) << 55) - 1;
	uint64_t before = 0, entry = 0;
	unsigned int breaks = 0;

	for (size_t at = 0; at < size; at += page) {
		off_t place = (off_t)((uintptr_t)(memory + at) / page * 8);

		if (pread(fd, &entry, 8, place) != 8)
			refuse("/proc/self/pagemap: %s", strerror(errno));
		breaks += at && (entry & frame_bits) != before + 1;
		before = entry & frame_bits;
	}
	close(fd);
	return breaks;
}

/* A udmabuf over ordinary pages, which nobody asked to be neighbours. */
static int scattered(void)
{
	struct v4l2_pix_format format;
	int fd = video_open(WIDTH, HEIGHT, &format);
	long page = sysconf(_SC_PAGESIZE);
	size_t size = (format.sizeimage + page - 1) / page * page;
	int memory_fd = memfd_create("scattered", MFD_ALLOW_SEALING);
	int maker_fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (memory_fd < 0 || maker_fd < 0 || ftruncate(memory_fd, size) ||
	    fcntl(memory_fd, F_ADD_SEALS, F_SEAL_SHRINK))
		refuse("making scattered memory: %s", strerror(errno));

	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       memory_fd, 0);

	if (memory == MAP_FAILED)
		refuse("mapping scattered memory: %s", strerror(errno));
	/* Every second page first, so that the kernel hands out the pages in
	 * another order than the file's. */
	for (size_t at = 0; at < size; at += 2 * page)
		memory[at] = 1;
	for (size_t at = page; at < size; at += 2 * page)
		memory[at] = 1;

	struct udmabuf_create create = {.memfd = memory_fd, .size = size};
	int buffer_fd = ioctl(maker_fd, UDMABUF_CREATE, &create);

	if (buffer_fd < 0)
		refuse("making a udmabuf: %s", strerror(errno));
	video_request(fd, BUFFERS);

	int r = video_queue(fd, 0, buffer_fd);

	printf("ok breaks=%u queue=%s\n", count_breaks(memory, size, page),
	       r == 0 ? "taken" : strerrorname_np(-r));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: camera REGION, or camera scattered");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[1], "scattered") == 0)
		return scattered();
	return capture(argv[1]);
}
