/* SPDX-License-Identifier: MIT */
#ifndef LIB_INCOMING_H
#define LIB_INCOMING_H

#include "lib/connection.h"

/* [locked] Receives and handles all that has come, without blocking; may end
 * with the session lost.  Not while another thread is the reader. */
void incoming_receive(struct contig *contig);

/* [locked] Gives up the lock until something has come, and handles that; may
 * end with the session lost.  The caller is the reader; it must look whether
 * there still is what it waits for. */
void incoming_wait(struct contig *contig);

#endif
