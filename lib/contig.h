/* SPDX-License-Identifier: MIT */
#ifndef CONTIG_H
#define CONTIG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/**
 * libcontig: physically contiguous buffers from contigd, as descriptors.
 *
 * Five lines to a mapped buffer:
 *
 *	struct contig *contig;
 *	struct contig_buffer *buffer;
 *	struct contig_request request = CONTIG_REQUEST_INIT;
 *	void *pixels;
 *
 *	request.size_bytes = 1280 * 720 * 2;
 *	if (contig_open(&contig, NULL) == 0 &&
 *	    contig_alloc(contig, &request, &buffer, NULL) == 0 &&
 *	    contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &pixels) == 0)
 *		...
 *
 * Functions return 0 (or a count, or a descriptor) on success and a negative
 * errno on failure; errno itself has no meaning.  Nothing is printed and
 * nothing is global.  A `struct contig` may be used from several threads at
 * once, except for contig_close(), which nothing may run beside; a `struct
 * contig_buffer` by one thread at a time.  A buffer outlives its connection and
 * the daemon: its descriptor and mappings stay good.  After fork(2) the child
 * may use and release buffers and close the connection, but opens its own to
 * talk to the daemon.
 *
 * Calls that talk to the daemon wait for its answer without a time limit, but
 * notice when it ends.  Where it was restarted they connect anew.  Each can
 * fail with
 *	-ECONNREFUSED, -ENOENT	nobody listens on the socket
 *	-EACCES			the socket's permissions forbid it
 *	-ECONNRESET		the daemon went away during the call; the call
 *				may or may not have had its effect, the next one
 *				connects anew
 *	-EPROTO			the peer does not speak this protocol
 *	-EMFILE, -ENFILE	no descriptor is left for a connection
 *	-ENOSPC			this user watches too many descriptors (epoll(7))
 *	-ENOMEM			this process or the kernel is out of memory
 *	-ENOTCONN		a buffer needs the daemon after contig_close(),
 *				or the connection is the parent process's
 *	-EDQUOT, -EIO		the daemon turns connections away: too many of
 *				this user, or it lacks resources
 * The errors listed at a function come on top of these.
 */

struct contig;
struct contig_buffer;

/** What memory gives.  In a request: what it must give. */
#define CONTIG_CONTIGUOUS (UINT32_C(1) << 0) /**< physically contiguous */
#define CONTIG_ISOLATED (UINT32_C(1) << 1)   /**< reaches nothing else */
#define CONTIG_DMA_BUF (UINT32_C(1) << 2)    /**< drivers can import it */
#define CONTIG_CACHED (UINT32_C(1) << 3)     /**< CPU mappings are cached */
#define CONTIG_PHYS_KNOWN (UINT32_C(1) << 4) /**< the address is a real one */

/** Directions of CPU access and protections of a mapping. */
#define CONTIG_READ (UINT32_C(1) << 0)
#define CONTIG_WRITE (UINT32_C(1) << 1)

/** Room for names, with their NUL. */
#define CONTIG_REGION_BYTES 64
#define CONTIG_NAME_BYTES 32
#define CONTIG_TEXT_BYTES 384

/**
 * Why an allocation was refused.  A later daemon may have further reasons;
 * their number is passed on, the error is -EIO, and the text explains.
 */
enum contig_reason {
	CONTIG_REASON_NONE = 0, /**< not by the daemon: see error and text */
	CONTIG_REASON_MALFORMED = 1,
	CONTIG_REASON_VERSION = 2,
	CONTIG_REASON_ARGUMENT = 3,
	CONTIG_REASON_NO_REGION = 4,
	CONTIG_REASON_GUARANTEE = 5,
	CONTIG_REASON_TOO_LARGE = 6,
	CONTIG_REASON_FULL = 7,
	CONTIG_REASON_FRAGMENTED = 8,
	CONTIG_REASON_CONSTRAINT = 9,
	CONTIG_REASON_QUOTA = 10,
	CONTIG_REASON_DENIED = 11,
	CONTIG_REASON_NO_BUFFER = 12,
	CONTIG_REASON_RESOURCE = 13,
	CONTIG_REASON_BACKEND = 14,
};

/** A failure in words; the figures are 0 where they say nothing. */
struct contig_failure {
	int error;		    /**< the negative errno returned */
	enum contig_reason reason;
	uint64_t requested_bytes;
	uint64_t free_bytes;	    /**< in the region that came closest */
	uint64_t largest_free_bytes; /**< its longest free run */
	uint64_t draining_bytes;    /**< released, but still held by somebody */
	char text[CONTIG_TEXT_BYTES]; /**< a sentence, NUL-terminated */
};

/** What is asked for.  Start from CONTIG_REQUEST_INIT.  May grow at its end. */
struct contig_request {
	size_t struct_bytes;	 /**< set by CONTIG_REQUEST_INIT */
	uint64_t size_bytes;	 /**< of each buffer, 1 .. 2^63 */
	uint64_t align_bytes;	 /**< power of two; 0: the region's granule */
	uint64_t max_phys;	 /**< highest physical address that the last byte
				      may have, as a device's DMA mask;
				      0: any */
	uint64_t boundary_bytes; /**< power of two whose multiples the buffer
				      must not cross, at least its size;
				      0: none */
	uint32_t require;	 /**< CONTIG_CONTIGUOUS ...; 0: nothing */
	const char *region;	 /**< NULL: the default region; with require
				      any region that gives all of it, the
				      default one first */
	const char *name;	 /**< shown by tools, at most 31 bytes of
				      printable ASCII; may be NULL */
};

#define CONTIG_REQUEST_INIT                                                    \
	{                                                                      \
		sizeof(struct contig_request), 0, 0, 0, 0, 0, NULL, NULL       \
	}

/** A buffer's facts. */
struct contig_buffer_info {
	uint64_t id;	     /**< unique while the daemon's state lives */
	uint64_t size_bytes; /**< the request rounded up to whole granules */
	uint64_t phys;	     /**< valid where has_phys */
	int has_phys;	     /**< 0: not known, or not allowed to this user */
	uint32_t guarantees; /**< CONTIG_CONTIGUOUS ... */
	uid_t owner_uid;
	int draining; /**< 1: released or orphaned, but still held */
	char region[CONTIG_REGION_BYTES];
	char name[CONTIG_NAME_BYTES];
};

/** A region's facts. */
struct contig_region_info {
	char name[CONTIG_REGION_BYTES];
	char backend[16];    /**< "udmabuf", "devmem", "simulated", ... */
	uint64_t base;	     /**< lowest address, valid where has_base; simulated
				  where guarantees lack CONTIG_PHYS_KNOWN */
	int has_base;	     /**< 0: not allowed to this user */
	uint64_t span_bytes; /**< from base to the end, gaps included */
	uint64_t size_bytes; /**< without gaps */
	uint64_t free_bytes; /**< that this user could be lent */
	uint64_t largest_free_bytes;
	uint64_t reserved_bytes; /**< free as well, but only for others */
	uint64_t lent_bytes;
	uint64_t draining_bytes;
	uint64_t guarding_bytes; /**< in guards behind these two */
	uint64_t dirty_bytes; /**< of free_bytes and reserved_bytes, those not
				   yet zeroed */
	uint64_t quarantined_bytes; /**< not lent: an earlier daemon lent them,
				       and nothing tells whether somebody still
				       has them */
	uint64_t granule_bytes;
	uint64_t guard_bytes;	 /**< behind each buffer; 0: none */
	uint64_t damaged_guards; /**< that something wrote to, found since
				      start */
	uint32_t guarantees;
	uint32_t buffers;
	int is_default;
	int usable; /**< 1: the policy lets this user use it */
};

/** The daemon's facts. */
struct contig_status {
	char version[32];
	pid_t pid;
	uint64_t uptime_ms;
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t lent_bytes;
	uint64_t draining_bytes;
	uint64_t dirty_bytes;
	uint64_t quarantined_bytes; /**< as in struct contig_region_info */
	uint64_t allocations; /**< buffers lent since start */
	uint64_t refusals;    /**< allocations refused since start */
	uint32_t regions;
	uint32_t buffers;
	uint32_t clients;
};

/** One kind of memory, as the daemon found it at start-up. */
struct contig_backend_info {
	char name[16];
	int serves;	     /**< 1 where it can be used on this machine */
	uint32_t guarantees; /**< where it serves */
	char text[CONTIG_TEXT_BYTES]; /**< what it guarantees, or why not */
};

/** One connection to the daemon. */
struct contig_client_info {
	pid_t pid; /**< as it was at connect */
	uid_t uid;
	gid_t gid;
	uint64_t connected_ms; /**< how long ago */
	uint64_t buffers;
	uint64_t bytes;
};

/** Bytes of each kind in one cell of a region's span; the guard behind a buffer
 * counts as the buffer does; the rest is a gap, quarantined, or behind the end. */
struct contig_cell {
	uint64_t free_bytes;
	uint64_t dirty_bytes;
	uint64_t lent_bytes;
	uint64_t draining_bytes;
};

/** A guard that something wrote to. */
struct contig_damage {
	uint64_t id;		  /**< of the buffer in front of the guard */
	uint64_t size_bytes;	  /**< of that buffer */
	uint64_t guard_bytes;	  /**< behind it */
	uint64_t first_bytes;	  /**< from the buffer's end to the first byte
				       that differs */
	uint64_t differing_bytes; /**< at least 1 */
	uint64_t phys; /**< of the first that differs, where has_phys */
	int has_phys;  /**< 0: not known, or not allowed to this user */
	uid_t owner_uid;
	uint64_t neighbour_id; /**< the buffer behind the guard; 0: none */
	uid_t neighbour_uid;
	char region[CONTIG_REGION_BYTES];
	char name[CONTIG_NAME_BYTES];
	char neighbour_name[CONTIG_NAME_BYTES];
};

/** What looking at guards came to. */
struct contig_check_result {
	uint64_t checked;    /**< guards that were compared */
	uint64_t damaged;    /**< of these, those that something wrote to */
	uint64_t unreadable; /**< guards that could not be compared; the
				  daemon's log says why */
};

/* ---- connection ------------------------------------------------------- */

/**
 * Connects to the daemon.
 * @contigp: receives the connection, which the caller ends by contig_close().
 * @socket_path: the daemon's socket; NULL takes the environment variable
 *	CONTIG_SOCKET (ignored in set-user-ID programs), else the built-in
 *	/run/contigd/contigd.sock.
 *
 * -ENAMETOOLONG: the path does not fit a socket address (107 bytes).
 */
int contig_open(struct contig **contigp, const char *socket_path);

/** Ends a connection; buffers stay valid.  NULL is allowed.  Returns NULL. */
struct contig *contig_close(struct contig *contig);

/**
 * The descriptor to poll for POLLIN in somebody else's event loop; call
 * contig_dispatch() when it is readable.  It belongs to the connection, does
 * not change while that lives, and must not be read or closed.
 */
int contig_poll_fd(const struct contig *contig);

/**
 * Handles what has arrived, calling the callbacks of contig_alloc_start().
 * Does not wait for the daemon.  Returns the number of callbacks called, which
 * may be 0 although the descriptor was readable.  Cannot fail: calls that the
 * daemon left behind get their callback with -ECONNRESET.
 */
int contig_dispatch(struct contig *contig);

/* ---- allocation ------------------------------------------------------- */

/**
 * Allocates one buffer.
 * @bufferp: receives the buffer, to be freed by contig_release().
 * @failure: filled on failure; may be NULL.
 *
 * -EINVAL: an argument is out of range, a name is too long or not printable
 *	ASCII, or request was not started from CONTIG_REQUEST_INIT
 * -E2BIG: request was made for a later libcontig and uses what it added
 * -ENODEV: no region of that name, or none gives what is required
 * -ENOMEM: no room: failure->reason says whether full, fragmented, or out of
 *	reach of the constraints (or this process is out of memory)
 * -EFBIG: larger than the region
 * -EDQUOT, -EACCES: a quota or the policy forbids it
 * -EMFILE: the descriptor could not be received; the buffer went back
 * -EIO: the daemon or its kernel could not make the buffer
 */
int contig_alloc(struct contig *contig, const struct contig_request *request,
		 struct contig_buffer **bufferp,
		 struct contig_failure *failure);

/**
 * Allocates count equal buffers, all or none, in one round trip for each 64.
 * What is used together is best asked for together: it is placed so that it
 * leaves one hole and not many when it is freed together.
 * @count: at least 1.
 * @buffers: an array of count pointers, filled only on success; each buffer is
 *	freed by contig_release().
 * Errors as for contig_alloc(); -EINVAL also where count is 0.
 */
int contig_alloc_many(struct contig *contig,
		      const struct contig_request *request, size_t count,
		      struct contig_buffer **buffers,
		      struct contig_failure *failure);

/**
 * Called by contig_dispatch() when an allocation is answered.
 * @result: 0, or a negative errno as for contig_alloc().
 * @buffers, @count: on success, buffers that now belong to the callback; the
 *	array itself is the library's and ends with the call.
 * @failure: on failure, why; else NULL.  The library's, ends with the call.
 * The callback may use the connection, except for contig_close().
 */
typedef void contig_alloc_fn(void *data, int result,
			     struct contig_buffer *const *buffers, size_t count,
			     const struct contig_failure *failure);

/**
 * As contig_alloc_many(), without waiting for the answer: the callback is
 * called from contig_dispatch(), exactly once, unless the connection is closed
 * first.  Waits for the daemon only where it has to connect anew, or where the
 * socket has no room for one more request.
 * @count: 1 .. 64.
 * @data: passed to the callback.
 *
 * -EINVAL, -E2BIG: as for contig_alloc(), or count is out of range; nothing was
 *	sent and the callback is not called.  Refusals come to the callback.
 */
int contig_alloc_start(struct contig *contig,
		       const struct contig_request *request, size_t count,
		       contig_alloc_fn *callback, void *data);

/**
 * Frees a buffer object: unmaps what contig_map() mapped, closes the
 * descriptor, and tells the daemon, where it is connected, to look whether
 * others still hold it.  NULL is allowed.  Returns NULL.  The memory returns to
 * its region when the last holder in any process is gone, told or not.
 *
 * Nothing is sent where the kernel tells the daemon and contig_fd() was never
 * called, as nobody else can have the buffer then but children of fork(2).  What
 * these still hold counts as lent, and not as draining.  Whether sent or told,
 * the next request finds the memory back.
 */
struct contig_buffer *contig_release(struct contig_buffer *buffer);

/* ---- a buffer --------------------------------------------------------- */

/**
 * The descriptor; it belongs to the buffer.  dup(2) or send it to share: from
 * now on contig_release() reckons with other holders.
 */
int contig_fd(struct contig_buffer *buffer);

/** Size in bytes: the request rounded up to whole granules. */
uint64_t contig_size(const struct contig_buffer *buffer);

/**
 * The physical address of the first byte.
 * @physp: receives it; left alone on failure.
 *
 * -ENODATA: this kind of memory has no known address
 * -EACCES: the policy hides addresses from this user
 */
int contig_phys(const struct contig_buffer *buffer, uint64_t *physp);

/** CONTIG_CONTIGUOUS ... of this buffer. */
uint32_t contig_guarantees(const struct contig_buffer *buffer);

/** All facts of the buffer, as they were when it was allocated or imported. */
void contig_info(const struct contig_buffer *buffer,
		 struct contig_buffer_info *info);

/**
 * Maps the whole buffer, shared, with all its pages, so that none is faulted in
 * when it is first touched; a second call returns the same address where access
 * is not more than before.
 * @access: CONTIG_READ, CONTIG_WRITE or both.
 * @addrp: receives the address; valid until contig_unmap() or
 *	contig_release().
 *
 * -EINVAL: access is empty or has unknown bits
 * -EBUSY: mapped already with less access
 * -EACCES, -ENOMEM, -EOVERFLOW: as mmap(2)
 */
int contig_map(struct contig_buffer *buffer, uint32_t access, void **addrp);

/** Unmaps; harmless where nothing is mapped. */
void contig_unmap(struct contig_buffer *buffer);

/**
 * Brackets CPU access to a buffer that devices use too: after
 * contig_begin_cpu() the CPU sees what devices wrote, after contig_end_cpu()
 * devices see what the CPU wrote.  Call them whatever the memory is: where there
 * is nothing to do they cost nothing.  For bounced memory (backend "devmem")
 * this is where bytes move: begin brings what devices wrote, for CONTIG_WRITE
 * alone as well, so that bytes left alone keep their value; end takes the whole
 * range back where CONTIG_WRITE is set.
 * @access: CONTIG_READ, CONTIG_WRITE or both; the same at begin and end.
 *
 * Only bounced memory needs the daemon, and so has the errors of calls to it.
 * -EINVAL: access is empty or has unknown bits
 * -ENOENT: the daemon no longer knows the buffer
 * -EIO: the kernel refused the synchronisation
 */
int contig_begin_cpu(struct contig_buffer *buffer, uint32_t access);
int contig_end_cpu(struct contig_buffer *buffer, uint32_t access);

/** As above for a part, the same at begin and end: offset + length must not
 * exceed the size (-ERANGE).  A dma-buf is always synchronised whole. */
int contig_begin_cpu_range(struct contig_buffer *buffer, uint32_t access,
			   uint64_t offset_bytes, uint64_t length_bytes);
int contig_end_cpu_range(struct contig_buffer *buffer, uint32_t access,
			 uint64_t offset_bytes, uint64_t length_bytes);

/* ---- descriptors from others ------------------------------------------ */

/**
 * Tells what buffer a descriptor is that somebody else passed on.  The
 * descriptor itself is not sent to the daemon; that this process holds it is
 * proven by the name that /proc/self/fd shows.
 *
 * -EBADF: not an open descriptor
 * -ENOENT: not a buffer of this daemon; or one of another user, and the proof
 *	cannot be had: /proc is not mounted, or a holder has renamed the dma-buf
 */
int contig_describe(struct contig *contig, int fd,
		    struct contig_buffer_info *info);

/**
 * Makes a buffer object of such a descriptor, to map it and bracket CPU access
 * as its first owner does.
 * @fd: duplicated; the caller keeps and closes its own.
 * @bufferp: receives the buffer, to be freed by contig_release().
 *
 * Errors as for contig_describe(), and
 * -EMFILE: no descriptor is left for the duplicate
 * -EIO: bounced memory of this user, and /proc, without which no bytes are
 *	moved, is not mounted
 */
int contig_import(struct contig *contig, int fd,
		  struct contig_buffer **bufferp);

/* ---- facts ------------------------------------------------------------- */

/** The daemon's status. */
int contig_get_status(struct contig *contig, struct contig_status *status);

/** Lists: @arrayp receives an array of *countp entries, which the caller frees
 * with free(3); NULL where there are none.  Both are left alone on failure. */
int contig_list_backends(struct contig *contig,
			 struct contig_backend_info **arrayp, size_t *countp);
int contig_list_regions(struct contig *contig,
			struct contig_region_info **arrayp, size_t *countp);

/** The caller's own buffers; all buffers for an administrator. */
int contig_list_buffers(struct contig *contig,
			struct contig_buffer_info **arrayp, size_t *countp);

/** The caller's own connections; all of them for an administrator. */
int contig_list_clients(struct contig *contig,
			struct contig_client_info **arrayp, size_t *countp);

/**
 * How a region is occupied, as a row of equal cells over its span.
 * @cells: an array of *countp cells; at most 500 are filled at a time.
 * @countp: cells wanted; receives the number filled.
 * @cell_bytes: receives the size of a cell in bytes; may be NULL.
 *
 * -ENODEV: no region of that name
 * -EINVAL: *countp is 0
 */
int contig_occupancy(struct contig *contig, const char *region,
		     struct contig_cell *cells, size_t *countp,
		     uint64_t *cell_bytes);

/**
 * Compares the guards behind all buffers that are lent, where the daemon's
 * configuration asks for guards, and lists those that something wrote to.  For
 * administrators.
 * @region: its name; NULL: all regions.
 * @result: receives how many there were; may be NULL.
 * @arrayp: receives an array of *countp entries, which the caller frees with
 *	free(3); NULL where there are none.  May be NULL, and countp then too.
 * All three are left alone on failure.
 *
 * -ENODEV: no region of that name
 * -EACCES: the policy does not make this user an administrator
 * -EIO: the daemon is out of memory
 */
int contig_check(struct contig *contig, const char *region,
		 struct contig_check_result *result,
		 struct contig_damage **arrayp, size_t *countp);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
