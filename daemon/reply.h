/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REPLY_H
#define DAEMON_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/refusal.h"
#include "proto/form.h"

/* An answer being composed.  The message's room is the caller's, the
 * descriptors belong to whoever set them. */
struct reply {
	union message *message;
	size_t size_bytes;
	const int *fds; /* borrowed */
	size_t n_fds;
};

/* Starts the answer to a request: all zero but for the header. */
void reply_begin(struct reply *reply, uint16_t opcode, uint32_t serial);
/* Adds an element behind the others and returns it, zeroed; NULL where the
 * message is full: then the list goes on in the next one. */
void *reply_add(struct reply *reply);

/* Makes the answer an ERROR instead. */
void reply_refuse(struct reply *reply, uint32_t serial,
		  const struct refusal *refusal);
void reply_error(struct reply *reply, uint32_t serial, uint32_t reason,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
