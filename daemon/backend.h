/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BACKEND_H
#define DAEMON_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/space.h"
#include "util/error.h"
#include "util/list.h"

/*
 * A backend is the way in which memory is reached: a constant table of
 * functions.  It opens `struct memory` (what a region manages) and makes
 * `struct object` (the kernel object that stands for one lent run).  Adding a
 * backend touches its own file and the table in backend.c.
 *
 * Functions marked [worker] are called from the worker thread, one at a time
 * for an object or run; all others from the main thread.
 */

struct backend;
struct parcel;

/* What the memory of a region is made of; which fields count depends on the
 * backend. */
struct memory_spec {
	const char *region; /* name, for messages and objects */
	uint64_t base;	    /* devmem, simulated: first address */
	uint64_t size_bytes;
	uint64_t granule_bytes;
	uint64_t page_bytes;  /* udmabuf: size of the huge pages */
	uint64_t guard_bytes; /* behind each object; granular */
};

/* Start-up choices that are not a region's. */
struct backend_options {
	bool allow_corrupting_kernel; /* udmabuf: serve although the kernel is
					 known to map wrong pages */
	const char *devmem_path;      /* NULL: /dev/mem */
	const char *udmabuf_path;     /* NULL: /dev/udmabuf */
};

#define BACKEND_TEXT_BYTES 384

/* What start-up found out. */
struct backend_report {
	bool serves;
	uint32_t guarantees;	       /* CONTIG_MSG_CONTIGUOUS ... */
	char text[BACKEND_TEXT_BYTES]; /* what it guarantees, or why not */
};

/* Embedded first in what a backend allocates. */
struct memory {
	const struct backend *backend;
	uint32_t guarantees;  /* CONTIG_MSG_CONTIGUOUS ... */
	uint32_t cpu_access;  /* enum contig_msg_cpu_access */
	struct run *segments; /* owned; sorted by address */
	size_t n_segments;
	uint64_t guard_bytes; /* of each new object */
	bool starts_clean;    /* all zero when opened */
};

struct object {
	struct memory *memory; /* borrowed */
	struct run run;	       /* what is lent */
	uint64_t guard_bytes;  /* right behind it, and not lent */
	int fd;		       /* the daemon's own; never sent */
	uint64_t token;	       /* not 0: known to holders only, see token.h */
	dev_t device;	       /* of the descriptor that clients see */
	ino_t inode;
	unsigned int references; /* to its file that are the daemon's: fd, and
				    the one on a shelf */

	/* of one that was made ahead of any request */
	struct list link;     // bin::objects, stock::doomed, batch
	uint64_t ready_bytes; /* of pages that it was given */
	int ready_fd;	      /* lease_object.c: for its first client; -1: he
				 has it, or there is none */
	int ready_watch;      /* closings_watch() of fd; 0: there is none, or
				 it is the buffer's */
};

struct backend {
	const char *name; /* as in the configuration and on the wire */

	/* Finds out what this machine gives. */
	void (*probe)(const struct backend_options *options,
		      struct backend_report *report);

	/* Whether the memory is there before and after anybody opens it, so
	 * that what an earlier daemon lent of it may still be in use. */
	bool permanent;

	/* Opens memory: fills in struct memory.  0 or a negative errno. */
	int (*memory_open)(const struct backend_options *options,
			   const struct memory_spec *spec,
			   struct memory **memoryp, struct error *why);
	/* All objects must be gone. */
	void (*memory_close)(struct memory *memory);

	/* How memory gets into a process that may not open it: one fills a
	 * parcel with descriptors of these kinds (NULL at the end), the other
	 * makes memory of spec and parcel, of which it takes what it needs.
	 * Nothing is known of the contents: it does not start clean.  All NULL
	 * where memory_open() takes no privilege. */
	const char *const *parcel_kinds;
	int (*memory_export)(const struct backend_options *options,
			     const struct memory *memory, struct parcel *parcel,
			     struct error *why);
	int (*memory_import)(const struct memory_spec *spec,
			     struct parcel *parcel, struct memory **memoryp,
			     struct error *why);

	/* Makes the kernel object of a run that is clean and taken, and so are
	 * memory->guard_bytes behind it. */
	int (*object_new)(struct memory *memory, const struct run *run,
			  const char *name, struct object **objectp,
			  struct error *why);
	/* [worker] Makes one for a run of size_bytes that is not known yet;
	 * object->run is set by whoever takes it for one.  It is all zero, and
	 * until it is taken its object_discard() and object_free() may be
	 * called from the worker.  NULL, and so are the three below: nothing of
	 * an object can be made ahead. */
	int (*object_prepare)(struct memory *memory, uint64_t size_bytes,
			      struct object **objectp, struct error *why);
	/* [worker] Gives a part of such a one its pages, so that whoever maps
	 * it finds them there. */
	int (*object_populate)(struct object *object, uint64_t offset,
			       uint64_t length);
	/* [worker] The same for FILE_PAGES_HUGE_BYTES from a multiple of that
	 * on, as one page.  A negative errno: they have to come as small ones.
	 * What the kernel moves to make room for it may take tens of ms. */
	int (*object_populate_huge)(struct object *object, uint64_t offset);
	/* [worker] The same for at most so much, as pages that are as large as
	 * they fit.  A negative errno: as above. */
	int (*object_populate_large)(struct object *object, uint64_t offset,
				     uint64_t length);
	/* Nobody holds it any more: undoes what its holders may have left on
	 * it, so that it could stand for another buffer of the same run.  A
	 * negative errno: it cannot, and is to be freed. */
	int (*object_retire)(struct object *object);
	/* Lets one that is retired stand for another buffer, with a name and a
	 * token of its own.  Its run is clean and taken again.  A negative
	 * errno: it is to be freed.  NULL, both: an object is lent once, as
	 * something of it may outlive the verdict that nobody holds it. */
	int (*object_renew)(struct object *object, const char *name);
	/* Makes it of a descriptor that an earlier daemon had; what says all
	 * but its memory, as it was then.  The descriptor is taken over only
	 * where this returns 0.  It is believed to be what it can be seen to
	 * be: -EPROTO, it is something else; -ENOMEM; ... */
	int (*object_adopt)(struct memory *memory, const struct object *what,
			    struct object **objectp, struct error *why);
	/* Only when object_held() said 0 (or at shutdown: whoever holds it then
	 * keeps it as it is).  Of one that is retired, from the worker, too. */
	void (*object_free)(struct object *object);
	/* [worker] Gives the pages of a part of it back to the kernel, where
	 * nobody holds it: object_free() is quick then.  NULL: an object has
	 * no pages of its own. */
	int (*object_discard)(struct object *object, uint64_t offset,
			      uint64_t length);

	/* A new descriptor for a client, owned by the caller, who closes it
	 * once it is sent; or a negative errno.  The first one of a prepared
	 * object is there already. */
	int (*object_lend)(struct object *object);

	/* The kernel's evidence: 1 where anybody but the daemon holds the
	 * object, 0 where nobody does, or a negative errno (count as held). */
	int (*object_held)(struct object *object);
	/* Whether each descriptor that is lent is an open file of its own of
	 * the memfd object->fd, of whose end closings.h tells. */
	bool close_events;

	/* [worker] Makes size_bytes at phys zero; NULL where an object takes
	 * along all that was written to it.  waiting_bytes of the memory are
	 * still to be zeroed, these included. */
	int (*zero)(struct memory *memory, uint64_t phys, uint64_t size_bytes,
		    uint64_t waiting_bytes);
	/* So much of it takes no longer than a small request does, and is not
	 * worth handing over: such calls come from the main thread too. */
	uint64_t quick_zero_bytes;

	/* [worker] CONTIG_MSG_CPU_BOUNCE only: copies a range between what the
	 * client maps and the memory itself. */
	int (*copy_to_client)(struct object *object, uint64_t offset,
			      uint64_t length);
	int (*copy_from_client)(struct object *object, uint64_t offset,
				uint64_t length);

	/* [worker] Moves bytes to and from an object's guard; offset 0 is the
	 * first byte behind the run.  Both are multiples of the page size.
	 * What devices wrote is seen.  -ERANGE: not within the guard.  NULL,
	 * both: there can be no guards. */
	int (*guard_write)(struct object *object, uint64_t offset,
			   const void *bytes, size_t length);
	int (*guard_read)(struct object *object, uint64_t offset, void *bytes,
			  size_t length);
};

extern const struct backend backend_simulated;
extern const struct backend backend_udmabuf;
extern const struct backend backend_devmem;

/* All backends, NULL at the end. */
extern const struct backend *const backends[];

/* NULL where there is none of that name. */
const struct backend *backend_find(const char *name);

#endif
