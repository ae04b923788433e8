/* SPDX-License-Identifier: MIT */
#include "lib/request.h"

#include <errno.h>
#include <string.h>

#include "lib/failure.h"
#include "proto/text.h"
#include "proto/validate.h"

/*
 * From the caller's struct to the wire's.  The judgement on values is the one
 * the daemon passes, from the same function, so that a mistake costs no round
 * trip and both sides use the same words; only what the wire cannot even
 * express is judged here.
 *
 * struct contig_request may grow at its end.  A program built against a later
 * header says so by struct_bytes, and is served as long as what this library
 * does not know is left at zero.
 */

static int check_tail(const struct contig_request *request,
		      struct contig_failure *failure)
{
	const unsigned char *bytes = (const unsigned char *)request;

	if (request->struct_bytes < sizeof(*request))
		return failure_set(failure, -EINVAL,
				   "the request was not initialised by "
				   "CONTIG_REQUEST_INIT");
	for (size_t i = sizeof(*request); i < request->struct_bytes; i++)
		if (bytes[i])
			return failure_set(failure, -E2BIG,
					   "the request uses what this "
					   "libcontig does not know");
	return 0;
}

static int put_name(char *field, size_t size, const char *name,
		    const char *what, struct contig_failure *failure)
{
	if (name && !text_fits(name, size))
		return failure_set(failure, -EINVAL,
				   "the %s is not at most %zu bytes of "
				   "printable ASCII",
				   what, size - 1);
	text_put(field, size, name ? name : "");
	return 0;
}

int request_encode(const struct contig_request *request, size_t count,
		   struct contig_msg_alloc *alloc,
		   struct contig_failure *failure)
{
	union message message;
	struct error why = ERROR_INIT;
	int r = check_tail(request, failure);

	if (!r)
		r = put_name(alloc->region, sizeof(alloc->region),
			     request->region, "region name", failure);
	if (!r)
		r = put_name(alloc->name, sizeof(alloc->name), request->name,
			     "buffer name", failure);
	if (r)
		return r;
	alloc->size_bytes = request->size_bytes;
	alloc->align_bytes = request->align_bytes;
	alloc->max_phys = request->max_phys;
	alloc->boundary_bytes = request->boundary_bytes;
	alloc->require = request->require;
	alloc->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;

	message.alloc = *alloc;
	message.header = (struct contig_msg_header){
		.size = sizeof(*alloc),
		.opcode = CONTIG_MSG_ALLOC,
		.serial = 1,
	};
	if (validate_request(&message, sizeof(*alloc), &why))
		return failure_set(failure, -EINVAL, "%s", why.text);
	return 0;
}
