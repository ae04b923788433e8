/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "daemon/kernel_number.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/log.h"

/*
 * The kernel's udmabuf, not to be confused with ikwzm's u-dma-buf.
 *
 * A udmabuf pins the pages it is made of and reaches nothing else.  The kernel
 * answers EINVAL to everything it does not like, so after that the limits are
 * compared here, for the reason to be known.
 *
 * What became of vmap over huge pages: 6.11 ("udmabuf: convert udmabuf driver
 * to use folios", 5e72b2b41a21) hands the head of each huge page to the mapping
 * instead of the page meant.  A driver that writes through it overwrites other
 * buffers; frames of a camera in 6.12.107 were seen to do so.  6.13 ("udmabuf:
 * fix vmap_udmabuf error page set", 18d7de823b71) calls a function that is not
 * for ordinary pages and refuses every one: no mapping, but no harm.  6.17
 * takes that back and does it right ("udmabuf: fix vmap missed offset page",
 * a26fd92b7223), as does 6.16.1.  DMA and mappings of processes were right all
 * the time.  Trying it out takes a driver that asks for such a mapping, so the
 * release has to tell.
 */

#define PARAMETERS "/sys/module/udmabuf/parameters"
#define MIB	   (UINT64_C(1) << 20)

int udmabuf_open(const char *path, struct error *why)
{
	int fd;

	if (!path)
		path = "/dev/udmabuf";
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return error_set(why, -errno,
				 "%s does not exist: the kernel lacks "
				 "CONFIG_UDMABUF, or its module is not loaded",
				 path);
	return error_set(why, -errno, "cannot open %s: %s", path,
			 strerror(errno));
}

/* Says which limit a buffer breaks; 0 where none does, or none is known. */
static int check_limits(const struct frames_piece *pieces, size_t n_pieces,
			struct error *why)
{
	char asked[FORMAT_SIZE_BYTES], limit[FORMAT_SIZE_BYTES];
	struct udmabuf_limits limits;
	uint64_t size_bytes = 0;

	if (udmabuf_limits_read(NULL, &limits))
		return 0;
	for (size_t i = 0; i < n_pieces; i++)
		size_bytes += pieces[i].size_bytes;
	if (size_bytes > limits.size_bytes)
		return error_set(why, -E2BIG,
				 "%s are more than the kernel's udmabuf allows "
				 "for one buffer (size_limit_mb: %s)",
				 format_size(asked, size_bytes),
				 format_size(limit, limits.size_bytes));
	if (n_pieces > limits.pieces)
		return error_set(why, -E2BIG,
				 "%zu pieces are more than the kernel's "
				 "udmabuf allows for one buffer (list_limit: "
				 "%" PRIu64 ")",
				 n_pieces, limits.pieces);
	return 0;
}

static int create_one(int device_fd, int memfd,
		      const struct frames_piece *piece)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = piece->offset,
		.size = piece->size_bytes,
	};
	int fd = ioctl(device_fd, UDMABUF_CREATE, &create);

	return fd < 0 ? -errno : fd;
}

static int create_list(int device_fd, int memfd,
		       const struct frames_piece *pieces, size_t n_pieces)
{
	_cleanup_free_ struct udmabuf_create_list *list = NULL;
	size_t bytes;
	int fd;

	if (n_pieces > UINT32_MAX ||
	    __builtin_mul_overflow(n_pieces, sizeof(list->list[0]), &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*list), &bytes))
		return -E2BIG;
	list = calloc(1, bytes);
	if (!list)
		return -ENOMEM;
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = (uint32_t)n_pieces;
	for (size_t i = 0; i < n_pieces; i++) {
		list->list[i].memfd = (uint32_t)memfd;
		list->list[i].offset = pieces[i].offset;
		list->list[i].size = pieces[i].size_bytes;
	}
	fd = ioctl(device_fd, UDMABUF_CREATE_LIST, list);
	return fd < 0 ? -errno : fd;
}

int udmabuf_create(int device_fd, int memfd, const struct frames_piece *pieces,
		   size_t n_pieces, struct error *why)
{
	int fd;

	if (n_pieces == 0)
		return error_set(why, -EINVAL, "a udmabuf of nothing");
	fd = n_pieces == 1 ? create_one(device_fd, memfd, pieces)
			   : create_list(device_fd, memfd, pieces, n_pieces);
	if (fd == -EBADFD)
		return error_set(why, fd,
				 "this kernel's udmabuf takes no huge pages "
				 "(as 6.5 to 6.10 do not)");
	if (fd == -EINVAL && check_limits(pieces, n_pieces, why))
		return -E2BIG;
	if (fd < 0)
		return error_set(why, fd,
				 "the kernel makes no udmabuf of %zu pieces: "
				 "%s",
				 n_pieces, strerror(-fd));
	return fd;
}

enum udmabuf_vmap udmabuf_vmap_of(const struct kernel_release *release)
{
	if (kernel_release_before(release, 6, 11, 0))
		return UDMABUF_VMAP_WORKS;
	if (kernel_release_before(release, 6, 13, 0))
		return UDMABUF_VMAP_WRONG;
	if (kernel_release_before(release, 6, 16, 1))
		return UDMABUF_VMAP_REFUSED;
	return UDMABUF_VMAP_WORKS;
}

int udmabuf_limits_read(const char *directory, struct udmabuf_limits *limits)
{
	uint64_t size_mib = 0, pieces = 0;
	int r;

	if (!directory)
		directory = PARAMETERS;
	r = kernel_number_read(directory, "size_limit_mb", &size_mib);
	if (r)
		return r;
	r = kernel_number_read(directory, "list_limit", &pieces);
	if (r)
		return r;
	limits->size_bytes = size_mib > INT_MAX ? 0 : size_mib * MIB;
	limits->pieces = pieces;
	return 0;
}

/* The largest size_limit_mb that the kernel computes with correctly: before
 * 6.15 ("udmabuf: fix a buf size overflow issue during udmabuf creation") it
 * counts bytes in an int. */
static uint64_t max_mib(const struct kernel_release *release)
{
	return kernel_release_before(release, 6, 15, 0) ? INT_MAX / MIB
							: INT_MAX;
}

static int raise_parameter(const char *directory, const char *name,
			   uint64_t value, struct error *why)
{
	int r = kernel_number_write(directory, name, value);

	if (r)
		return error_set(why, r, "cannot raise %s/%s to %" PRIu64 ": %s",
				 directory, name, value, strerror(-r));
	log_info("raised the kernel's udmabuf %s to %" PRIu64, name, value);
	return 0;
}

int udmabuf_limits_raise(const char *directory,
			 const struct kernel_release *release,
			 const struct udmabuf_limits *wanted, struct error *why)
{
	struct udmabuf_limits limits;
	uint64_t mib =
		wanted->size_bytes / MIB + (wanted->size_bytes % MIB != 0);
	uint64_t pieces = wanted->pieces;
	int r;

	if (!directory)
		directory = PARAMETERS;
	r = udmabuf_limits_read(directory, &limits);
	if (r)
		return error_set(why, r, "cannot read %s: %s", directory,
				 strerror(-r));
	if (mib > max_mib(release))
		mib = max_mib(release);
	if (limits.size_bytes < mib * MIB) {
		r = raise_parameter(directory, "size_limit_mb", mib, why);
		if (r)
			return r;
	}
	if (pieces > INT_MAX)
		pieces = INT_MAX;
	if (limits.pieces < pieces)
		return raise_parameter(directory, "list_limit", pieces, why);
	return 0;
}
