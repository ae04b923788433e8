/* SPDX-License-Identifier: MIT */
#include "daemon/sealed.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/checksum.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * A daemon hands on what it knows to the one that comes after it, which may be
 * of another version.  What it hands on is written once and sealed, so that
 * whoever reads it later reads what was written; the checksum tells a record
 * from anything else that could come under its name.
 *
 * The descriptor has one file offset for everybody who holds it, a service
 * manager included, so nothing is read from where it stands.
 */

#define SEALED_MAGIC UINT32_C(0x44475443)

struct sealed_header {
	uint32_t magic;
	uint32_t kind;
	uint32_t version;
	uint32_t unused; /* 0 */
	uint64_t length; /* of what follows */
	uint64_t check;	 /* of all above and what follows */
};

static_assert(sizeof(struct sealed_header) == 32, "form of a sealed record");
static_assert(offsetof(struct sealed_header, check) == 24, "no gaps");

static uint64_t sum(const struct sealed_header *header, const void *bytes)
{
	return checksum64(header, offsetof(struct sealed_header, check)) ^
	       checksum64(bytes, (size_t)header->length);
}

int sealed_write(const struct sealed_kind *kind, const void *bytes,
		 size_t length, struct error *why)
{
	struct sealed_header header = {
		.magic = SEALED_MAGIC,
		.kind = kind->number,
		.version = kind->version,
		.length = length,
	};
	_cleanup_fd_ int fd = -1;
	int r;

	if (length > kind->limit_bytes)
		return error_set(why, -EFBIG, "%zu bytes are too many for a %s",
				 length, kind->name);
	fd = memfd_create(kind->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set(why, -errno, "cannot make a memfd: %s",
				 strerror(errno));
	header.check = sum(&header, bytes);
	r = fd_write_all(fd, &header, sizeof(header));
	if (r == 0)
		r = fd_write_all(fd, bytes, length);
	if (r == 0 && fcntl(fd, F_ADD_SEALS,
			    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
				    F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0)
		return error_set(why, r, "cannot write a %s: %s", kind->name,
				 strerror(-r));
	return TAKE_FD(fd);
}

static int refuse(const struct sealed_kind *kind, const char *what,
		  struct error *why)
{
	return error_set(why, SEALED_E_DAMAGED, "a %s is damaged: %s",
			 kind->name, what);
}

static int check(const struct sealed_kind *kind, const char *bytes,
		 size_t length, struct error *why)
{
	struct sealed_header header;

	if (length < sizeof(header))
		return refuse(kind, "it is too short", why);
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != SEALED_MAGIC || header.kind != kind->number)
		return refuse(kind, "it is something else", why);
	if (header.version > kind->version)
		return error_set(why, SEALED_E_NEWER,
				 "a %s is of version %" PRIu32
				 ", this contigd knows %" PRIu32
				 ": a later one wrote it",
				 kind->name, header.version, kind->version);
	if (header.length != length - sizeof(header))
		return refuse(kind, "its length is wrong", why);
	if (header.unused != 0 ||
	    header.check != sum(&header, bytes + sizeof(header)))
		return refuse(kind, "its checksum is wrong", why);
	if (header.version != kind->version)
		return refuse(kind, "there never was such a version", why);
	return 0;
}

int sealed_read(const struct sealed_kind *kind, int fd_borrow, char **bytesp,
		size_t *lengthp, struct error *why)
{
	_cleanup_free_ char *bytes = NULL;
	size_t length;
	int seals = fcntl(fd_borrow, F_GET_SEALS);
	int r = 0;

	if (seals < 0 && errno != EINVAL) /* that is no memfd */
		return error_set(why, -errno, "cannot read a %s: %s",
				 kind->name, strerror(errno));
	if (seals < 0 || !(seals & F_SEAL_WRITE))
		return refuse(kind, "it is not sealed", why);
	if (lseek(fd_borrow, 0, SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		r = fd_read_all(fd_borrow,
				kind->limit_bytes + sizeof(struct sealed_header),
				&bytes, &length);
	if (r == -EFBIG)
		return refuse(kind, "it is too long", why);
	if (r < 0)
		return error_set(why, r, "cannot read a %s: %s", kind->name,
				 strerror(-r));
	r = check(kind, bytes, length, why);
	if (r)
		return r;
	*lengthp = length - sizeof(struct sealed_header);
	memmove(bytes, bytes + sizeof(struct sealed_header), *lengthp + 1);
	*bytesp = TAKE_PTR(bytes);
	return 0;
}
