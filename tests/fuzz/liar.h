/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_LIAR_H
#define TESTS_FUZZ_LIAR_H

#include "tests/fuzz/input.h"

/*
 * A daemon that answers as an input says, in a thread of its own, at a real
 * socket.  Where the input has nothing more to say it answers rightly.
 *
 * Who waits for an answer is never left waiting: a request that did not get
 * one ends the connection, as a daemon does that dies.  Only an ALLOC whose
 * buffer is to be named LIAR_LATER, which nobody waits for, can go without.
 */
#define LIAR_LATER "later"

/* Where it listens; made at the first call, gone with the process. */
const char *liar_path(void);

/* What it answers from now on: to the first request of the first connection,
 * to the next one, and so on.  Nobody may be connected. */
void liar_instruct(const struct input *script);

/* Waits until it has closed all that it had open. */
void liar_wait_idle(void);

#endif
