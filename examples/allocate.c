/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * One buffer for one picture: allocate, map, write, give back.
 *
 * CPU access is bracketed, so that a device would see what was written; where
 * the memory needs nothing of the kind the brackets cost nothing.
 */

static int fail(const char *what, int error)
{
	fprintf(stderr, "allocate: %s: %s\n", what, strerror(-error));
	return 1;
}

static int paint(struct contig_buffer *buffer)
{
	void *pixels;
	int r;

	r = contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &pixels);
	if (r < 0)
		return r;
	r = contig_begin_cpu(buffer, CONTIG_WRITE);
	if (r < 0)
		return r;
	memset(pixels, 0x80, contig_size(buffer)); /* grey */
	return contig_end_cpu(buffer, CONTIG_WRITE);
}

int main(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;
	struct contig *contig;
	uint64_t phys;
	int r;

	r = contig_open(&contig, NULL);
	if (r < 0)
		return fail("contigd does not answer", r);

	request.size_bytes = 1280 * 720 * 2;
	request.name = "picture";
	r = contig_alloc(contig, &request, &buffer, &failure);
	if (r < 0) {
		contig_close(contig);
		return fail(failure.text, r);
	}

	printf("%" PRIu64 " bytes, descriptor %d\n", contig_size(buffer),
	       contig_fd(buffer));
	if (contig_phys(buffer, &phys) == 0)
		printf("at physical address 0x%" PRIx64 "\n", phys);
	r = paint(buffer);

	contig_release(buffer); /* unmaps and closes, too */
	contig_close(contig);
	if (r < 0)
		return fail("cannot write", r);
	printf("painted grey\n");
	return 0;
}
