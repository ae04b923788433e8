/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_GUARANTEE_H
#define DAEMON_GUARANTEE_H

#include <stdint.h>

/* Long enough for all names at once. */
#define GUARANTEE_TEXT_BYTES 80

/* Writes the names of guarantees, "contiguous, dma-buf"; "nothing" for 0.
 * Returns buf. */
const char *guarantee_names(char buf[GUARANTEE_TEXT_BYTES], uint32_t guarantees);

#endif
