/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BOARD_GUEST_VIDEO_H
#define TESTS_BOARD_GUEST_VIDEO_H

#include <linux/videodev2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The virtual camera, as far as the board's programs need it.  What goes wrong
 * is answered with a line "no ..." and ends the program.
 */

#define refuse(...)                        \
	do {                               \
		printf("no " __VA_ARGS__); \
		printf("\n");              \
		exit(1);                   \
	} while (0)

/* RGB, three bytes a pixel; the caller owns the descriptor. */
int video_open(uint32_t width, uint32_t height, struct v4l2_pix_format *formatp);

/* Frames a second. */
void video_set_rate(int fd, uint32_t rate);

/* How many buffers will be queued. */
void video_request(int fd, unsigned int count);

/* Takes a reference of its own to the dma-buf.  0 or a negative errno. */
int video_queue(int fd, unsigned int index, int buffer_fd);

/* Waits for the next frame. */
struct v4l2_buffer video_dequeue(int fd);

void video_stream(int fd, int on);

#endif
