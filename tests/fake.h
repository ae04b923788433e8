/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/region.h"
#include "daemon/space.h"

/*
 * A backend whose every answer the test decides: who holds an object, what
 * fails and when.  Its descriptors are real ones, so that the harness finds
 * those that are not closed.
 */
struct fake {
	struct memory memory; /* must be first: what regions are made of */
	struct backend backend;
	struct run segments[4];
	uint64_t ticket; /* for region_spec::ticketp */

	/* how often things are to succeed before they fail; SIZE_MAX: always */
	size_t objects_left;
	size_t lends_left;
	int failure; /* what fails then, a negative errno */
	int zero_result;
	int copy_result;
	int guard_result;
	const struct object *bad_guard; /* whose guard fails with that; NULL:
					   all do */
	bool hold_new;	 /* what object_held() says of new objects */
	int held_result; /* where not 0: of all objects, an errno */

	/* what happened; zeroing and copying are entered by another thread */
	size_t n_objects; /* freed by either thread */
	size_t n_asked;	  /* calls of object_held() */
	pthread_mutex_t lock;
	uint64_t zeroed_bytes;
	size_t n_zeroed;
	uint64_t most_waiting_bytes; /* with what was to be zeroed */
	uint64_t copied_bytes;	     /* both ways */
	size_t n_copied;
	uint64_t largest_step;
	uint64_t discarded_bytes; /* see fake_can_discard() */
	size_t n_guarded;	  /* slices of guards, filled or read */

	/* of fake_can_renew() */
	int retire_result;
	int renew_result;
	size_t n_retired;
	size_t n_renewed;
};

/* Segments as in struct memory; it is clean where clean says so. */
void fake_init(struct fake *fake, const struct run *segments, size_t n_segments,
	       bool clean);
void fake_deinit(struct fake *fake);

/* One segment of size_bytes at 4 GiB in granules of 4 KiB, as a region of that
 * name and id that is the default where id is 1. */
struct region *fake_region(struct fake *fake, uint32_t id, const char *name,
			   uint64_t size_bytes, bool clean);

/* As above, with a guard behind each object, whose bytes the test may change:
 * fake_guard() is where they are. */
struct region *fake_guarded_region(struct fake *fake, uint64_t size_bytes,
				   uint64_t guard_bytes);
unsigned char *fake_guard(struct object *object);

/* Its objects can be lent again, and have a larger token then. */
void fake_can_renew(struct fake *fake);

/* Its objects have pages of their own. */
void fake_can_discard(struct fake *fake);

/* Whether somebody holds the object. */
void fake_set_held(struct object *object, bool held);

#define FAKE_BASE    (UINT64_C(1) << 32)
#define FAKE_GRANULE UINT64_C(4096)

#endif
