/* SPDX-License-Identifier: MIT */
#ifndef TESTS_JUDGED_H
#define TESTS_JUDGED_H

#include <string.h>

#include "proto/form.h"
#include "tests/harness.h"
#include "util/error.h"

/*
 * The message that validation is to judge, and what it said; for the one file
 * of a test program.
 */
#define MALFORMED ((int)CONTIG_MSG_R_MALFORMED)

static union message m;
static struct error why;

/* Begins the message, of zeroes behind its header. */
static inline void head(uint16_t opcode, size_t size)
{
	memset(&m, 0, sizeof(m));
	m.header.size = (uint32_t)size;
	m.header.opcode = opcode;
	m.header.serial = 1;
}

/* The call gives this verdict, with words in which these are. */
#define ck_judged(call, verdict, words)                                \
	do {                                                           \
		ck_assert_int_eq((call), (verdict));                   \
		ck_assert_msg(strstr(why.text, (words)) != NULL, "%s", \
			      why.text);                               \
	} while (0)

#endif
