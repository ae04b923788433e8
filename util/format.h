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

/* Long enough for every duration that format_duration() writes. */
#define FORMAT_DURATION_BYTES 24

/* Writes milliseconds as people tell time, in whole numbers of the two largest
 * units that matter, cut and not rounded: "0.7s", "12s", "3m12s", "2h03m",
 * "5d04h".  Returns buf. */
const char *format_duration(char buf[FORMAT_DURATION_BYTES], uint64_t ms);

#endif
