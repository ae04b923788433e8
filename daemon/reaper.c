/* SPDX-License-Identifier: MIT */
#include "daemon/reaper.h"

#include "util/clock.h"

/*
 * Evidence has to be asked for, and asking costs: 0.5 us for a lease, 2.5 us
 * for a dma-buf's count (6.18, x86; several times that on a small board).  Ten
 * thousand buffers twelve times a second would be half a core.
 *
 * So a memfd is not asked at all while nothing happens: the kernel says when
 * an open file of it ends (closings.h).  One that was made ahead of its request
 * is armed from the beginning.  Any other is at its first look, 80 ms after it
 * was lent, which a short-lived buffer never sees.  What is armed is in no round
 * and wakes nobody.  The word may come a moment before the evidence
 * agrees, or be about one open file of several.  Such a buffer is in doubt: it
 * is looked at again after 10, 20, 40 ms and so on without end, so that it is
 * found soon after its holder is really gone, in proportion to how long that
 * took, and costs next to nothing otherwise.  Arming comes with each look, and
 * a word that comes while looks are 80 ms apart or less changes nothing: who
 * opens and closes in a loop causes 13 looks a second.
 *
 * A dma-buf has no such event, since all its descriptors are one open file, the
 * daemon's included.  Nor has a memfd where the kernel has no room to watch it.
 * They go round (round.h), quiet ones or draining ones, each round with a part
 * of a core to spend; a hint takes them out of it for a while.  With 2.5 us a
 * look, 250 quiet ones are seen every 80 ms, and 10,000 every 3 s.
 *
 * What looking costs is measured, in CPU time of this thread, around each
 * slice; the smoothed price of one look says how many make a slice that delays
 * a request by no more than a tenth of a millisecond.  Unlimited is only the
 * first look after a hint, of which each has its own cause, and what somebody
 * waits for who is short of memory: a sweep over all there is.
 *
 * What waking up costs is all CPU time from the last look to the next where the
 * thread woke up for nothing else.  A crowded round pays for it; buffers of one
 * that is not crowded are seen every 80 ms whatever that costs, and memory is
 * back within 100 ms without a hint.  So are a few draining ones where looks
 * are so dear that even a few were a crowd: a camera's, of which somebody still
 * is to let go.
 *
 * Sweeps are numbered for those who wait: a request that came while one was
 * under way needs the next one, since buffers that this one has already passed
 * may have come free.  Each buffer knows the last one that looked at it; the
 * list is turned like a wheel, whoever was looked at goes to the end.
 *
 * A buffer that cannot be asked (a negative errno) counts as held.
 */

static int by_due(const struct buffer *a, const struct buffer *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_PRIVATE(reaper_tree, buffer, by_due, by_due)

static const struct round_terms draining_terms = {
	.permille = REAPER_DRAINING_PERMILLE,
	.period_ms = REAPER_ROUND_MS,
	.rest_ms = REAPER_ROUND_MS,
	.few = REAPER_FEW,
};

static const struct round_terms quiet_terms = {
	.permille = REAPER_QUIET_PERMILLE,
	.period_ms = REAPER_ROUND_MS,
	.rest_ms = REAPER_REST_MS,
};

void reaper_init(struct reaper *reaper, struct closings *closings,
		 reaper_fn *fn, void *data)
{
	*reaper = (struct reaper){
		.closings = closings,
		.look_ns = REAPER_SLICE_NS / REAPER_SLICE_MIN,
		.cpu_ns = clock_cpu_ns,
		.fn = fn,
		.data = data,
	};
	list_init(&reaper->watched);
	list_init(&reaper->fresh);
	RB_INIT(&reaper->appointments);
	budget_init(&reaper->hot, REAPER_HOT_PERMILLE, REAPER_HOT_MS);
	round_init(&reaper->draining, &draining_terms);
	round_init(&reaper->quiet, &quiet_terms);
}

/* Takes a buffer away from where it waits for its next look. */
static void displace(struct reaper *reaper, struct buffer *buffer)
{
	if (buffer->appointed)
		(void)RB_REMOVE(reaper_tree, &reaper->appointments, buffer);
	if (buffer->round)
		round_leave(buffer->round, &buffer->round_link);
	else
		list_remove(&buffer->round_link);
	buffer->appointed = false;
	buffer->round = NULL;
}

static void appoint(struct reaper *reaper, struct buffer *buffer,
		    uint64_t due_ms)
{
	displace(reaper, buffer);
	buffer->due_ms = due_ms;
	buffer->appointed = true;
	(void)RB_INSERT(reaper_tree, &reaper->appointments, buffer);
}

static void join(struct round *round, struct buffer *buffer, uint64_t now_ms)
{
	buffer->round = round;
	round_join(round, &buffer->round_link, now_ms);
}

static bool will_be_told(const struct reaper *reaper,
			 const struct buffer *buffer)
{
	return reaper->closings &&
	       closing_is_armed(reaper->closings, &buffer->closing);
}

/* The time to the next look at a buffer in doubt. */
static uint64_t next_step(struct buffer *buffer)
{
	if (buffer->step_ms == 0)
		buffer->step_ms = REAPER_HOT_MS;
	else if (buffer->step_ms < REAPER_ROUND_MS || !buffer->told)
		buffer->step_ms *= 2;
	buffer->told = false;
	return buffer->step_ms;
}

/* Where a buffer that was found held waits for its next look. */
static void place(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms)
{
	displace(reaper, buffer);
	if (will_be_told(reaper, buffer)) {
		if (buffer->doubted)
			appoint(reaper, buffer, now_ms + next_step(buffer));
	} else if (buffer->hot_until_ms > now_ms) {
		appoint(reaper, buffer, now_ms + REAPER_HOT_MS);
	} else if (buffer->state == BUFFER_DRAINING) {
		join(&reaper->draining, buffer, now_ms);
	} else {
		join(&reaper->quiet, buffer, now_ms);
	}
}

static bool can_be_told(const struct reaper *reaper, const struct buffer *buffer)
{
	return reaper->closings && reaper->closings->fd >= 0 &&
	       buffer->region->memory->backend->close_events;
}

/* The worker has asked to be told of it already. */
static void adopt_watch(struct reaper *reaper, struct buffer *buffer)
{
	struct object *object = buffer->object;

	if (object->ready_watch <= 0 || !can_be_told(reaper, buffer))
		return;
	closing_adopt(reaper->closings, &buffer->closing, object->ready_watch);
	object->ready_watch = 0;
}

void reaper_add(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms)
{
	buffer->sweep = reaper->sweep;
	list_append(&reaper->watched, &buffer->watch_link);
	adopt_watch(reaper, buffer);
	if (will_be_told(reaper, buffer))
		return;
	if (can_be_told(reaper, buffer)) /* once and never again */
		appoint(reaper, buffer, now_ms + REAPER_ROUND_MS);
	else
		place(reaper, buffer, now_ms);
}

void reaper_remove(struct reaper *reaper, struct buffer *buffer)
{
	displace(reaper, buffer);
	list_remove(&buffer->watch_link);
	if (reaper->closings)
		closing_disarm(reaper->closings, &buffer->closing);
}

bool reaper_check(struct reaper *reaper, struct buffer *buffer)
{
	const struct backend *backend = buffer->region->memory->backend;

	if (buffer->pins > 0 || backend->object_held(buffer->object) != 0)
		return false;
	reaper->fn(reaper->data, buffer);
	return true;
}

/* As above, and has the kernel tell of the buffer from now on. */
static bool look(struct reaper *reaper, struct buffer *buffer)
{
	if (reaper_check(reaper, buffer))
		return true;
	if (!can_be_told(reaper, buffer) || will_be_told(reaper, buffer))
		return false;
	if (closing_arm(reaper->closings, &buffer->closing,
			buffer->object->fd) < 0)
		return false;
	/* nobody tells of what went in between */
	return reaper_check(reaper, buffer);
}

static bool is_fresh(const struct buffer *buffer)
{
	return !buffer->round && !list_empty(&buffer->round_link);
}

void reaper_hint(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms)
{
	buffer->hot_until_ms = now_ms + REAPER_HOT_FOR_MS;
	if (is_fresh(buffer))
		return;
	displace(reaper, buffer);
	list_append(&reaper->fresh, &buffer->round_link);
}

void reaper_hint_again(struct reaper *reaper, struct buffer *buffer,
		       uint64_t now_ms)
{
	buffer->hot_until_ms = now_ms + REAPER_HOT_FOR_MS;
	if (is_fresh(buffer) || will_be_told(reaper, buffer))
		return;
	if (!buffer->appointed || buffer->due_ms > now_ms + REAPER_HOT_MS)
		appoint(reaper, buffer, now_ms + REAPER_HOT_MS);
}

void reaper_told(struct reaper *reaper, struct closing *closing, uint64_t now_ms)
{
	struct buffer *buffer = container_of(closing, struct buffer, closing);

	buffer->told = true;
	if (!buffer->doubted) {
		buffer->doubted = true;
		reaper_hint(reaper, buffer, now_ms);
	} else if (buffer->appointed && buffer->step_ms > REAPER_ROUND_MS) {
		buffer->step_ms = REAPER_ROUND_MS;
		appoint(reaper, buffer, now_ms);
	}
}

void reaper_check_doubts(struct reaper *reaper)
{
	struct buffer *buffer = RB_MIN(reaper_tree, &reaper->appointments);

	for (int n = 0; buffer && n < REAPER_SLICE_MIN; n++) {
		struct buffer *next =
			RB_NEXT(reaper_tree, &reaper->appointments, buffer);

		if (buffer->doubted && buffer->step_ms <= REAPER_HOT_MS)
			(void)reaper_check(reaper, buffer);
		buffer = next;
	}
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

static uint64_t appointments_due_ms(struct reaper *reaper, uint64_t now_ms)
{
	const struct buffer *first = RB_MIN(reaper_tree, &reaper->appointments);
	uint64_t paid_ms;

	if (!first)
		return UINT64_MAX;
	paid_ms = now_ms + budget_wait_ms(&reaper->hot, now_ms);
	return first->due_ms > paid_ms ? first->due_ms : paid_ms;
}

int64_t reaper_delay_ms(struct reaper *reaper, uint64_t now_ms)
{
	uint64_t due = UINT64_MAX, at;

	if (list_empty(&reaper->watched))
		return -1;
	if (reaper->sweeping || reaper->wanted > reaper->sweep ||
	    !list_empty(&reaper->fresh))
		return 0;
	due = appointments_due_ms(reaper, now_ms);
	at = round_due_ms(&reaper->draining, reaper->look_ns, now_ms);
	due = at < due ? at : due;
	at = round_due_ms(&reaper->quiet, reaper->look_ns, now_ms);
	due = at < due ? at : due;
	if (due == UINT64_MAX)
		return -1;
	return due > now_ms ? (int64_t)(due - now_ms) : 0;
}

/* Those to be looked at now, one after the other; NULL: no more. */
typedef struct buffer *next_fn(struct reaper *reaper, uint64_t now_ms);

static struct buffer *next_fresh(struct reaper *reaper, uint64_t now_ms)
{
	(void)now_ms;
	return list_first(&reaper->fresh, struct buffer, round_link);
}

static struct buffer *next_appointment(struct reaper *reaper, uint64_t now_ms)
{
	struct buffer *buffer = RB_MIN(reaper_tree, &reaper->appointments);

	if (!buffer || buffer->due_ms > now_ms)
		return NULL;
	displace(reaper, buffer);
	return buffer;
}

static struct buffer *next_of_round(const struct reaper *reaper,
				    struct round *round, uint64_t now_ms)
{
	struct list *link = round_next(round, reaper->look_ns, now_ms);

	return link ? container_of(link, struct buffer, round_link) : NULL;
}

static struct buffer *next_draining(struct reaper *reaper, uint64_t now_ms)
{
	return next_of_round(reaper, &reaper->draining, now_ms);
}

static struct buffer *next_quiet(struct reaper *reaper, uint64_t now_ms)
{
	return next_of_round(reaper, &reaper->quiet, now_ms);
}

static struct buffer *next_swept(struct reaper *reaper, uint64_t now_ms)
{
	struct buffer *buffer =
		list_first(&reaper->watched, struct buffer, watch_link);

	(void)now_ms;
	if (!reaper->sweeping && reaper->wanted > reaper->sweep) {
		reaper->sweep++;
		reaper->sweeping = true;
	}
	if (!buffer || buffer->sweep == reaper->sweep) {
		reaper->sweeping = false;
		return NULL;
	}
	buffer->sweep = reaper->sweep;
	list_remove(&buffer->watch_link);
	list_append(&reaper->watched, &buffer->watch_link);
	return buffer;
}

/* Who is looked at, and at whose expense; neither: whatever it costs. */
struct source {
	next_fn *next;
	struct budget *budget;
	struct round *round;
};

/* How many looks a source may take at once where there is room for so many. */
static unsigned int affordable(const struct reaper *reaper,
			       const struct source *source, uint64_t now_ms,
			       unsigned int room)
{
	if (source->round)
		return round_room(source->round, reaper->look_ns, now_ms, room);
	if (source->budget && !budget_has(source->budget, now_ms))
		return 0;
	return room;
}

/* What looks cost, and what it took to wake up for them. */
static void pay(struct reaper *reaper, const struct source *source,
		uint64_t now_ms, uint64_t ns)
{
	if (source->round)
		round_pay(source->round, reaper->look_ns, ns, reaper->waking_ns,
			  now_ms);
	else if (source->budget)
		budget_spend(source->budget, ns);
	reaper->waking_ns = 0;
}

/* Looks at what a source has, at so many at most; returns at how many. */
static unsigned int run(struct reaper *reaper, const struct source *source,
			uint64_t now_ms, unsigned int room)
{
	struct buffer *buffer;
	unsigned int n;
	uint64_t ns;

	room = affordable(reaper, source, now_ms, room);
	for (n = 0; n < room && (buffer = source->next(reaper, now_ms)); n++)
		if (!look(reaper, buffer) && !buffer->appointed)
			place(reaper, buffer, now_ms);
	if (n == 0)
		return 0;
	ns = reaper->cpu_ns() - reaper->done_ns;
	reaper->done_ns += ns;
	pay(reaper, source, now_ms, ns);
	reaper->look_ns = (7 * reaper->look_ns + ns / n) / 8;
	return n;
}

/* How many looks make a slice. */
static unsigned int slice(const struct reaper *reaper)
{
	uint64_t n = REAPER_SLICE_NS / (reaper->look_ns + 1);

	if (n > REAPER_SLICE)
		return REAPER_SLICE;
	return n < REAPER_SLICE_MIN ? REAPER_SLICE_MIN : (unsigned int)n;
}

static void turn(struct reaper *reaper, uint64_t now_ms)
{
	const struct source sources[] = {
		{next_fresh, NULL, NULL},
		{next_appointment, &reaper->hot, NULL},
		{next_draining, NULL, &reaper->draining},
		{next_quiet, NULL, &reaper->quiet},
		{next_swept, NULL, NULL},
	};
	unsigned int room = slice(reaper);

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		room -= run(reaper, &sources[i], now_ms, room);
}

void reaper_run(struct reaper *reaper, uint64_t now_ms)
{
	reaper->waking_ns = 0;
	reaper->done_ns = reaper->cpu_ns();
	turn(reaper, now_ms);
}

void reaper_run_alone(struct reaper *reaper, uint64_t now_ms)
{
	uint64_t ns = reaper->cpu_ns();

	if (reaper->done_ns > 0)
		reaper->waking_ns += ns - reaper->done_ns;
	reaper->done_ns = ns;
	turn(reaper, now_ms);
}
