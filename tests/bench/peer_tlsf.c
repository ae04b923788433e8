/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * Two-level segregated fit, written from the paper: Masmano, Ripoll, Crespo and
 * Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004.
 *
 * Free blocks hang in lists by size: a first level by powers of two, each cut
 * into 32 equal classes.  A request is rounded up to the next class, so that
 * any block of the list that two bitmaps then lead to is large enough: a good
 * fit in constant time, at the price that a block of the request's own class
 * is passed over even if it would do.  What is left of a block goes back to the
 * lists, and a block that is freed joins its free neighbours at once, found
 * through the size that stands at both ends of each block.
 *
 * The paper keeps those tags in the blocks.  Here the memory is not the
 * program's to write to, so they are in a table with a place for each granule;
 * only the places at the two ends of a block are ever touched, and the kernel
 * provides no more of the table than that.
 *
 * An alignment is met as the authors' memalign does: by asking for so much more
 * that a multiple must be within, and giving back what is before and behind.
 */

#define SL_LOG2	   5 /* 32 classes: the paper's recommendation */
#define SL_CLASSES (1 << SL_LOG2)
#define FL_CLASSES (32 - SL_LOG2 + 1)
#define NO_BLOCK   UINT32_MAX

struct tag {
	uint32_t size; /* at the first and the last granule of a block */
	uint32_t next; /* at the first of a free one: its list */
	uint32_t previous;
	bool is_free; /* at the first */
};

struct tlsf {
	uint32_t granules;
	uint32_t fl_bitmap; /* of first levels that have a block */
	uint32_t sl_bitmaps[FL_CLASSES];
	uint32_t heads[FL_CLASSES][SL_CLASSES];
	struct tag *tags;
};

struct class
{
	uint32_t fl, sl;
};

static uint32_t log2_of(uint64_t value)
{
	return 63 - (uint32_t)__builtin_clzll(value);
}

/* The list that a block belongs to. */
static struct class class_of(uint64_t size)
{
	uint32_t power = log2_of(size);

	if (power < SL_LOG2)
		return (struct class){.fl = 0, .sl = (uint32_t)size};
	return (struct class){
		.fl = power - SL_LOG2 + 1,
		.sl = (uint32_t)(size >> (power - SL_LOG2)) - SL_CLASSES,
	};
}

/* The first list all of whose blocks are large enough. */
static struct class class_for(uint64_t size)
{
	uint32_t power = log2_of(size);

	if (power >= SL_LOG2)
		size += (UINT64_C(1) << (power - SL_LOG2)) - 1;
	return class_of(size);
}

/* Writes the tags of a block. */
static void mark(struct tlsf *tlsf, uint32_t start, uint32_t size, bool is_free)
{
	tlsf->tags[start].size = size;
	tlsf->tags[start].is_free = is_free;
	tlsf->tags[start + size - 1].size = size;
}

static void link_block(struct tlsf *tlsf, uint32_t start, uint32_t size)
{
	struct class class = class_of(size);
	uint32_t *head = &tlsf->heads[class.fl][class.sl];
	struct tag *tag = &tlsf->tags[start];

	mark(tlsf, start, size, true);
	tag->previous = NO_BLOCK;
	tag->next = *head;
	if (*head != NO_BLOCK)
		tlsf->tags[*head].previous = start;
	*head = start;
	tlsf->sl_bitmaps[class.fl] |= UINT32_C(1) << class.sl;
	tlsf->fl_bitmap |= UINT32_C(1) << class.fl;
}

static void unlink_block(struct tlsf *tlsf, uint32_t start)
{
	const struct tag *tag = &tlsf->tags[start];
	struct class class = class_of(tag->size);

	if (tag->next != NO_BLOCK)
		tlsf->tags[tag->next].previous = tag->previous;
	if (tag->previous != NO_BLOCK) {
		tlsf->tags[tag->previous].next = tag->next;
		return;
	}
	tlsf->heads[class.fl][class.sl] = tag->next;
	if (tag->next != NO_BLOCK)
		return;
	tlsf->sl_bitmaps[class.fl] &= ~(UINT32_C(1) << class.sl);
	if (!tlsf->sl_bitmaps[class.fl])
		tlsf->fl_bitmap &= ~(UINT32_C(1) << class.fl);
}

/* The head of the first list from class on that is not empty. */
static uint32_t find_block(const struct tlsf *tlsf, struct class class)
{
	uint32_t sl_bitmap, fl_bitmap;

	if (class.fl >= FL_CLASSES)
		return NO_BLOCK;
	sl_bitmap = tlsf->sl_bitmaps[class.fl] & UINT32_MAX << class.sl;
	if (!sl_bitmap) {
		fl_bitmap = tlsf->fl_bitmap & ~((UINT32_C(2) << class.fl) - 1);
		if (!fl_bitmap)
			return NO_BLOCK;
		class.fl = (uint32_t)__builtin_ctz(fl_bitmap);
		sl_bitmap = tlsf->sl_bitmaps[class.fl];
	}
	return tlsf->heads[class.fl][__builtin_ctz(sl_bitmap)];
}

static void *tlsf_new(uint64_t granules)
{
	struct tlsf *tlsf = calloc(1, sizeof(*tlsf));

	if (!tlsf)
		return NULL;
	tlsf->granules = (uint32_t)granules;
	tlsf->tags = mmap(NULL, granules * sizeof(*tlsf->tags),
			  PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tlsf->tags == MAP_FAILED) {
		free(tlsf);
		return NULL;
	}
	for (int fl = 0; fl < FL_CLASSES; fl++)
		for (int sl = 0; sl < SL_CLASSES; sl++)
			tlsf->heads[fl][sl] = NO_BLOCK;
	link_block(tlsf, 0, tlsf->granules);
	return tlsf;
}

static void *tlsf_destroy(void *state)
{
	struct tlsf *tlsf = state;

	if (tlsf)
		(void)munmap(tlsf->tags, tlsf->granules * sizeof(*tlsf->tags));
	free(tlsf);
	return NULL;
}

static uint64_t tlsf_alloc(void *state, uint64_t size, uint64_t align)
{
	struct tlsf *tlsf = state;
	uint32_t block, start, end;

	if (size + align - 1 > tlsf->granules)
		return PEER_NONE;
	block = find_block(tlsf, class_for(size + align - 1));
	if (block == NO_BLOCK)
		return PEER_NONE;
	unlink_block(tlsf, block);
	end = block + tlsf->tags[block].size;
	start = (block + (uint32_t)align - 1) & ~((uint32_t)align - 1);
	if (start > block)
		link_block(tlsf, block, start - block);
	if (end > start + size)
		link_block(tlsf, start + (uint32_t)size,
			   end - start - (uint32_t)size);
	mark(tlsf, start, (uint32_t)size, false);
	return start;
}

static void tlsf_give(void *state, uint64_t start, uint64_t size)
{
	struct tlsf *tlsf = state;
	uint32_t first = (uint32_t)start, end = (uint32_t)(start + size), below;

	if (first > 0) {
		below = first - tlsf->tags[first - 1].size;
		if (tlsf->tags[below].is_free) {
			unlink_block(tlsf, below);
			first = below;
		}
	}
	if (end < tlsf->granules && tlsf->tags[end].is_free) {
		unlink_block(tlsf, end);
		end += tlsf->tags[end].size;
	}
	link_block(tlsf, first, end - first);
}

const struct peer peer_tlsf = {
	.name = "TLSF",
	.new = tlsf_new,
	.destroy = tlsf_destroy,
	.alloc = tlsf_alloc,
	.free = tlsf_give,
};
