/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_PROCESS_H
#define TESTS_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A program started and looked at through /proc.  Run by root it is started as
 * another user without privilege, as a service manager starts the daemon.
 */
struct process {
	pid_t pid;
	uint64_t exec_ns; /* CLOCK_MONOTONIC, just before it was executed */
};

/* Starts argv[0] (NULL at the end); what it prints is dropped.  Ends the caller
 * where there can be no process. */
void process_start(struct process *process, const char *const *argv);
/* By SIGTERM, and waits for it. */
void process_stop(struct process *process);
/* Makes a file or folder the user's as whom programs are started. */
void process_own(const char *path);

/* A figure of /proc/PID/smaps_rollup in KiB, as "Rss"; ends the caller where it
 * cannot be read. */
uint64_t process_kib(const struct process *process, const char *key);
/* How often its threads were switched to, by their will and against it. */
uint64_t process_switches(const struct process *process);

uint64_t process_now_ns(void);

#endif
