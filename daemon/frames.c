/* SPDX-License-Identifier: MIT */
#include "daemon/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "util/cleanup.h"

/*
 * The pages of a pool come in any order.  The table translates: sorted by
 * physical address, it gives the place in the memfd.  Neighbours in the table
 * whose addresses are adjacent form a segment, within which a run may cross
 * pages; where they are neighbours in the memfd too, they are one piece of it.
 *
 * This is arithmetic alone.  That the addresses are true, and stay true, is the
 * business of whoever read them.
 */

static int compare_frames(const void *a, const void *b)
{
	const struct frame *left = a, *right = b;

	return (left->phys > right->phys) - (left->phys < right->phys);
}

static int fill(struct frames *frames, const uint64_t *addresses,
		struct error *why)
{
	for (size_t i = 0; i < frames->n; i++) {
		frames->all[i].offset = i * frames->page_bytes;
		frames->all[i].phys = addresses[i];
		if (addresses[i] % frames->page_bytes != 0 ||
		    addresses[i] > INT64_MAX)
			return error_set(why, -EPROTO,
					 "0x%" PRIx64 " is no address of a "
					 "huge page",
					 addresses[i]);
	}
	qsort(frames->all, frames->n, sizeof(*frames->all), compare_frames);
	for (size_t i = 1; i < frames->n; i++)
		if (frames->all[i].phys == frames->all[i - 1].phys)
			return error_set(why, -EPROTO,
					 "two pages of the pool are at "
					 "0x%" PRIx64,
					 frames->all[i].phys);
	return 0;
}

/* There is room for as many segments as pages. */
static void join(struct frames *frames)
{
	struct run *last = NULL;

	for (size_t i = 0; i < frames->n; i++) {
		uint64_t phys = frames->all[i].phys;

		if (last && last->phys + last->size_bytes == phys) {
			last->size_bytes += frames->page_bytes;
			continue;
		}
		last = &frames->segments[frames->n_segments++];
		last->phys = phys;
		last->size_bytes = frames->page_bytes;
	}
}

int frames_init(struct frames *frames, const struct frames_spec *spec,
		struct error *why)
{
	int r;

	*frames = (struct frames){
		.page_bytes = spec->page_bytes,
		.all = calloc(spec->n, sizeof(*frames->all)),
		.n = spec->n,
		.segments = calloc(spec->n, sizeof(*frames->segments)),
	};
	if (frames->all && frames->segments)
		r = fill(frames, spec->addresses, why);
	else
		r = error_set(why, -ENOMEM, "out of memory");
	if (r)
		frames_deinit(frames);
	else
		join(frames);
	return r;
}

void frames_deinit(struct frames *frames)
{
	free(frames->all);
	free(frames->segments);
	*frames = (struct frames){.n = 0};
}

void frames_addresses(const struct frames *frames, uint64_t *addresses)
{
	for (size_t i = 0; i < frames->n; i++)
		addresses[frames->all[i].offset / frames->page_bytes] =
			frames->all[i].phys;
}

size_t frames_max_pieces(const struct frames *frames, uint64_t size_bytes)
{
	/* one byte in the first page, one in the last */
	return (size_t)(size_bytes / frames->page_bytes) + 2;
}

/* Index of the page that holds phys, or n. */
static size_t find(const struct frames *frames, uint64_t phys)
{
	size_t low = 0, high = frames->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (frames->all[middle].phys + frames->page_bytes <= phys)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == frames->n || frames->all[low].phys > phys)
		return frames->n;
	return low;
}

/* Where pieces are put, of which there may be more than there is room for. */
struct sink {
	struct frames_piece *pieces;
	size_t room;
	size_t n;
	uint64_t end; /* of the last one */
};

/* Adds bytes of the memfd, to the last piece where they continue it. */
static void add_piece(struct sink *sink, uint64_t offset, uint64_t size)
{
	bool joins = sink->n > 0 && sink->end == offset;

	sink->end = offset + size;
	if (joins) {
		if (sink->n <= sink->room)
			sink->pieces[sink->n - 1].size_bytes += size;
		return;
	}
	if (sink->n < sink->room)
		sink->pieces[sink->n] = (struct frames_piece){offset, size};
	sink->n++;
}

size_t frames_pieces(const struct frames *frames, const struct run *run,
		     struct frames_piece *pieces, size_t room)
{
	struct sink sink = {.pieces = pieces, .room = room};
	uint64_t phys = run->phys, left = run->size_bytes;

	for (size_t i = find(frames, phys); left > 0; i++) {
		const struct frame *frame = &frames->all[i];
		uint64_t inside, size;

		if (i >= frames->n || phys < frame->phys)
			return 0; /* a gap, or the end */
		inside = phys - frame->phys;
		size = frames->page_bytes - inside;
		if (size > left)
			size = left;
		add_piece(&sink, frame->offset + inside, size);
		phys += size;
		left -= size;
	}
	return sink.n;
}
