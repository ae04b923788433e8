/* SPDX-License-Identifier: MIT */
#ifndef UTIL_PARSE_H
#define UTIL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/*
 * Numbers that people type: options and configuration values.  Each function
 * takes the whole string or nothing, says in words what is wrong with it, and
 * leaves *valuep alone unless it returns 0.
 */

/* An unsigned integer, decimal or 0x hexadecimal, 0..2^64-1.
 * -EINVAL: not a number; -ERANGE: does not fit. */
int parse_u64(const char *text, uint64_t *valuep, struct error *why);

/* As parse_u64, with an upper bound max for -ERANGE. */
int parse_u32(const char *text, uint32_t max, uint32_t *valuep,
	      struct error *why);

/* A size in bytes: a number, optionally followed by K, M, G, T or P (powers of
 * 1024, also as KiB ... PiB, case ignored) or B.  Same errors as parse_u64. */
int parse_size(const char *text, uint64_t *bytesp, struct error *why);

/* yes/no, true/false, on/off, 1/0.  -EINVAL: anything else. */
int parse_bool(const char *text, bool *valuep, struct error *why);

#endif
