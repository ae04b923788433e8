/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_PEER_H
#define TESTS_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What contigd's allocator is compared with: allocators of consecutive granules
 * as they were published, each our own code written from its description, and
 * contigd's own behind the same functions.  All of them keep their books
 * outside of the memory that they manage, as it may be a device's.
 *
 * Granules are counted from 0.  A peer's granules are all free at first.
 */

#define PEER_NONE	   UINT64_MAX
#define PEER_GRANULE_BYTES 4096
#define PEER_MAX_GRANULES  (UINT64_C(1) << 31)
#define PEER_MAX_ROW	   64

struct peer {
	const char *name; /* as in tables and plots */

	/* The state of one for 1 to PEER_MAX_GRANULES granules; NULL where
	 * there is no memory for it. */
	void *(*new)(uint64_t granules);
	/* NULL as well; returns NULL. */
	void *(*destroy)(void *state);

	/* When what alloc() gives next will be given back, in any unit; before
	 * each alloc().  NULL: it does not ask for the impossible. */
	void (*expect_end)(void *state, uint64_t turn);
	/* The first of size granules, a multiple of align granules, which are
	 * taken then; PEER_NONE where it finds none.  size is at least 1, align
	 * a power of two, 1 for any place. */
	uint64_t (*alloc)(void *state, uint64_t size, uint64_t align);
	/* The same count times over, for those that place what is asked for
	 * together by a rule of its own; how many it found, at most count and
	 * PEER_MAX_ROW.  NULL: it has no such rule. */
	uint64_t (*alloc_row)(void *state, uint64_t count, uint64_t size,
			      uint64_t *starts);
	/* Gives back exactly what alloc() gave. */
	void (*free)(void *state, uint64_t start, uint64_t size);
};

/* alloc_row() where there is one, else alloc() count times; count is 1 to
 * PEER_MAX_ROW.  All or none: false where one finds no place. */
bool peer_alloc_row(const struct peer *peer, void *state, uint64_t count,
		    uint64_t size, uint64_t *starts);

extern const struct peer peer_contigd;
extern const struct peer peer_first_fit;
extern const struct peer peer_next_fit;
extern const struct peer peer_summary;
extern const struct peer peer_tlsf;

/* Not an allocator, and not among all of them: see there. */
extern const struct peer peer_clairvoyant;

/* All of them, contigd first. */
extern const struct peer *const peers[];
extern const size_t n_peers;

#endif
