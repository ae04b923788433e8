/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/form.h"

/*
 * A daemon that does what a test's script says, right or wrong, in a thread of
 * the test.  Connections are served one after another.
 */
struct fake;

/* The conversation of connection number n (0, 1, ...); closed behind it. */
typedef void fake_script(struct fake *fake, int fd, unsigned int n);

struct fake {
	char dir[32];
	char path[48];
	int listener_fd;
	pthread_t thread;
	fake_script *script;
	void *data;	  /* the test's */
	union message in; /* the last request */
};

/* Listens at fake->path, in a folder of its own. */
void fake_start(struct fake *fake, fake_script *script, void *data);
/* Waits for the script to end, so end its connections first. */
void fake_stop(struct fake *fake);

/* Waits for the next request; false where the client has gone. */
bool fake_receive(struct fake *fake, int fd);
/* The next request must be this one. */
void fake_expect(struct fake *fake, int fd, uint16_t opcode);
/* Answers the greeting. */
void fake_greet(struct fake *fake, int fd);

/* A reply to fake->in, with count entries of zeroes. */
void fake_prepare(const struct fake *fake, union message *reply, uint32_t count);
/* Sends reply as long as its header says, with n_fds descriptors. */
void fake_send(int fd, const union message *reply, const int *fds, size_t n_fds);
void fake_answer_plain(struct fake *fake, int fd);
void fake_answer_error(struct fake *fake, int fd, uint32_t reason,
		       const char *text);

/* Fills in a buffer as simulated memory has it. */
void fake_buffer(struct contig_msg_buffer *buffer, uint64_t id,
		 uint64_t size_bytes);
/* Lends what fake->in asks for: memfds, ids from first_id on. */
void fake_lend(struct fake *fake, int fd, uint64_t first_id);
/* Answers fake->in with one buffer that is as these facts say, and this file. */
void fake_lend_this(const struct fake *fake, int fd,
		    const struct contig_msg_buffer *facts, int memfd_consume);

/* A new memfd of size bytes, as the daemon names them. */
int fake_memfd(uint64_t token, const char *name, uint64_t size_bytes);

/* Greets, then answers every request that needs no list, until the end. */
void fake_serve(struct fake *fake, int fd, unsigned int n);

#endif
