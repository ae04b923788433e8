/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_ANSWERS_H
#define TESTS_FUZZ_ANSWERS_H

#include <stdint.h>

#include "proto/channel.h"
#include "proto/form.h"

/* Composes an answer that the library must take, to any request but RELEASE.
 * seed varies it: how long a list is, what kind of memory, whether more
 * follows.  Descriptors that belong to it go to *fds. */
void answer_rightly(union message *answer, const union message *request,
		    uint8_t seed, struct channel_fds *fds);

/* Takes descriptors away, adds some, or exchanges them for others; how 0 leaves
 * them alone. */
void answer_bend_fds(struct channel_fds *fds, uint8_t how);

#endif
