/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/channel.h"
#include "proto/form.h"
#include "tests/fuzz/stage.h"

#define GUEST_MAX_SENT 512

/*
 * A client on the stage.  It may send what it likes; what it receives must be
 * right all the same: well formed, in order, and nothing that is not its to
 * know.
 */
struct guest {
	int fd; /* -1: not connected */
	uint32_t uid;
	uint32_t last_serial;
	bool greeted; /* HELLO was the first that it sent */
	bool wild;    /* it sent what has no certain answer */
	struct {
		uint16_t opcode;
		uint32_t serial;
	} sent[GUEST_MAX_SENT]; /* and not yet answered, oldest first */
	size_t n_sent;
};

/* Buffers that were lent, whoever they were lent to. */
struct loot {
	size_t n;
	struct {
		int fd;
		struct contig_msg_buffer facts;
	} buffers[256];
};

void guest_connect(struct guest *guest, struct stage *stage, uint32_t uid);
void guest_disconnect(struct guest *guest);

/* Starts a request that is well formed but for what is to be filled in. */
void guest_prepare(struct guest *guest, union message *message, uint16_t opcode);
/* Sends it, where there is room; it must have come from guest_prepare(). */
void guest_send(struct guest *guest, const union message *message);
/* Sends anything at all; from then on its answers are not waited for. */
void guest_send_wildly(struct guest *guest, const void *bytes, size_t size,
		       const int *fds, size_t n_fds);

/* Takes one message, where there is one; what it lends goes to the loot. */
bool guest_receive(struct guest *guest, struct loot *loot);

void loot_drop(struct loot *loot, size_t i);
void loot_drop_all(struct loot *loot);

#endif
