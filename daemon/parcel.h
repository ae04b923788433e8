/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PARCEL_H
#define DAEMON_PARCEL_H

#include <stddef.h>
#include <stdint.h>

/* A descriptor of some kind ("pool"); of one kind there may be several. */
struct parcel_item {
	const char *kind; /* borrowed: a constant of its backend */
	int fd;
};

/* What a memory needs besides its spec to come back in another process. */
struct parcel {
	struct parcel_item *items; /* owned, as the descriptors */
	size_t n_items;
	uint64_t *words; /* owned; what they mean is the backend's affair */
	size_t n_words;
};

/* The backend's device, which all its memories share. */
#define PARCEL_DEVICE "device"

void parcel_init(struct parcel *parcel);
void parcel_deinit(struct parcel *parcel);

/* Adds a descriptor of its own that stands for the same open file.  -ENOMEM,
 * or what duplicating gives. */
int parcel_add_dup(struct parcel *parcel, const char *kind, int fd);
/* Takes over fd where it returns 0; else -ENOMEM. */
int parcel_add_consume(struct parcel *parcel, const char *kind, int fd);

/* The first one of that kind, now the caller's; or -ENOENT. */
int parcel_take(struct parcel *parcel, const char *kind);
size_t parcel_count(const struct parcel *parcel, const char *kind);

#endif
