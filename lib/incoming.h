/* SPDX-License-Identifier: MIT */
#ifndef LIB_INCOMING_H
#define LIB_INCOMING_H

#include "lib/connection.h"

/* [locked] Receives and handles all that has come, without blocking; may end
 * with the session lost.  Not while another thread is the reader. */
void incoming_receive(struct contig *contig);

#endif
