/* SPDX-License-Identifier: MIT */
#include "daemon/custody.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/description.h"
#include "daemon/deed.h"
#include "daemon/manager.h"
#include "util/cleanup.h"

/*
 * In the manager's store a region NAME consists of
 *
 *	region-NAME.deed	what it is (deed.h)
 *	region-NAME.KIND	descriptors as its backend packs them
 *	device-BACKEND		the device, once for all regions of a backend
 *
 * and what the backends said when they were probed is `probes`.  The device is
 * there once because a manager on a kernel without kcmp(2) takes two
 * descriptors of one device for the same and drops the second.  `roll-NUMBER` is
 * the seal of the list of all that (roll.h).
 *
 * The deed goes last, so a region whose deed has arrived is complete.  A name
 * that is used again is forgotten first: of a region that was left by a process
 * that ended halfway, nothing may be mixed with the next try.
 *
 * The manager's names have no colons, a region's may: they are written as %3a.
 */

#define DEED   "deed"
#define PROBES "probes"

struct name {
	char text[MANAGER_NAME_BYTES];
};

/* "region-NAME.KIND": at most 7 + 3 * 63 + 1 + a short word. */
static const char *region_name(struct name *name, const char *region,
			       const char *kind)
{
	char escaped[3 * CONFIG_NAME_BYTES], *to = escaped;

	for (const char *from = region; *from; from++)
		if (*from == ':' || *from == '%')
			to += sprintf(to, "%%%02x", (unsigned char)*from);
		else
			*to++ = *from;
	*to = '\0';
	(void)snprintf(name->text, sizeof(name->text), "region-%s.%s", escaped,
		       kind);
	return name->text;
}

static const char *device_name(struct name *name, const struct backend *backend)
{
	(void)snprintf(name->text, sizeof(name->text), "device-%s",
		       backend->name);
	return name->text;
}

static bool is_device(const char *kind)
{
	return strcmp(kind, PARCEL_DEVICE) == 0;
}

static const char *kind_name(struct name *name, const struct tract *tract,
			     const char *kind)
{
	return is_device(kind) ? device_name(name, tract->backend)
			       : region_name(name, tract->name, kind);
}

static int forget(const struct tract *tract)
{
	const char *const *kind = tract->backend->parcel_kinds;
	struct name name;
	int r;

	r = manager_forget(region_name(&name, tract->name, DEED));
	for (; r == 0 && kind && *kind; kind++)
		r = manager_forget(kind_name(&name, tract, *kind));
	return r;
}

void custody_withdraw(const struct tract *tract)
{
	(void)forget(tract);
}

static int leave_parcel(const struct tract *tract, const struct parcel *parcel)
{
	struct name name;
	int r = 0;

	for (size_t i = 0; r == 0 && i < parcel->n_items; i++)
		r = manager_store(kind_name(&name, tract,
					    parcel->items[i].kind),
				  parcel->items[i].fd);
	return r;
}

int custody_leave(const struct tract *tract,
		  const struct backend_options *options, struct error *why)
{
	_cleanup_(parcel_deinit) struct parcel parcel;
	_cleanup_fd_ int deed_fd = -1;
	struct name name;
	int r;

	parcel_init(&parcel);
	r = tract_pack(tract, options, &parcel, why);
	if (r < 0)
		return error_prefix(why, r, "region '%s'", tract->name);
	deed_fd = deed_write(tract, &parcel, why);
	if (deed_fd < 0)
		return error_prefix(why, deed_fd, "region '%s'", tract->name);
	r = forget(tract);
	if (r == 0)
		r = leave_parcel(tract, &parcel);
	if (r == 0)
		r = manager_store(region_name(&name, tract->name, DEED),
				  deed_fd);
	if (r < 0)
		return error_set(why, r,
				 "region '%s' cannot be left with the service "
				 "manager: %s",
				 tract->name, strerror(-r));
	return 0;
}

int custody_leave_probes(const struct probes *probes, struct error *why)
{
	_cleanup_fd_ int fd = probes_write(probes, why);
	int r;

	if (fd < 0)
		return fd;
	r = manager_forget(PROBES);
	if (r == 0)
		r = manager_store(PROBES, fd);
	if (r < 0)
		return error_set(why, r,
				 "what the backends said cannot be left with "
				 "the service manager: %s",
				 strerror(-r));
	return 0;
}

static const char *seal_name(struct name *name, uint64_t number)
{
	(void)snprintf(name->text, sizeof(name->text), "roll-%" PRIu64, number);
	return name->text;
}

int custody_leave_seal(uint64_t number, int seal_fd, struct error *why)
{
	struct name name;
	int r = manager_store(seal_name(&name, number), seal_fd);

	if (r < 0)
		return error_set(why, r,
				 "the seal of what was prepared cannot be left "
				 "with the service manager: %s",
				 strerror(-r));
	return 0;
}

void custody_withdraw_seal(uint64_t number)
{
	struct name name;

	(void)manager_forget(seal_name(&name, number));
}

/* The place of the first deed, or the number of all. */
static size_t find_deed(const struct inheritance *inheritance)
{
	const size_t suffix = strlen("." DEED);
	size_t i;

	for (i = 0; i < inheritance->n; i++) {
		const char *name = inheritance->items[i].name;
		size_t length = strlen(name);

		if (strncmp(name, "region-", strlen("region-")) == 0 &&
		    length > suffix &&
		    strcmp(name + length - suffix, "." DEED) == 0)
			break;
	}
	return i;
}

/* What there is of a kind; that there is too little is the backend's to say. */
static int gather(struct inheritance *inheritance, const struct tract *tract,
		  const char *kind, struct parcel *parcel)
{
	struct name name;
	int fd, r = 0;

	(void)kind_name(&name, tract, kind);
	if (is_device(kind)) {
		fd = inheritance_get(inheritance, name.text);
		return fd < 0 ? 0 : parcel_add_dup(parcel, kind, fd);
	}
	while (r == 0 && (fd = inheritance_take(inheritance, name.text)) >= 0) {
		r = parcel_add_consume(parcel, kind, fd);
		if (r < 0)
			(void)fd_close(fd);
	}
	return r;
}

static int open_tract(struct inheritance *inheritance,
		      const struct backend_options *options,
		      struct tract *tract, struct parcel *parcel,
		      struct error *why)
{
	const char *const *kind = tract->backend->parcel_kinds;

	for (; kind && *kind; kind++) {
		int r = gather(inheritance, tract, *kind, parcel);

		if (r < 0)
			return error_set(why, r, "%s", strerror(-r));
	}
	return tract_unpack(tract, options, parcel, why);
}

int custody_claim(struct inheritance *inheritance,
		  const struct backend_options *options, struct tract **tractp,
		  struct error *why)
{
	_cleanup_(parcel_deinit) struct parcel parcel;
	_cleanup_(tract_freep) struct tract *tract = NULL;
	size_t at = find_deed(inheritance);
	_cleanup_fd_ int fd = -1;
	struct name name, expected;
	int r;

	parcel_init(&parcel);
	if (at == inheritance->n)
		return 0;
	(void)snprintf(name.text, sizeof(name.text), "%s",
		       inheritance->items[at].name);
	fd = inheritance_take_at(inheritance, at);
	r = deed_read(fd, &tract, &parcel, why);
	if (r == 0 &&
	    strcmp(name.text, region_name(&expected, tract->name, DEED)) != 0)
		r = error_set(why, -EPROTO, "this is the deed of '%s'",
			      tract->name);
	if (r == 0)
		r = open_tract(inheritance, options, tract, &parcel, why);
	if (r)
		return error_prefix(why, r < 0 ? r : -EPROTO,
				    "%s from the service manager", name.text);
	*tractp = TAKE_PTR(tract);
	return 1;
}

int custody_claim_probes(struct inheritance *inheritance, struct probes *probes,
			 struct error *why)
{
	_cleanup_fd_ int fd = inheritance_take(inheritance, PROBES);
	int r;

	if (fd < 0)
		return 0;
	r = probes_read(probes, fd, why);
	if (r)
		return error_prefix(why, r < 0 ? r : -EPROTO,
				    PROBES " from the service manager");
	return 1;
}
