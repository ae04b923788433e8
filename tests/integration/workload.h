/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_WORKLOAD_H
#define TESTS_INTEGRATION_WORKLOAD_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WORKLOAD_CLIENTS 4
#define WORKLOAD_BUFFERS 24    /* that one client holds at most, others' too */
#define WORKLOAD_UID	 30000 /* of the first client, where it takes root */

/* One buffer that a client holds. */
struct workload_claim {
	_Atomic uint64_t id; /* 0: none */
	_Atomic uint64_t size_bytes;
	_Atomic uint32_t owner_uid;
};

/* What one client says of itself. */
struct workload_desk {
	pid_t pid;
	uint32_t uid;
	int passing[2]; /* where its neighbour passes buffers on to it */
	sem_t resume;
	struct workload_claim claims[WORKLOAD_BUFFERS];
	_Atomic uint64_t steps;
	_Atomic uint64_t allocations;
	_Atomic uint64_t passed;   /* buffers that came from its neighbour */
	_Atomic uint64_t resets;   /* calls that the daemon's end has cut */
	_Atomic uint64_t refusals; /* for lack of memory */
	char fault[256];	   /* what was wrong; empty: nothing */
};

/*
 * Client processes of several users that allocate, write patterns and check
 * them, pass buffers on to one another, and release them, for as long as they
 * are let, whatever the daemon does meanwhile.  Shared by all of them.
 */
struct workload {
	char socket[64];
	uint64_t seed;
	_Atomic bool pausing;
	_Atomic bool ending;
	sem_t paused; /* posted by each that has */
	struct workload_desk desks[WORKLOAD_CLIENTS];
};

struct workload *workload_new(const char *socket, uint64_t seed);
/* They let go of all and end, or are killed; none may have found a fault. */
void workload_free(struct workload *workload, bool kill);

/* Fails the test where a client has found a fault or died. */
void workload_check(struct workload *workload);

/* Each holds still behind its next step, and what is on its way between two is
 * dropped; and goes on. */
void workload_pause(struct workload *workload);
void workload_resume(struct workload *workload);

/* The ids of all buffers that are held now, each once, ascending; an array of
 * *np, to be freed. */
struct workload_held {
	uint64_t id;
	uint64_t size_bytes;
	uint32_t owner_uid;
};
struct workload_held *workload_list(const struct workload *workload, size_t *np);

/* A client: the main function of its process. */
void workload_run(struct workload *workload, struct workload_desk *desk)
	__attribute__((noreturn));

#endif
