/* SPDX-License-Identifier: MIT */
#include "lib/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * Reasons become errno values here and nowhere else.  The public constants
 * CONTIG_REASON_* are the wire's numbers under public names; a reason that
 * this library does not know comes from a later daemon, is passed on as it is,
 * and counts as -EIO, because its text explains it better than any guess.
 */

static_assert((int)CONTIG_REASON_MALFORMED == (int)CONTIG_MSG_R_MALFORMED &&
		      (int)CONTIG_REASON_BACKEND == (int)CONTIG_MSG_R_BACKEND,
	      "public reasons are the wire's");
static_assert(CONTIG_TEXT_BYTES == CONTIG_MSG_TEXT_BYTES, "texts fit");

static int errno_of_reason(uint32_t reason)
{
	switch (reason) {
	case CONTIG_MSG_R_MALFORMED:
	case CONTIG_MSG_R_VERSION:
		return -EPROTO;
	case CONTIG_MSG_R_ARGUMENT:
		return -EINVAL;
	case CONTIG_MSG_R_NO_REGION:
	case CONTIG_MSG_R_GUARANTEE:
		return -ENODEV;
	case CONTIG_MSG_R_TOO_LARGE:
		return -EFBIG;
	case CONTIG_MSG_R_FULL:
	case CONTIG_MSG_R_FRAGMENTED:
	case CONTIG_MSG_R_CONSTRAINT:
		return -ENOMEM;
	case CONTIG_MSG_R_QUOTA:
		return -EDQUOT;
	case CONTIG_MSG_R_DENIED:
		return -EACCES;
	case CONTIG_MSG_R_NO_BUFFER:
		return -ENOENT;
	default:
		return -EIO;
	}
}

int failure_set(struct contig_failure *failure, int error, const char *format,
		...)
{
	va_list args;

	if (!failure)
		return error;
	memset(failure, 0, sizeof(*failure));
	failure->error = error;
	va_start(args, format);
	errno = -error; /* for %m */
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return error;
}

int failure_from_error(struct contig_failure *failure,
		       const struct contig_msg_error *error)
{
	int r = errno_of_reason(error->reason);

	if (!failure)
		return r;
	failure->error = r;
	failure->reason = (enum contig_reason)error->reason;
	failure->requested_bytes = error->requested_bytes;
	failure->free_bytes = error->free_bytes;
	failure->largest_free_bytes = error->largest_free_bytes;
	failure->draining_bytes = error->draining_bytes;
	memcpy(failure->text, error->text, sizeof(failure->text));
	return r;
}
