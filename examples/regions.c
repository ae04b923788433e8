/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What memory there is and what it gives, for a program that wants to choose
 * its region itself.
 */

static const struct {
	uint32_t flag;
	const char *word;
} guarantees[] = {
	{CONTIG_CONTIGUOUS, "contiguous"}, {CONTIG_ISOLATED, "isolated"},
	{CONTIG_DMA_BUF, "dma-buf"},	   {CONTIG_CACHED, "cached"},
	{CONTIG_PHYS_KNOWN, "phys-known"},
};

static void show(const struct contig_region_info *region)
{
	printf("%s%s (%s): %" PRIu64 " of %" PRIu64 " bytes free, longest run "
	       "%" PRIu64 ", granule %" PRIu64 ", %" PRIu32 " buffers\n",
	       region->name, region->is_default ? ", the default" : "",
	       region->backend, region->free_bytes, region->size_bytes,
	       region->largest_free_bytes, region->granule_bytes,
	       region->buffers);
	if (region->has_base)
		printf("  from 0x%" PRIx64 ";", region->base);
	else
		printf("  from an address that you may not know;");
	for (size_t i = 0; i < sizeof(guarantees) / sizeof(*guarantees); i++)
		if (region->guarantees & guarantees[i].flag)
			printf(" %s", guarantees[i].word);
	printf("\n");
}

int main(void)
{
	struct contig_region_info *regions;
	struct contig *contig;
	size_t count;
	int r;

	r = contig_open(&contig, NULL);
	if (r < 0) {
		fprintf(stderr, "regions: contigd does not answer: %s\n",
			strerror(-r));
		return 1;
	}
	r = contig_list_regions(contig, &regions, &count);
	contig_close(contig);
	if (r < 0) {
		fprintf(stderr, "regions: %s\n", strerror(-r));
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		show(&regions[i]);
	free(regions);
	return 0;
}
