/* SPDX-License-Identifier: MIT */
#include "tests/board/guest/video.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * The calls of the video interface that capture into dma-bufs which somebody
 * else made.  The kernel's vivid driver, loaded with allocators=1, imports only
 * those whose pages follow one another; so its taking a buffer proves that.
 */

#define VIDEO_DEVICE   "/dev/video0"
#define VIDEO_LIMIT_MS 30000

int video_open(uint32_t width, uint32_t height, struct v4l2_pix_format *formatp)
{
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	int fd = open(VIDEO_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		refuse(VIDEO_DEVICE ": %s", strerror(errno));
	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_RGB24;
	format.fmt.pix.field = V4L2_FIELD_NONE;
	if (ioctl(fd, VIDIOC_S_FMT, &format))
		refuse("setting the format: %s", strerror(errno));
	if (format.fmt.pix.width != width || format.fmt.pix.height != height ||
	    format.fmt.pix.pixelformat != V4L2_PIX_FMT_RGB24)
		refuse("the camera does not do %ux%u RGB", width, height);
	*formatp = format.fmt.pix;
	return fd;
}

void video_set_rate(int fd, uint32_t rate)
{
	struct v4l2_streamparm parameters = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.parm.capture.timeperframe = {1, rate},
	};

	if (ioctl(fd, VIDIOC_S_PARM, &parameters))
		refuse("setting the rate: %s", strerror(errno));
}

void video_request(int fd, unsigned int count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};

	if (ioctl(fd, VIDIOC_REQBUFS, &request))
		refuse("requesting buffers: %s", strerror(errno));
	if (request.count != count)
		refuse("the camera wants %u buffers", request.count);
}

int video_queue(int fd, unsigned int index, int buffer_fd)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = buffer_fd,
	};

	return ioctl(fd, VIDIOC_QBUF, &buffer) ? -errno : 0;
}

struct v4l2_buffer video_dequeue(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};

	if (poll(&ready, 1, VIDEO_LIMIT_MS) != 1)
		refuse("no frame in %d ms", VIDEO_LIMIT_MS);
	if (ioctl(fd, VIDIOC_DQBUF, &buffer))
		refuse("taking a frame: %s", strerror(errno));
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		refuse("frame %u is marked bad", buffer.sequence);
	return buffer;
}

void video_stream(int fd, int on)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (ioctl(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type))
		refuse("streaming %s: %s", on ? "on" : "off", strerror(errno));
}
