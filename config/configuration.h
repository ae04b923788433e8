/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_CONFIGURATION_H
#define CONFIG_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/identity.h"
#include "util/error.h"
#include "util/log.h"

/*
 * The configuration file, contigd.conf(5): INI, read with libinih.  An entry
 * that cannot be understood is reported with file, line and reason; everything
 * else still counts.
 *
 *	[daemon]
 *	socket = /run/contigd/contigd.sock
 *	socket-group = camera        ; who may connect
 *	user = contigd               ; whom root becomes
 *	log-level = info
 *	default-region = camera
 *	make-ahead = yes             ; buffers of sizes asked for lately
 *
 *	[udmabuf]
 *	allow-corrupting-kernel = no
 *
 *	[access]                     ; lists add up over several lines
 *	use = *                      ; users, @groups, numbers, * for all
 *	phys = camera, @video
 *	admin = root
 *
 *	[quota *]                    ; each uid; or a user, or a @group
 *	bytes = 64M
 *	buffers = 100
 *	connections = 8
 *
 *	[region camera]              ; a devicetree node
 *	node = camera@90000000       ; name, name without address, or path
 *	adopt = yes
 *	backend = devmem
 *	granule = 64K
 *	guard = 64K                  ; behind each buffer; no: none
 *	use = camera                 ; instead of what [access] says
 *	reserve = camera:16M         ; in any region
 *
 *	[pool video]                 ; huge pages for udmabuf
 *	size = 256M
 *	page-size = 2M
 *	granule = 64K
 *
 *	[simulate test]
 *	size = 64M
 *	granule = 4K
 *
 * What is checked here holds on every machine: a granule and a page size are
 * powers of two from 4 KiB on, the size of a pool is a multiple of its page
 * size, a simulated size one of its granule (4 KiB where there is none), and so
 * is a guard.
 */

enum config_kind {
	CONFIG_REGION,
	CONFIG_POOL,
	CONFIG_SIMULATE,
};

/* Users and groups: a list of names and numbers, resolved when read. */
struct config_principals {
	bool given;	   /* where a right's list stands in the file ... */
	unsigned int line; /* ... and its first line */
	bool everybody;
	uint32_t *uids;
	size_t n_uids;
	uint32_t *gids;
	size_t n_gids;
};

/* What a user may do. */
enum config_right {
	CONFIG_USE,   /* be lent memory */
	CONFIG_PHYS,  /* see physical addresses */
	CONFIG_ADMIN, /* see what others have */
	CONFIG_N_RIGHTS,
};

/* Who may do it. */
struct config_access {
	struct config_principals rights[CONFIG_N_RIGHTS];
};

/* How much one uid may have at a time. */
enum config_limit {
	CONFIG_BYTES,
	CONFIG_BUFFERS,
	CONFIG_CONNECTIONS,
	CONFIG_N_LIMITS,
};

#define CONFIG_UNLIMITED UINT64_MAX

/* Whom a quota is about; the first ones decide. */
enum config_holder {
	CONFIG_USER,
	CONFIG_GROUP, /* each uid that is in the group */
	CONFIG_EACH,  /* each uid */
};

struct config_quota {
	char *name; /* as it stands in the heading: a user, @group or "*" */
	enum config_holder holder;
	uint32_t id; /* of the user or group */
	unsigned int line;
	struct {
		unsigned int line; /* 0: nothing is said of it here */
		uint64_t value;	   /* CONFIG_UNLIMITED: none */
	} limits[CONFIG_N_LIMITS];
};

/* A piece of a region that only some may use. */
struct config_reservation {
	char *name; /* of the user or @group, as it is written */
	struct config_principals who;
	uint64_t size_bytes; /* not 0 */
	uint64_t below;	     /* where it must end; 0: anywhere */
	unsigned int line;
};

struct config_reservations {
	struct config_reservation *items; /* in order of the file */
	size_t n;
};

struct config_region {
	enum config_kind kind;
	char *name; /* 1 to 63 bytes of visible ASCII, unique among all */
	unsigned int line; /* of the section; 0: from the command line */

	char *node;    /* CONFIG_REGION; NULL: the name itself */
	bool adopt;    /* CONFIG_REGION; default yes */
	char *backend; /* CONFIG_REGION; NULL: devmem */

	uint64_t size_bytes;	/* CONFIG_POOL, CONFIG_SIMULATE */
	uint64_t page_bytes;	/* CONFIG_POOL; default 2 MiB */
	uint64_t granule_bytes; /* 0: the backend's default */
	uint64_t guard_bytes;	/* behind each buffer; 0: none */

	struct config_access access; /* lists here replace the daemon's */
	struct config_reservations reservations;

	uint32_t keys_given; /* bits, for description.c alone */
};

struct configuration {
	char *socket; /* NULL: not set */
	bool has_socket_group;
	uint32_t socket_group; /* gid of a socket that the daemon makes */
	bool has_user;
	struct config_identity user; /* whom root becomes */
	char *default_region;	     /* NULL: not set */
	bool has_log_level;
	enum log_level log_level;
	bool nothing_ahead; /* make-ahead = no */
	bool allow_corrupting_kernel;
	char *file; /* that was read, without its folder; NULL: none */
	struct config_access access;
	struct config_quota *quotas; /* in order of the file */
	size_t n_quotas;
	struct config_region *regions; /* in order of the file */
	size_t n_regions;
};

/* Where the daemon looks unless told otherwise. */
#define CONFIG_DEFAULT_PATH "/etc/contigd/contigd.conf"

/* Called for each thing that is wrong; text names file, line and reason. */
typedef void config_complaint_fn(void *data, const char *text);

void config_init(struct configuration *config);
void config_deinit(struct configuration *config);

/* Reads a file into config, on top of what is there.  Returns the number of
 * complaints, or a negative errno where the file cannot be read at all. */
int config_read_file(struct configuration *config, const char *path,
		     config_complaint_fn *complain, void *data,
		     struct error *why);

/* As --simulate SIZE[,granule=SIZE] and NAME=SIZE[,granule=SIZE] do; without a
 * name it is "simulated", or the first of "simulated2" and so on that is not
 * taken.  -EINVAL, -ERANGE; -EEXIST: the name is taken; -ENOMEM. */
int config_add_simulated(struct configuration *config, const char *text,
			 struct error *why);
/* As --pool NAME=SIZE[,page-size=SIZE][,granule=SIZE] does; same errors. */
int config_add_pool(struct configuration *config, const char *text,
		    struct error *why);

/* NULL where there is none of that name; borrowed. */
const struct config_region *
config_find_region(const struct configuration *config, const char *name);

/* Whom the kernel says that somebody is. */
struct config_subject {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups; /* ascending */
	size_t n_groups;
	bool by_name_only; /* quotas of groups and of all are not for him */
};

/* The section that limits somebody; NULL: none does. */
const struct config_quota *
config_find_quota(const struct configuration *config, enum config_limit limit,
		  const struct config_subject *subject);

/* True where uid, gid or one of the groups, which ascend, is on the list. */
bool config_principals_match(const struct config_principals *principals,
			     uint32_t uid, uint32_t gid, const uint32_t *groups,
			     size_t n_groups);

#endif
