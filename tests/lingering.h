/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LINGERING_H
#define TESTS_LINGERING_H

/*
 * A descriptor that takes long to close: a TCP socket that lingers, with more
 * in its queue than its peer will read.
 */
struct lingering {
	int fd; /* closing the last descriptor of it blocks for two minutes */
	int peer_fd;
};

/* Skips the test where there is no loopback network. */
void lingering_init(struct lingering *lingering);
/* Ends whatever close of it blocks. */
void lingering_deinit(struct lingering *lingering);

#endif
