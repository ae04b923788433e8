/* SPDX-License-Identifier: MIT */
#include "daemon/lease_object.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/file_pages.h"
#include "daemon/lease.h"
#include "proto/message.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * A buffer that is a memfd to its clients: with simulated memory it is all
 * there is, with /dev/mem it is the bounce buffer.  Everything that is hard
 * about it is in lease.c.
 */

/* Of a copy the guard is no part. */
static uint64_t file_bytes(const struct memory *memory, uint64_t size_bytes)
{
	return memory->cpu_access == CONTIG_MSG_CPU_BOUNCE
		       ? size_bytes
		       : size_bytes + memory->guard_bytes;
}

static int make(struct memory *memory, uint64_t size_bytes,
		struct object **objectp, struct error *why)
{
	_cleanup_free_ struct object *object = calloc(1, sizeof(*object));
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (!object)
		return error_set(why, -ENOMEM, "out of memory");
	fd = lease_create("", file_bytes(memory, size_bytes), &object->token,
			  why);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_set(why, -errno, "fstat: %s", strerror(errno));
	list_init(&object->link);
	object->memory = memory;
	object->guard_bytes = memory->guard_bytes;
	object->device = st.st_dev;
	object->inode = st.st_ino;
	object->references = 1;
	object->ready_fd = -1;
	object->fd = TAKE_FD(fd);
	*objectp = TAKE_PTR(object);
	return 0;
}

int lease_object_new(struct memory *memory, const struct run *run,
		     const char *name, struct object **objectp,
		     struct error *why)
{
	int r = make(memory, run->size_bytes, objectp, why);

	(void)name;
	if (r == 0)
		(*objectp)->run = *run;
	return r;
}

int lease_object_prepare(struct memory *memory, uint64_t size_bytes,
			 struct object **objectp, struct error *why)
{
	struct object *object;
	int r = make(memory, size_bytes, &object, why);

	if (r < 0)
		return r;
	r = lease_lend(object->fd);
	if (r < 0) {
		lease_object_free(object);
		return error_set(why, r, "cannot lend a memfd: %s",
				 strerror(-r));
	}
	object->ready_fd = r;
	*objectp = object;
	return 0;
}

int lease_object_populate(struct object *object, uint64_t offset,
			  uint64_t length)
{
	return file_pages_populate(object->fd, offset, length);
}

int lease_object_populate_huge(struct object *object, uint64_t offset)
{
	return file_pages_populate_huge(object->fd, offset);
}

int lease_object_populate_large(struct object *object, uint64_t offset,
				uint64_t length)
{
	return file_pages_populate_large(object->fd, offset, length);
}

int lease_object_adopt(struct memory *memory, const struct object *what,
		       struct object **objectp, struct error *why)
{
	uint64_t size_bytes = what->run.size_bytes;
	struct object *object;
	struct stat st;

	if (memory->cpu_access != CONTIG_MSG_CPU_BOUNCE)
		size_bytes += what->guard_bytes;
	if (fstat(what->fd, &st) < 0)
		return error_set(why, -errno, "fstat: %s", strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size_bytes ||
	    st.st_dev != what->device || st.st_ino != what->inode)
		return error_set(why, -EPROTO, "it is another file");
	if (!lease_is_sealed(what->fd))
		return error_set(why, -EPROTO, "it is not sealed");
	object = malloc(sizeof(*object));
	if (!object)
		return error_set(why, -ENOMEM, "out of memory");
	*object = *what;
	object->memory = memory;
	object->ready_fd = -1;
	object->ready_watch = 0;
	list_init(&object->link);
	*objectp = object;
	return 0;
}

void lease_object_free(struct object *object)
{
	if (!object)
		return;
	(void)fd_close(object->ready_fd);
	(void)fd_close(object->fd);
	free(object);
}

int lease_object_discard(struct object *object, uint64_t offset, uint64_t length)
{
	return file_pages_discard(object->fd, offset, length);
}

int lease_object_lend(struct object *object)
{
	return object->ready_fd >= 0 ? TAKE_FD(object->ready_fd)
				     : lease_lend(object->fd);
}

int lease_object_held(struct object *object)
{
	return lease_held(object->fd);
}

static bool is_in_guard(const struct object *object, uint64_t offset,
			size_t length)
{
	return offset <= object->guard_bytes &&
	       length <= object->guard_bytes - offset;
}

int lease_object_guard_write(struct object *object, uint64_t offset,
			     const void *bytes, size_t length)
{
	if (!is_in_guard(object, offset, length))
		return -ERANGE;
	return lease_write(object->fd, bytes, length,
			   object->run.size_bytes + offset);
}

int lease_object_guard_read(struct object *object, uint64_t offset, void *bytes,
			    size_t length)
{
	if (!is_in_guard(object, offset, length))
		return -ERANGE;
	return lease_read(object->fd, bytes, length,
			  object->run.size_bytes + offset);
}
