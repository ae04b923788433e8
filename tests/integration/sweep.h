/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_SWEEP_H
#define TESTS_INTEGRATION_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/integration/faults.h"
#include "util/error.h"

/* How it went although a call failed. */
enum sweep_end {
	SWEEP_ABSORBED, /* nobody noticed */
	SWEEP_REFUSED,	/* somebody was told an error */
	SWEEP_WRONG,	/* not as it should */
};

/* What a process has. */
struct sweep_measure {
	int fds;
	int64_t blocks;
};

/* Something that is done again and again, each time with another call that
 * fails.  The functions get data. */
struct sweep {
	const char *name;
	struct faults *faults;
	bool is_own; /* what fails are this thread's calls, made by act() */
	bool alone;  /* each fault begins anew */
	const char *const *except; /* libraries whose own calls do not fail,
				      NULL at the end; or NULL */

	/* Begins anew, with a process that knows nothing of the last fault; or
	 * NULL: it is a new one each time, or always this one. */
	void (*renew)(void *data);
	/* Before each time; or NULL. */
	void (*ready)(void *data);
	/* Does it while a call may fail. */
	enum sweep_end (*act)(void *data, struct error *why);
	/* No call fails any more: is all well, does the next one succeed?  Or
	 * NULL. */
	bool (*judge)(void *data, struct error *why);
	/* What the process has when nothing is under way. */
	struct sweep_measure (*measure)(void *data);
	/* Writes what helps to find out why, to standard error; or NULL. */
	void (*show)(void *data);
	void *data;
};

/* Does it without a fault, then with each; what went wrong goes to standard
 * error.  Returns with how many faults something did.
 *
 * CONTIG_FAULT_STRIDE leaves out all but every so-manieth fault; 1 leaves out
 * none.  CONTIG_FAULT_TRACE=1 tells of each before it comes. */
size_t sweep_run(const struct sweep *sweep);

#endif
