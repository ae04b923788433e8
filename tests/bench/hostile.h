/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_HOSTILE_H
#define TESTS_BENCH_HOSTILE_H

#include <stddef.h>

/*
 * Neighbours that do their worst to a daemon, each in its own way, until they
 * are killed with their process group.
 */
struct hostile {
	const char *name;
	void (*prepare)(const char *socket); /* may be NULL */
	void (*once)(const char *socket);    /* again and again */
};

extern const struct hostile hostiles[];
extern const size_t n_hostiles;

/* Of the daemon that they attack, NULL at the end. */
extern const char *const hostile_options[];

/* Attacks for ever; one byte goes to began_fd when the preparation is done. */
void hostile_run(const struct hostile *hostile, const char *socket,
		 int began_fd) __attribute__((noreturn));

#endif
