/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_SCRIPT_H
#define TESTS_INTEGRATION_SCRIPT_H

#include <contig.h>

#include <stdbool.h>

#include "tests/integration/sweep.h"
#include "util/error.h"

/*
 * What a client's calls of libcontig come to, one after the other, while
 * something is made to fail: one of them may fail, with an error that is
 * promised, and no other.
 */
struct script {
	const int *promised; /* negative errors, 0 at the end */
	struct error *why;   /* of the first that failed, or should not have */
	int errors;	     /* calls that failed */
	bool is_wrong;
};

/* Notes the result of a call; failure: NULL where it tells none.  True: it
 * succeeded. */
bool script_note(struct script *script, const char *call, int r,
		 const struct contig_failure *failure);
enum sweep_end script_end(const struct script *script);

/* Opens a connection, once more where that failed; NULL: it is wrong. */
struct contig *script_open(struct script *script, const char *socket_path);
/* Asks for the status and for each list. */
void script_list_all(struct script *script, struct contig *contig);

#endif
