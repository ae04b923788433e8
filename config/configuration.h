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
 *
 *	[udmabuf]
 *	allow-corrupting-kernel = no
 *
 *	[access]                     ; lists add up over several lines
 *	phys = camera, @video        ; users, @groups, numbers, * for all
 *	admin = root
 *
 *	[region camera]              ; a devicetree node
 *	node = camera@90000000       ; name, name without address, or path
 *	adopt = yes
 *	backend = devmem
 *	granule = 64K
 *	guard = 64K                  ; behind each buffer; no: none
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
	bool everybody;
	uint32_t *uids;
	size_t n_uids;
	uint32_t *gids;
	size_t n_gids;
};

/* A piece of a region that only some may use. */
struct config_reservation {
	char *name; /* of the user or @group, as it is written */
	struct config_principals who;
	uint64_t size_bytes; /* not 0 */
	uint64_t below;	     /* where it must end; 0: anywhere */
	unsigned int line;
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
	bool allow_corrupting_kernel;
	struct config_principals phys;
	struct config_principals admin;
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

/* True where uid, gid or one of the groups, which ascend, is on the list. */
bool config_principals_match(const struct config_principals *principals,
			     uint32_t uid, uint32_t gid, const uint32_t *groups,
			     size_t n_groups);

#endif
