/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_RAW_H
#define TESTS_INTEGRATION_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "proto/channel.h"
#include "proto/form.h"

/*
 * The protocol without a library between: for messages that libcontig would
 * never send, and clients that never read.
 */

/* A connection without a word said. */
int raw_connect(const char *path);
/* A connection after HELLO. */
int raw_open(const char *path);

/* Sends size bytes as one datagram. */
void raw_send(int fd, const void *data, size_t size);
/* Fills in the header of a request, all else zero. */
void raw_prepare(union message *message, uint16_t opcode, uint32_t serial);
void raw_prepare_alloc(union message *message, uint32_t serial,
		       uint64_t size_bytes, uint32_t count);

/* Waits for the next datagram, and takes its descriptors where fds is not
 * NULL.  Returns its size, or 0 where the daemon has closed. */
size_t raw_receive(int fd, union message *message, struct channel_fds *fds);
/* The next datagram must be an ERROR with this reason. */
void raw_expect_error(int fd, uint32_t reason, union message *message);
/* The daemon must close, with no further message. */
void raw_expect_end(int fd);

#endif
