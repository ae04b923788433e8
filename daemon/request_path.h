/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUEST_PATH_H
#define DAEMON_REQUEST_PATH_H

/*
 * The code that a request runs through.
 */

/* A request came after a rest of so long: what the caches of a processor that
 * slept had of the code is mostly gone by then. */
#define REQUEST_PATH_REST_NS 1000000

/* Asks memory for all of it, and waits for nothing.  Does nothing in a program
 * whose linker did not put it into one place. */
void request_path_fetch(void);

#endif
