/* SPDX-License-Identifier: MIT */
#ifndef PROTO_VALIDATE_H
#define PROTO_VALIDATE_H

#include <stddef.h>

#include "proto/form.h"
#include "util/error.h"

/*
 * Pure judgements on one datagram as it came off a socket.  After a verdict of
 * 0 every field that the protocol can judge without knowing regions or buffers
 * is in its range, every text is terminated, and every padding is zero.
 *
 * @message must be aligned as union message is; size bytes of it are read.
 */

/*
 * A request, as the daemon received it (channel_receive() has already refused
 * descriptors).  Returns
 *	0			well formed
 *	CONTIG_MSG_R_MALFORMED	not this protocol: answer and end the connection
 *	CONTIG_MSG_R_ARGUMENT	well formed, but a value is out of its range:
 *				answer; the connection goes on
 * and says in *why what is wrong.
 */
int validate_request(const union message *message, size_t size,
		     struct error *why);

/*
 * A reply or an ERROR, as the library received it together with n_fds
 * descriptors.  Returns 0 or CONTIG_MSG_R_MALFORMED.  That it belongs to a
 * request (opcode, serial, number of buffers) is left to the caller.
 */
int validate_reply(const union message *message, size_t size, size_t n_fds,
		   struct error *why);

/* The number of elements of a reply that validate_reply() passed. */
uint32_t validate_count(const struct form *form, const union message *reply);

#endif
