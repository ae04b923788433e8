/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Buffers for a device with habits: its DMA reaches 40 bits of address, it
 * wants each buffer on a 64 KiB line, and its address counter must not carry
 * over a 16 MiB boundary.  Four equal buffers come in one round trip, all of
 * them or none.
 */

#define BUFFERS 4

static void show(const struct contig_buffer *buffer)
{
	struct contig_buffer_info info;

	contig_info(buffer, &info);
	printf("%s #%" PRIu64 ": %" PRIu64 " bytes in region %s", info.name,
	       info.id, info.size_bytes, info.region);
	if (info.has_phys)
		printf(" at 0x%" PRIx64, info.phys);
	printf("\n");
}

int main(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[BUFFERS];
	struct contig_failure failure;
	struct contig *contig;
	int r;

	r = contig_open(&contig, NULL);
	if (r < 0) {
		fprintf(stderr, "constraints: contigd does not answer: %s\n",
			strerror(-r));
		return 1;
	}

	request.size_bytes = 1920 * 1080 * 3 / 2;
	request.align_bytes = 64 << 10;
	request.max_phys = (UINT64_C(1) << 40) - 1;
	request.boundary_bytes = 16 << 20;
	request.require = CONTIG_ISOLATED;
	request.name = "nv12";
	r = contig_alloc_many(contig, &request, BUFFERS, buffers, &failure);
	if (r < 0) {
		fprintf(stderr, "constraints: %s\n", failure.text);
		contig_close(contig);
		return 1;
	}

	for (int i = 0; i < BUFFERS; i++)
		show(buffers[i]);
	for (int i = 0; i < BUFFERS; i++)
		contig_release(buffers[i]);
	contig_close(contig);
	return 0;
}
