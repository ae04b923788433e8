/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/*
 * Allocation in a program that must not wait, because a loop of its own turns
 * there.  Three requests are started at once; the loop polls contigd's
 * descriptor beside whatever else it polls, and the answers come as callbacks.
 */

struct pipeline {
	unsigned int waiting; /* requests without an answer */
	unsigned int refused;
};

static void allocated(void *data, int result,
		      struct contig_buffer *const *buffers, size_t count,
		      const struct contig_failure *failure)
{
	struct pipeline *pipeline = data;

	pipeline->waiting--;
	if (result < 0) {
		pipeline->refused++;
		printf("refused: %s\n", failure->text);
		return;
	}
	printf("%zu buffers of %" PRIu64 " bytes\n", count,
	       contig_size(buffers[0]));
	for (size_t i = 0; i < count; i++)
		contig_release(buffers[i]); /* they are ours: use them here */
}

static int start(struct contig *contig, struct pipeline *pipeline,
		 uint64_t size_bytes, size_t count)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	int r;

	request.size_bytes = size_bytes;
	request.name = "stage";
	r = contig_alloc_start(contig, &request, count, allocated, pipeline);
	if (!r)
		pipeline->waiting++;
	return r;
}

static int turn(struct contig *contig, struct pipeline *pipeline)
{
	struct pollfd fds[] = {
		{.fd = contig_poll_fd(contig), .events = POLLIN},
		/* ... and the program's own descriptors */
	};

	while (pipeline->waiting) {
		if (poll(fds, 1, -1) < 0)
			return -1;
		if (fds[0].revents)
			contig_dispatch(contig);
	}
	return 0;
}

int main(void)
{
	struct pipeline pipeline = {0, 0};
	struct contig *contig;
	int r;

	r = contig_open(&contig, NULL);
	if (!r)
		r = start(contig, &pipeline, 640 * 480 * 2, 2);
	if (!r)
		r = start(contig, &pipeline, 64 << 10, 8);
	if (!r)
		r = start(contig, &pipeline, 4096, 1);
	if (r < 0) {
		fprintf(stderr, "poll_loop: %s\n", strerror(-r));
		return 1;
	}
	r = turn(contig, &pipeline);
	contig_close(contig);
	return r < 0 || pipeline.refused ? 1 : 0;
}
