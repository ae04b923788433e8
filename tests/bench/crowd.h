/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_CROWD_H
#define TESTS_BENCH_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define CROWD_MEMBERS 24  /* connections at a time */
#define CROWD_HELD    192 /* buffers at a time */

/*
 * Clients that behave as a busy and careless machine's do: they connect, ask,
 * allocate, get refused, break the protocol, hand on, let go, and are killed.
 * Chance decides, from a seed, so that a run can be repeated.
 *
 * Written for a daemon that was started with crowd_options.
 */
struct crowd {
	const char *socket;
	uint64_t chance; /* state of the generator */
	struct member {
		int fd; /* -1: not connected */
		uint32_t serial;
		unsigned int unanswered;
	} members[CROWD_MEMBERS];
	struct {
		int fd;
		struct contig_msg_buffer facts;
	} held[CROWD_HELD];
	size_t n_held;

	/* what was done */
	uint64_t requests;
	uint64_t served;
	uint64_t refused;
	uint64_t broken; /* messages that end a connection */
	uint64_t lent;	 /* buffers */
	uint64_t connected;
	uint64_t cut;	 /* connections closed with answers unread */
	uint64_t killed; /* processes */
};

extern const char *const crowd_options[];

void crowd_init(struct crowd *crowd, const char *socket, uint64_t seed);
/* Goes on until so many requests more were sent. */
void crowd_run(struct crowd *crowd, uint64_t requests);
/* Everybody goes and lets go of everything. */
void crowd_leave(struct crowd *crowd);

#endif
