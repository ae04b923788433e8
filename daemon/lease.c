/* SPDX-License-Identifier: MIT */
#include "daemon/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/token.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * The kernel grants a write lease on a file only where no other open file of
 * the same inode exists.  That is a question about open files, not about
 * descriptors: a duplicate, a mapping and a message in a socket's queue all
 * keep the open file alive that they came from.  So each client is lent an open
 * file of its own, the daemon keeps exactly one, and asking for the lease tells
 * whether anybody else is left.  (The file that memfd_create() returns is not
 * in the kernel's count of readers and writers, on 6.18 as on every kernel
 * before: it is opened anew for the daemon, and the first one is closed.)
 *
 * A lease that is asked for is given back at once, but in between somebody may
 * open the file: whoever kept an O_PATH descriptor, which the count does not
 * see, can do so.  The kernel then signals the holder of the lease, by default
 * with SIGIO, which ends a process.  The signal is set to SIGURG, which is
 * ignored by default, so that nobody can kill the daemon in this way; it has
 * to be set each time, for giving a lease back resets it.
 *
 * An O_PATH descriptor also survives the verdict "nobody holds it".  What it
 * still reaches is this file alone, never the memory that is lent out next;
 * file_pages_discard() takes the pages away from it.
 *
 * Sealing against shrinking keeps the size true for everybody who maps it;
 * sealing the seals keeps F_SEAL_WRITE away, with which a holder could spoil
 * the buffer for the others.
 */

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* linux/memfd.h, since 6.3 */
#endif

static int make_memfd(const char *name)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before 6.3 */
		fd = memfd_create(name, flags);
	return fd < 0 ? -errno : fd;
}

static int prepare(int memfd, uint64_t size_bytes, struct error *why)
{
	if (ftruncate(memfd, (off_t)size_bytes) < 0)
		return error_set(why, -errno,
				 "cannot size a memfd to %" PRIu64 " bytes: %s",
				 size_bytes, strerror(errno));
	if (fcntl(memfd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return error_set(why, -errno, "cannot seal a memfd: %s",
				 strerror(errno));
	return 0;
}

int lease_create(const char *name, uint64_t size_bytes, uint64_t *tokenp,
		 struct error *why)
{
	char full[TOKEN_NAME_BYTES + LEASE_NAME_BYTES];
	_cleanup_fd_ int memfd = -1;
	_cleanup_fd_ int fd = -1;
	uint64_t token;
	int r;

	if (strlen(name) >= LEASE_NAME_BYTES)
		return error_set(why, -EINVAL, "name %s has more than %d bytes",
				 name, LEASE_NAME_BYTES - 1);
	if (size_bytes == 0)
		return error_set(why, -EINVAL, "buffer %s has no size", name);
	if (size_bytes > INT64_MAX)
		return error_set(why, -EFBIG,
				 "%" PRIu64 " bytes do not fit a file",
				 size_bytes);
	r = token_make(&token);
	if (r)
		return error_set(why, r, "no random numbers: %s", strerror(-r));

	token_write_name(full, sizeof(full), token, name);
	memfd = make_memfd(full);
	if (memfd < 0)
		return error_set(why, memfd, "cannot make a memfd: %s",
				 strerror(-memfd));
	r = prepare(memfd, size_bytes, why);
	if (r)
		return r;
	fd = fd_reopen(memfd, O_RDWR);
	if (fd < 0)
		return error_set(why, fd,
				 "cannot open a memfd through /proc: %s",
				 strerror(-fd));
	if (tokenp)
		*tokenp = token;
	return TAKE_FD(fd);
}

bool lease_is_sealed(int fd_borrow)
{
	const int size = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int seals = fcntl(fd_borrow, F_GET_SEALS);

	return seals >= 0 && (seals & size) == size;
}

int lease_lend(int fd_borrow)
{
	return fd_reopen(fd_borrow, O_RDWR);
}

int lease_held(int fd_borrow)
{
	if (fcntl(fd_borrow, F_SETSIG, SIGURG) < 0)
		return -errno;
	if (fcntl(fd_borrow, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN ? 1 : -errno;
	if (fcntl(fd_borrow, F_SETLEASE, F_UNLCK) < 0)
		return -errno;
	return 0;
}

int lease_write(int fd_borrow, const void *bytes, size_t length, uint64_t offset)
{
	const char *from = bytes;

	while (length > 0) {
		ssize_t n = pwrite(fd_borrow, from, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		/* a seal keeps the file from growing, with EPERM */
		if (n <= 0)
			return n < 0 && errno != EPERM ? -errno : -EIO;
		from += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int lease_read(int fd_borrow, void *bytes, size_t length, uint64_t offset)
{
	char *to = bytes;

	while (length > 0) {
		ssize_t n = pread(fd_borrow, to, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		to += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}
