/* SPDX-License-Identifier: MIT */
#ifndef UTIL_FORMAT_H
#define UTIL_FORMAT_H

#include <stdint.h>

/* Long enough for every size that format_size() writes. */
#define FORMAT_SIZE_BYTES 16

/* Writes bytes as people read sizes (4096 -> "4K", 5308416 -> "5.1M"), in
 * powers of 1024 with at most one decimal, rounded half up, as lsblk(8) does.
 * Returns buf. */
const char *format_size(char buf[FORMAT_SIZE_BYTES], uint64_t bytes);

#endif
