/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Being refused, on purpose.  A refusal has an errno for the program, a reason
 * for a program that can do something about it, figures, and a sentence for
 * whoever reads the log.  This one asks for what cannot be had and succeeds by
 * failing.
 */

static const char *advice(enum contig_reason reason)
{
	switch (reason) {
	case CONTIG_REASON_TOO_LARGE:
		return "no patience will help: ask for less";
	case CONTIG_REASON_FULL:
	case CONTIG_REASON_FRAGMENTED:
		return "free something, or ask again later";
	case CONTIG_REASON_GUARANTEE:
	case CONTIG_REASON_CONSTRAINT:
		return "require less, or name another region";
	case CONTIG_REASON_NO_REGION:
		return "contigctl regions lists what there is";
	default:
		return "see the daemon's log";
	}
}

/* Returns 0 where the request is refused. */
static int expect_refusal(struct contig *contig,
			  const struct contig_request *request)
{
	struct contig_failure failure;
	struct contig_buffer *buffer;
	int r = contig_alloc(contig, request, &buffer, &failure);

	if (r == 0) {
		contig_release(buffer);
		printf("unexpectedly granted\n");
		return 1;
	}
	printf("%s (%s)\n", failure.text, strerror(-r));
	if (failure.requested_bytes)
		printf("  asked for %" PRIu64 ", free %" PRIu64
		       ", longest run %" PRIu64 ", draining %" PRIu64
		       " bytes\n",
		       failure.requested_bytes, failure.free_bytes,
		       failure.largest_free_bytes, failure.draining_bytes);
	printf("  advice: %s\n", advice(failure.reason));
	return 0;
}

int main(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig *contig;
	int r;

	r = contig_open(&contig, NULL);
	if (r < 0) {
		fprintf(stderr, "refusal: contigd does not answer: %s\n",
			strerror(-r));
		return 1;
	}

	request.size_bytes = UINT64_C(1) << 60; /* an exbibyte */
	r = expect_refusal(contig, &request);

	request.size_bytes = 4096;
	request.region = "no-such-region";
	r |= expect_refusal(contig, &request);

	request.region = NULL;
	request.align_bytes = 3; /* not a power of two */
	r |= expect_refusal(contig, &request);

	contig_close(contig);
	return r;
}
