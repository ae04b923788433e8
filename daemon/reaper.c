/* SPDX-License-Identifier: MIT */
#include "daemon/reaper.h"

/*
 * The kernel tells nobody when the last holder of a dma-buf or a memfd is gone,
 * so it has to be asked, and asking costs a few system calls a buffer.
 *
 * Two rhythms.  A sweep passes over all buffers; a hot buffer (its owner said
 * RELEASE or has gone) is looked at more often, for a while: a process that
 * dies closes its descriptors one after the other, so the first look often
 * comes a little too early, and a buffer that somebody else keeps for hours
 * should not be asked after a hundred times a second.
 *
 * Both go in slices, so that ten thousand buffers delay a request by a fraction
 * of a millisecond.  A sweep knows what it has seen by a number on each buffer;
 * the list is turned like a wheel, whoever was looked at goes to the end.
 *
 * Sweeps are numbered for those who are short of memory: a request that came
 * while a sweep was under way needs the next one, since buffers that this one
 * has already passed may have come free.
 *
 * A buffer that cannot be asked (a negative errno) counts as held.
 */

void reaper_init(struct reaper *reaper, reaper_fn *fn, void *data)
{
	*reaper = (struct reaper){.fn = fn, .data = data};
	list_init(&reaper->watched);
	list_init(&reaper->hot);
}

void reaper_add(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms)
{
	if (list_empty(&reaper->watched))
		reaper->sweep_due_ms = now_ms + REAPER_SWEEP_MS;
	buffer->sweep = reaper->sweep;
	list_append(&reaper->watched, &buffer->watch_link);
}

void reaper_remove(struct reaper *reaper, struct buffer *buffer)
{
	(void)reaper;
	list_remove(&buffer->watch_link);
	list_remove(&buffer->hot_link);
}

bool reaper_check(struct reaper *reaper, struct buffer *buffer)
{
	const struct backend *backend = buffer->region->memory->backend;

	if (buffer->pins > 0 || backend->object_held(buffer->object) != 0)
		return false;
	reaper->fn(reaper->data, buffer);
	return true;
}

void reaper_hint(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms)
{
	buffer->hot_until_ms = now_ms + REAPER_HOT_FOR_MS;
	buffer->hot_due_ms = now_ms;
	list_remove(&buffer->hot_link);
	list_prepend(&reaper->hot, &buffer->hot_link);
}

uint64_t reaper_want_sweep(struct reaper *reaper)
{
	reaper->wanted = reaper->sweep + 1;
	return reaper->wanted;
}

bool reaper_has_swept(const struct reaper *reaper, uint64_t ticket)
{
	if (list_empty(&reaper->watched))
		return true;
	return reaper->sweep > ticket ||
	       (reaper->sweep == ticket && !reaper->sweeping);
}

int64_t reaper_delay_ms(const struct reaper *reaper, uint64_t now_ms)
{
	const struct buffer *hottest =
		list_first(&reaper->hot, struct buffer, hot_link);
	uint64_t due = reaper->sweep_due_ms;

	if (list_empty(&reaper->watched))
		return -1;
	if (reaper->sweeping || reaper->wanted > reaper->sweep)
		return 0;
	if (hottest && hottest->hot_due_ms < due)
		due = hottest->hot_due_ms;
	return due > now_ms ? (int64_t)(due - now_ms) : 0;
}

/* Looks at the hot buffers that are due; returns how many that were. */
static unsigned int run_hot(struct reaper *reaper, uint64_t now_ms)
{
	struct buffer *buffer;
	unsigned int n;

	for (n = 0; n < REAPER_SLICE; n++) {
		buffer = list_first(&reaper->hot, struct buffer, hot_link);
		if (!buffer || buffer->hot_due_ms > now_ms)
			break;
		list_remove(&buffer->hot_link);
		if (reaper_check(reaper, buffer) ||
		    buffer->hot_until_ms <= now_ms)
			continue;
		buffer->hot_due_ms = now_ms + REAPER_HOT_MS;
		list_append(&reaper->hot, &buffer->hot_link);
	}
	return n;
}

static void run_sweep(struct reaper *reaper, unsigned int slice)
{
	struct buffer *buffer;

	while ((buffer = list_first(&reaper->watched, struct buffer,
				    watch_link))) {
		if (buffer->sweep == reaper->sweep)
			break;
		if (slice-- == 0)
			return;
		buffer->sweep = reaper->sweep;
		list_remove(&buffer->watch_link);
		list_append(&reaper->watched, &buffer->watch_link);
		(void)reaper_check(reaper, buffer);
	}
	reaper->sweeping = false;
}

void reaper_run(struct reaper *reaper, uint64_t now_ms)
{
	unsigned int used = run_hot(reaper, now_ms);

	if (!reaper->sweeping && (reaper->wanted > reaper->sweep ||
				  reaper->sweep_due_ms <= now_ms)) {
		reaper->sweep++;
		reaper->sweeping = true;
		reaper->sweep_due_ms = now_ms + REAPER_SWEEP_MS;
	}
	if (reaper->sweeping)
		run_sweep(reaper, REAPER_SLICE - used);
}
