/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_FAULTS_H
#define TESTS_INTEGRATION_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/integration/preload.h"

#define FAULTS_VARIABLE "CONTIG_TEST_FAULTS"
#define FAULTS_FRAMES	10
#define FAULTS_SITES	8192 /* a power of two */
#define FAULTS_MODULES	64
#define FAULTS_ERRORS	3

/* Sanitizers have functions of libc themselves, and blocks of memory come by
 * without a call that could be seen. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAULTS_SANITIZED 1
#else
#define FAULTS_SANITIZED 0
#endif

enum faults_mode {
	FAULTS_OFF,
	FAULTS_CENSUS, /* calls are counted, none fails */
	FAULTS_ARMED,  /* one call is going to fail */
	FAULTS_FIRED,  /* it has */
};

/* A place in a program or library, wherever that is loaded. */
struct faults_frame {
	uint32_t module; /* of its path; 0: none */
	uint64_t offset;
};

/* One function, called in one way. */
struct faults_site {
	_Atomic uint64_t key; /* of what follows; 0: there is none */
	uint32_t function;    /* its place in FAULTS_FUNCTIONS */
	uint32_t n_frames;
	struct faults_frame frames[FAULTS_FRAMES]; /* the caller first */
	_Atomic uint32_t calls;
	uint32_t most_calls; /* in one count before */
	bool waits; /* reads or writes no file: a signal is all that can be in
		       its way */
	_Atomic bool whole; /* everything is filled in */
};

struct faults_module {
	_Atomic uint32_t name; /* as in faults_frame */
	char path[108];
};

/* Shared by the test and the process whose calls are to fail. */
struct faults_page {
	_Atomic int mode;	/* enum faults_mode */
	_Atomic int64_t blocks; /* allocated and not freed; 0 at the start */
	_Atomic uint32_t lost;	/* calls for which there was no room */

	/* of the fault that is armed */
	_Atomic uint64_t key;
	_Atomic uint32_t function;
	_Atomic int32_t error;	/* an errno, or FAULTS_SHORT */
	_Atomic int32_t calls;	/* until then */
	_Atomic int32_t thread; /* the only one; 0: any */
	_Atomic uintptr_t top;	/* of its stack, as far as it is looked at */

	struct faults_module modules[FAULTS_MODULES];
	struct faults_site sites[FAULTS_SITES]; /* by key, then the next free */
};

/*
 * Failures of chosen calls.  A library, preloaded into a program, stands before
 * all that allocates memory and before libc's system calls.  It can tell in how
 * many ways they are called, each with its stack of callers, and make a call
 * that was met in this way fail once.
 */
struct faults {
	struct faults_page *page;
	struct preload preload; /* has the environment for the program */
};

/* One call that can be made to fail. */
struct fault {
	const struct faults_site *site;
	int error;	    /* what it fails with */
	int32_t occurrence; /* the first such call is 1 */
};

/* Skips the test program where there is no such library. */
void faults_require(void);

/* Makes the page as a file in a folder, which removes it. */
void faults_init(struct faults *faults, const char *directory);
void faults_deinit(struct faults *faults);

/* Has this program itself run with the library: see preload_self(). */
void faults_preload_self(struct faults *faults, char **argv);

/* From now on calls are counted, until a call of faults_disarm(), beside what
 * was counted before; faults_clear() forgets it.
 * @top: NULL, for the calls of all threads of another program; or a frame of
 *	the caller's, for what is called by this thread below it. */
void faults_count(struct faults *faults, const void *top);
void faults_clear(struct faults *faults);
/* Returns all that can fail of what was counted, in an order that is the same
 * each time; to be freed.  Borrows from the counts. */
struct fault *faults_list(const struct faults *faults, size_t *np);
size_t faults_count_sites(const struct faults *faults);

/* This call is going to fail; top as it was when it was counted. */
void faults_arm(struct faults *faults, const struct fault *fault,
		const void *top);
/* It need not any more.  True: it has failed. */
bool faults_disarm(struct faults *faults);

/* Blocks of memory that the program has; 0 where sanitizers count them. */
int64_t faults_blocks(const struct faults *faults);

/* Whether a module whose path contains this is among its callers. */
bool faults_comes_from(const struct faults *faults, const struct fault *fault,
		       const char *module);
/* Writes what fails, with which error and where. */
void faults_describe(const struct faults *faults, const struct fault *fault,
		     char *text, size_t room);

#endif
