/* SPDX-License-Identifier: MIT */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The wire.  One message is one datagram of a SOCK_SEQPACKET Unix socket:
 * fixed-width fields in host byte order, every padding byte named and zero.
 * PROTOCOL.md beside this file is the specification; the two say the same.
 *
 * A reply carries the opcode of its request with CONTIG_MSG_REPLY set, and
 * the request's serial; a request that fails is answered with
 * CONTIG_MSG_ERROR instead.  RELEASE alone has no reply.
 */

#define CONTIG_PROTOCOL_VERSION 1

#define CONTIG_MSG_MAX_BYTES 16384 /* largest datagram, either way */
#define CONTIG_MSG_MAX_BUFFERS 64  /* buffers, so descriptors, a message */
#define CONTIG_MSG_MAX_SIZE (UINT64_C(1) << 63) /* bytes a buffer */
#define CONTIG_MSG_REGION_BYTES 64 /* region name, NUL-terminated */
#define CONTIG_MSG_NAME_BYTES 32   /* buffer name, as DMA_BUF_SET_NAME */
#define CONTIG_MSG_BACKEND_BYTES 16
#define CONTIG_MSG_TEXT_BYTES 384

enum contig_msg_opcode {
	CONTIG_MSG_HELLO = 1,
	CONTIG_MSG_STATUS = 2,
	CONTIG_MSG_LIST_BACKENDS = 3,
	CONTIG_MSG_LIST_REGIONS = 4,
	CONTIG_MSG_LIST_BUFFERS = 5,
	CONTIG_MSG_LIST_CLIENTS = 6,
	CONTIG_MSG_OCCUPANCY = 7,
	CONTIG_MSG_ALLOC = 8,
	CONTIG_MSG_DESCRIBE = 9,
	CONTIG_MSG_CPU_BEGIN = 10,
	CONTIG_MSG_CPU_END = 11,
	CONTIG_MSG_CHECK = 12,
	CONTIG_MSG_RELEASE = 13,

	CONTIG_MSG_REPLY = 0x8000,
	CONTIG_MSG_ERROR = 0xffff,
};

/* What memory gives; a request may require any of them. */
#define CONTIG_MSG_CONTIGUOUS (UINT32_C(1) << 0) /* physically contiguous */
#define CONTIG_MSG_ISOLATED (UINT32_C(1) << 1)	 /* reaches nothing else */
#define CONTIG_MSG_DMA_BUF (UINT32_C(1) << 2)	 /* importable by drivers */
#define CONTIG_MSG_CACHED (UINT32_C(1) << 3)	 /* CPU mappings are cached */
#define CONTIG_MSG_PHYS_KNOWN (UINT32_C(1) << 4) /* address is the real one */
#define CONTIG_MSG_GUARANTEES UINT32_C(0x1f)

/* How the CPU comes to see what a device wrote, and the other way round. */
enum contig_msg_cpu_access {
	CONTIG_MSG_CPU_DIRECT = 0, /* nothing to do */
	CONTIG_MSG_CPU_IOCTL = 1,  /* DMA_BUF_IOCTL_SYNC on the descriptor */
	CONTIG_MSG_CPU_BOUNCE = 2, /* ask the daemon: CPU_BEGIN, CPU_END */
};

enum contig_msg_buffer_state {
	CONTIG_MSG_LENT = 1,
	CONTIG_MSG_DRAINING = 2,
};

#define CONTIG_MSG_READ (UINT32_C(1) << 0)  /* CPU_BEGIN/END: CPU will read */
#define CONTIG_MSG_WRITE (UINT32_C(1) << 1) /* CPU_BEGIN/END: CPU will write */

#define CONTIG_MSG_REGION_DEFAULT (UINT32_C(1) << 0)
#define CONTIG_MSG_REGION_USABLE  (UINT32_C(1) << 1) /* by this client */
#define CONTIG_MSG_REGION_BASE	  (UINT32_C(1) << 2) /* base is told */
#define CONTIG_MSG_BUFFER_PHYS (UINT32_C(1) << 0) /* phys holds an address */
#define CONTIG_MSG_BUFFER_TOLD (UINT32_C(1) << 1) /* its end needs no RELEASE */
#define CONTIG_MSG_BACKEND_SERVES (UINT32_C(1) << 0)

/* Why a request was refused; the text says it in words. */
enum contig_msg_reason {
	CONTIG_MSG_R_MALFORMED = 1,  /* the message breaks the protocol */
	CONTIG_MSG_R_VERSION = 2,    /* no common protocol version */
	CONTIG_MSG_R_ARGUMENT = 3,   /* a value is out of its range */
	CONTIG_MSG_R_NO_REGION = 4,  /* no region of that name, or none at all */
	CONTIG_MSG_R_GUARANTEE = 5,  /* no region gives what is required */
	CONTIG_MSG_R_TOO_LARGE = 6,  /* larger than the region will ever hold */
	CONTIG_MSG_R_FULL = 7,	     /* less is free than was asked for */
	CONTIG_MSG_R_FRAGMENTED = 8, /* enough is free, no run is long enough */
	CONTIG_MSG_R_CONSTRAINT = 9, /* long runs exist, none in the right place */
	CONTIG_MSG_R_QUOTA = 10,     /* a limit of this uid is reached */
	CONTIG_MSG_R_DENIED = 11,    /* policy does not allow it */
	CONTIG_MSG_R_NO_BUFFER = 12, /* no such buffer, or wrong token */
	CONTIG_MSG_R_RESOURCE = 13,  /* the daemon lacks memory or descriptors */
	CONTIG_MSG_R_BACKEND = 14,   /* the kernel refused to make the object */
};

/*
 * Starts every message.  size is that of the whole datagram.  Only an ERROR
 * may have the serial 0: it is about the connection, or about a datagram whose
 * serial could not be read, and the daemon ends the connection behind it.
 */
struct contig_msg_header {
	uint32_t size;
	uint16_t opcode;
	uint16_t zero16;
	uint32_t serial; /* chosen by the client for a request, not 0 */
	uint32_t zero32;
};

struct contig_msg_error {
	struct contig_msg_header header;
	uint32_t reason; /* enum contig_msg_reason, or one of later daemons */
	uint32_t zero;
	uint64_t requested_bytes; /* these four are 0 where they say nothing */
	uint64_t free_bytes;
	uint64_t largest_free_bytes;
	uint64_t draining_bytes;
	char text[CONTIG_MSG_TEXT_BYTES]; /* NUL-terminated */
};

struct contig_msg_hello {
	struct contig_msg_header header;
	uint32_t version_min;
	uint32_t version_max;
};

struct contig_msg_hello_reply {
	struct contig_msg_header header;
	uint32_t version;
	uint32_t zero;
};

/* Requests without arguments: STATUS. */
struct contig_msg_plain {
	struct contig_msg_header header;
};

struct contig_msg_status_reply {
	struct contig_msg_header header;
	char version[32]; /* of the daemon, NUL-terminated */
	uint64_t uptime_ms;
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t lent_bytes;
	uint64_t draining_bytes;
	uint64_t dirty_bytes; /* free, waiting to be zeroed */
	uint64_t quarantined_bytes;
	uint64_t allocations; /* buffers lent since start */
	uint64_t refusals;    /* allocations refused since start */
	uint32_t pid;
	uint32_t regions;
	uint32_t buffers;
	uint32_t clients;
};

/*
 * Lists come in pages: a request names the last key seen (0 at first), the
 * reply carries count entries with larger keys and says whether more follow.
 * Keys are the entries' ids, ascending.
 */
struct contig_msg_list {
	struct contig_msg_header header;
	uint64_t after;
};

struct contig_msg_list_reply {
	struct contig_msg_header header;
	uint32_t count;
	uint32_t more; /* 1 where entries follow after the last one */
	/* count entries */
};

struct contig_msg_backend {
	uint32_t id; /* 1, 2, ... */
	uint32_t flags;
	char name[CONTIG_MSG_BACKEND_BYTES];
	uint32_t guarantees;
	uint32_t zero;
	char text[CONTIG_MSG_TEXT_BYTES]; /* what it guarantees, or why not */
};

struct contig_msg_region {
	uint32_t id; /* 1, 2, ..., the same until the daemon ends */
	uint32_t flags;
	char name[CONTIG_MSG_REGION_BYTES];
	char backend[CONTIG_MSG_BACKEND_BYTES];
	uint64_t base; /* lowest physical address; simulated where not PHYS_KNOWN;
			  0 unless CONTIG_MSG_REGION_BASE */
	uint64_t span_bytes; /* base to the end of the highest piece, with gaps */
	uint64_t size_bytes; /* without gaps */
	uint64_t free_bytes; /* for this client, zeroed or waiting for it */
	uint64_t largest_free_bytes;
	uint64_t reserved_bytes; /* free, but for others */
	uint64_t lent_bytes;
	uint64_t draining_bytes;
	uint64_t guarding_bytes; /* in guards behind these two */
	uint64_t dirty_bytes; /* of free_bytes, those not yet zeroed */
	uint64_t quarantined_bytes; /* not lent, as somebody may have them
				       whom the daemon cannot see */
	uint64_t granule_bytes;
	uint64_t guard_bytes;	 /* behind each buffer; 0: none */
	uint64_t damaged_guards; /* found since start */
	uint32_t guarantees;
	uint32_t cpu_access; /* enum contig_msg_cpu_access */
	uint32_t buffers;
	uint32_t zero;
};

struct contig_msg_buffer {
	uint64_t id;
	uint64_t size_bytes; /* the request rounded up to whole granules */
	uint64_t phys;	     /* 0 unless CONTIG_MSG_BUFFER_PHYS */
	uint64_t device;     /* st_dev and st_ino of the descriptor */
	uint64_t inode;
	uint64_t token; /* proves possession; 0 except in the reply to ALLOC */
	uint32_t flags;
	uint32_t guarantees;
	uint32_t cpu_access;
	uint32_t state; /* enum contig_msg_buffer_state */
	uint32_t owner_uid;
	uint32_t region_id;
	char region[CONTIG_MSG_REGION_BYTES];
	char name[CONTIG_MSG_NAME_BYTES];
};

struct contig_msg_client {
	uint64_t id;
	uint64_t connected_ms; /* how long ago */
	uint64_t buffers;
	uint64_t bytes;
	uint32_t pid; /* as it was at connect */
	uint32_t uid;
	uint32_t gid;
	uint32_t zero;
};

/* Asks for a picture of a region's span in equal cells; the last is cut. */
struct contig_msg_occupancy {
	struct contig_msg_header header;
	uint32_t region_id;
	uint32_t cells; /* 1..CONTIG_MSG_MAX_CELLS */
};

struct contig_msg_occupancy_reply {
	struct contig_msg_header header;
	uint64_t base; /* as in contig_msg_region */
	uint64_t cell_bytes;
	uint32_t count; /* at most the cells asked for */
	uint32_t zero;
	/* count cells */
};

/* Bytes of each kind in one cell; what is missing to cell_bytes is a gap. */
struct contig_msg_cell {
	uint64_t free_bytes; /* clean */
	uint64_t dirty_bytes;
	uint64_t lent_bytes;
	uint64_t draining_bytes;
};

#define CONTIG_MSG_MAX_CELLS 500

struct contig_msg_alloc {
	struct contig_msg_header header;
	uint64_t size_bytes;	 /* of each buffer, at least 1 */
	uint64_t align_bytes;	 /* power of two; 0: the granule */
	uint64_t max_phys;	 /* highest address of the last byte; 0: any */
	uint64_t boundary_bytes; /* power of two not to be crossed; 0: none */
	uint32_t require;	 /* guarantees */
	uint32_t count;		 /* 1..CONTIG_MSG_MAX_BUFFERS, all or nothing */
	char region[CONTIG_MSG_REGION_BYTES]; /* empty: chosen by the daemon */
	char name[CONTIG_MSG_NAME_BYTES];     /* may be empty */
};

/* ALLOC is answered with a list reply (more is 0) of struct
 * contig_msg_buffer, and one descriptor for each, in the same order.
 * DESCRIBE is answered with a list reply of exactly one, without descriptor. */
struct contig_msg_describe {
	struct contig_msg_header header;
	uint64_t device;
	uint64_t inode;
	uint64_t token; /* 0: none is known */
};

/* CPU_BEGIN, CPU_END; answered by struct contig_msg_plain. */
struct contig_msg_cpu {
	struct contig_msg_header header;
	uint64_t buffer_id;
	uint64_t token;
	uint64_t offset_bytes;
	uint64_t length_bytes; /* at least 1 */
	uint32_t flags;	       /* CONTIG_MSG_READ, CONTIG_MSG_WRITE */
	uint32_t zero;
};

/*
 * Looks at the guards behind lent buffers, as many as one reply has room for,
 * and says which of them something wrote to; administrators only.  Pages go on
 * behind `last`, as most of them have no entries.
 */
struct contig_msg_check {
	struct contig_msg_header header;
	uint64_t after;			      /* an id; 0 at first */
	char region[CONTIG_MSG_REGION_BYTES]; /* empty: all of them */
};

struct contig_msg_check_reply {
	struct contig_msg_header header;
	uint32_t count;
	uint32_t more;	     /* 1 where there may be guards behind last */
	uint64_t last;	     /* the largest id looked at; 0: none was */
	uint32_t checked;    /* guards that were compared */
	uint32_t unreadable; /* guards that could not be, for the log to say */
			     /* count damages, of those that were compared */
};

/* One buffer whose guard is not as it should be. */
struct contig_msg_damage {
	uint64_t id;
	uint64_t size_bytes;	  /* of the buffer */
	uint64_t guard_bytes;	  /* behind it */
	uint64_t first_bytes;	  /* from the buffer's end to the first byte
				     that differs */
	uint64_t differing_bytes; /* at least 1 */
	uint64_t phys;		  /* of the first that differs; 0 unless
				     CONTIG_MSG_BUFFER_PHYS */
	uint64_t neighbour_id;	  /* the buffer behind the guard; 0: none */
	uint32_t flags;
	uint32_t owner_uid;
	uint32_t neighbour_uid;
	uint32_t region_id;
	char region[CONTIG_MSG_REGION_BYTES];
	char name[CONTIG_MSG_NAME_BYTES];
	char neighbour_name[CONTIG_MSG_NAME_BYTES];
};

/* A hint that a holder let go; not answered. */
struct contig_msg_release {
	struct contig_msg_header header;
	uint64_t buffer_id;
};

static_assert(sizeof(struct contig_msg_header) == 16, "wire size");
static_assert(sizeof(struct contig_msg_error) == 440, "wire size");
static_assert(sizeof(struct contig_msg_hello) == 24, "wire size");
static_assert(sizeof(struct contig_msg_hello_reply) == 24, "wire size");
static_assert(sizeof(struct contig_msg_plain) == 16, "wire size");
static_assert(sizeof(struct contig_msg_status_reply) == 136, "wire size");
static_assert(sizeof(struct contig_msg_list) == 24, "wire size");
static_assert(sizeof(struct contig_msg_list_reply) == 24, "wire size");
static_assert(sizeof(struct contig_msg_backend) == 416, "wire size");
static_assert(sizeof(struct contig_msg_region) == 216, "wire size");
static_assert(sizeof(struct contig_msg_buffer) == 168, "wire size");
static_assert(sizeof(struct contig_msg_client) == 48, "wire size");
static_assert(sizeof(struct contig_msg_occupancy) == 24, "wire size");
static_assert(sizeof(struct contig_msg_occupancy_reply) == 40, "wire size");
static_assert(sizeof(struct contig_msg_cell) == 32, "wire size");
static_assert(sizeof(struct contig_msg_alloc) == 152, "wire size");
static_assert(sizeof(struct contig_msg_describe) == 40, "wire size");
static_assert(sizeof(struct contig_msg_cpu) == 56, "wire size");
static_assert(sizeof(struct contig_msg_check) == 88, "wire size");
static_assert(sizeof(struct contig_msg_check_reply) == 40, "wire size");
static_assert(sizeof(struct contig_msg_damage) == 200, "wire size");
static_assert(sizeof(struct contig_msg_release) == 24, "wire size");

#endif
