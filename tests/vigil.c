/* SPDX-License-Identifier: MIT */
#include "tests/vigil.h"

/*
 * The reaper asks for CPU time without saying who it is, as it would ask the
 * kernel, so the vigil that is held stands in a variable.
 */

static const struct vigil *held;

uint64_t vigil_spent_ns(const struct vigil *vigil)
{
	return vigil->lot.fake.n_asked * vigil->look_ns + vigil->idle_ns;
}

static uint64_t cpu_ns(void)
{
	return vigil_spent_ns(held);
}

static void ended(void *data, struct buffer *buffer)
{
	struct vigil *vigil = data;

	reaper_remove(&vigil->reaper, buffer);
	lot_end(&vigil->lot, buffer);
}

void vigil_begin(struct vigil *vigil, struct closings *closings, size_t n)
{
	held = vigil;
	vigil->idle_ns = 0;
	vigil->n_seen = 0;
	lot_init(&vigil->lot, n);
	vigil->lot.fake.backend.close_events = closings != NULL;
	reaper_init(&vigil->reaper, closings, ended, vigil);
	vigil->reaper.cpu_ns = cpu_ns;
	vigil->now = 1000;
	for (size_t i = 0; i < n; i++)
		reaper_add(&vigil->reaper, vigil->lot.buffers[i], vigil->now);
}

void vigil_let_go(struct vigil *vigil, size_t i)
{
	fake_set_held(vigil->lot.buffers[i]->object, false);
}

void vigil_take(struct vigil *vigil, size_t i)
{
	ended(vigil, vigil->lot.buffers[i]);
}

size_t vigil_looks(struct vigil *vigil)
{
	size_t n = vigil->lot.fake.n_asked - vigil->n_seen;

	vigil->n_seen += n;
	return n;
}

size_t vigil_until(struct vigil *vigil, uint64_t end)
{
	size_t turns = 0;
	int64_t delay;

	while ((delay = reaper_delay_ms(&vigil->reaper, vigil->now)) >= 0 &&
	       vigil->now + (uint64_t)delay <= end) {
		vigil->now += (uint64_t)delay;
		vigil->sleeps += delay > 0;
		vigil->idle_ns += vigil->turn_ns;
		vigil->idle_ns += delay > 0 ? vigil->wake_ns : 0;
		reaper_run_alone(&vigil->reaper, vigil->now);
		turns++;
	}
	vigil->now = end;
	return turns;
}
