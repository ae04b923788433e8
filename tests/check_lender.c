/* SPDX-License-Identifier: MIT */
#include "daemon/lender.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "daemon/attempt.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/plug.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/list.h"
#include "util/log.h"

/*
 * The lender with a real loop and worker, and a backend in the test's hands:
 * what waits, for what, and for how long.
 */

#define MIB (UINT64_C(1) << 20)

static struct loop *loop;
static struct lender *lender;
static struct fake fake;
static struct region *region;
static struct owner owner;
static int n_done;

/* One request and what came of it; -1: not decided. */
struct ask {
	struct loan *loan;
	int result;
	int order; /* among those decided */
};

static void decided(struct loan *loan, int result)
{
	struct ask *ask = loan->data;

	ck_assert_int_eq(ask->result, -1);
	ask->result = result;
	ask->order = ++n_done;
}

static void before(void)
{
	n_done = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	region = fake_region(&fake, 1, "test", 8 * MIB, true);
	region->dirt.ticketp = &lender->ticket;
	ck_assert_int_eq(lender_add_region_consume(lender, region), 0);
	ck_assert_int_eq(owner_init(&owner, &lender->accounts, 1000), 0);
}

static void after(void)
{
	lender_owner_gone(lender, &owner);
	owner_deinit(&owner);
	lender = lender_free(lender);
	loop = loop_free(loop);
	fake_deinit(&fake);
}

static void ask_for(struct ask *ask, uint64_t size_bytes, uint32_t count)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
	};

	*ask = (struct ask){.result = -1};
	ask->loan = loan_new(&want, &owner, decided, ask);
	ck_assert_ptr_nonnull(ask->loan);
	lender_allocate(lender, ask->loan);
}

/* Ends the request; its buffers stay lent. */
static void forget(struct ask *ask)
{
	ask->loan = loan_free(ask->loan);
}

static void let_go(struct ask *ask)
{
	for (size_t i = 0; i < ask->loan->n_lent; i++)
		fake_set_held(ask->loan->buffers[i]->object, false);
}

static void wait_for(const struct ask *ask)
{
	while (ask->result < 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
}

/* Turns the loop without waiting, so that all that is due is done. */
static void turn(int n)
{
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(loop_turn(loop, false), 0);
}

/* The worker is busy for longer than any moment that is granted to what
 * drains. */
static void outlast_grace(const struct ask *ask)
{
	for (uint64_t end = clock_ms() + 2 * ATTEMPT_GRACE_MAX_MS;
	     clock_ms() < end;)
		turn(1);
	ck_assert_int_eq(ask->result, -1);
}

START_TEST(served_at_once)
{
	struct ask ask;

	ask_for(&ask, MIB, 3);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_uint_eq(lender->allocations, 3);
	ck_assert_uint_eq(lender->registry.n_buffers, 3);
	ck_assert_ptr_eq(registry_find(&lender->registry, 1),
			 ask.loan->buffers[0]);
	ck_assert_uint_eq(region->lent_bytes, 3 * MIB);
	forget(&ask);
}
END_TEST

START_TEST(never_possible_is_refused_at_once)
{
	struct ask ask;

	ask_for(&ask, 8 * MIB + 1, 1);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_TOO_LARGE);
	ck_assert_uint_eq(lender->refusals, 1);
	ck_assert_ptr_nonnull(strstr(ask.loan->refusal.text, "'test'"));
	forget(&ask);
	ask_for(&ask, MIB, 9); /* one would fit, nine never will */
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_FULL);
	forget(&ask);
}
END_TEST

/* Nobody said a word, but the holder is gone: a shortage finds out. */
START_TEST(shortage_looks_for_itself)
{
	struct ask all, more;

	ask_for(&all, 8 * MIB, 1);
	let_go(&all);
	forget(&all);
	ask_for(&more, 8 * MIB, 1);
	ck_assert_int_eq(more.result, -1);
	wait_for(&more);
	ck_assert_int_eq(more.result, 0);
	ck_assert_uint_eq(fake.zeroed_bytes, 8 * MIB); /* and was cleaned */
	ck_assert_uint_eq(more.loan->buffers[0]->id, 2);
	forget(&more);
}
END_TEST

START_TEST(held_is_refused_after_one_look)
{
	struct ask all, more;
	uint64_t begin = clock_ms();

	ask_for(&all, 8 * MIB, 1);
	ask_for(&more, 4096, 1);
	wait_for(&more);
	ck_assert_int_eq(more.result, CONTIG_MSG_R_FULL);
	/* and whatever the reaper's own rounds have come to meanwhile */
	ck_assert_uint_ge(fake.n_asked, 1);
	ck_assert_uint_le(fake.n_asked,
			  1 + (clock_ms() - begin) / REAPER_ROUND_MS);
	ck_assert_uint_eq(more.loan->refusal.free_bytes, 0);
	forget(&more);
	forget(&all);
}
END_TEST

/* A process that is just dying lets go a little later than it says.  False where
 * this one was kept waiting for so long that the moment was over. */
static bool gets_a_moment(void)
{
	struct ask all, more;
	uint64_t begin;
	bool judged;

	ask_for(&all, 8 * MIB, 1);
	begin = clock_ms();
	lender_hint(lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(region->draining_bytes, 8 * MIB);
	ask_for(&more, MIB, 1);
	turn(5);
	judged = clock_ms() - begin < ATTEMPT_GRACE_MS;
	ck_assert(more.result == -1 || !judged);
	let_go(&all);
	wait_for(&more);
	ck_assert(more.result == 0 || !judged);
	let_go(&more);
	while (region->n_buffers > 0 || region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	forget(&more);
	forget(&all);
	return judged;
}

START_TEST(what_began_to_drain_gets_a_moment)
{
	while (!gets_a_moment())
		;
}
END_TEST

START_TEST(the_moment_ends)
{
	struct ask all, more;
	uint64_t begin;

	ask_for(&all, 8 * MIB, 1);
	begin = clock_ms();
	lender_hint(lender, all.loan->buffers[0], true);
	ask_for(&more, MIB, 1);
	wait_for(&more);
	ck_assert_int_eq(more.result, CONTIG_MSG_R_FULL);
	ck_assert_uint_eq(more.loan->refusal.draining_bytes, 8 * MIB);
	ck_assert_uint_ge(clock_ms() - begin, ATTEMPT_GRACE_MS);
	forget(&more);
	forget(&all);
}
END_TEST

START_TEST(parked_ones_are_served_in_order)
{
	struct ask all, asks[4];

	ask_for(&all, 2 * MIB, 4);
	lender_hint(lender, all.loan->buffers[0], true);
	for (int i = 0; i < 4; i++)
		ask_for(&asks[i], 2 * MIB, 1);
	let_go(&all);
	for (int i = 0; i < 4; i++) {
		wait_for(&asks[i]);
		ck_assert_int_eq(asks[i].result, 0);
		ck_assert_int_eq(asks[i].order, i + 2);
		forget(&asks[i]);
	}
	forget(&all);
}
END_TEST

START_TEST(large_one_does_not_hold_up_a_small_one)
{
	struct ask lent[2], large, small;

	ask_for(&lent[0], 4 * MIB, 1);
	ask_for(&lent[1], 4 * MIB, 1);
	lender_hint(lender, lent[0].loan->buffers[0], true);
	lender_hint(lender, lent[1].loan->buffers[0], true);
	ask_for(&large, 8 * MIB, 1);
	ask_for(&small, MIB, 1);
	let_go(&lent[0]);
	wait_for(&small);
	ck_assert_int_eq(small.result, 0);
	wait_for(&large);
	ck_assert_int_gt(large.result, 0);
	forget(&lent[0]);
	forget(&lent[1]);
	forget(&large);
	forget(&small);
}
END_TEST

START_TEST(cancelled_one_is_forgotten)
{
	struct ask all, more;

	ask_for(&all, 8 * MIB, 1);
	ask_for(&more, MIB, 1);
	ck_assert_int_eq(more.result, -1);
	lender_cancel(lender, more.loan);
	forget(&more);
	let_go(&all);
	turn(10);
	ck_assert_int_eq(more.result, -1);
	forget(&all);
}
END_TEST

/* Memory that starts dirty: requests wait for zeroing, piece by piece. */
START_TEST(start_up_dirt_is_waited_for)
{
	static struct fake other;
	struct region *dirty = fake_region(&other, 2, "dirty", 64 * MIB, false);
	struct ask ask;

	dirty->dirt.ticketp = &lender->ticket; /* as setup makes it */
	lender->ticket = other.ticket;
	region->is_default = false;
	dirty->is_default = true;
	ck_assert_int_eq(lender_add_region_consume(lender, dirty), 0);
	ask_for(&ask, 64 * MIB, 1);
	ck_assert_int_eq(ask.result, -1);
	wait_for(&ask);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_uint_eq(other.zeroed_bytes, 64 * MIB);
	forget(&ask);
	ask_for(&ask, 4096, 1);
	wait_for(&ask);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_FULL);
	forget(&ask);
}
END_TEST

START_TEST(hint_of_a_stranger_changes_nothing)
{
	struct ask ask;

	ask_for(&ask, MIB, 1);
	lender_hint(lender, ask.loan->buffers[0], false);
	ck_assert_int_eq(ask.loan->buffers[0]->state, BUFFER_LENT);
	let_go(&ask);
	lender_hint(lender, ask.loan->buffers[0], false);
	ck_assert_uint_eq(lender->registry.n_buffers, 0);
	forget(&ask);
}
END_TEST

START_TEST(orphans_end_when_they_are_let_go)
{
	struct ask ask;

	ask_for(&ask, MIB, 2);
	fake_set_held(ask.loan->buffers[0]->object, false);
	lender_owner_gone(lender, &owner);
	ck_assert_uint_eq(region->draining_bytes, 2 * MIB);
	turn(5);
	ck_assert_uint_eq(lender->registry.n_buffers, 1);
	ck_assert_uint_eq(region->draining_bytes, MIB);
	fake_set_held(ask.loan->buffers[1]->object, false);
	while (lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(region->draining_bytes, 0);
	forget(&ask);
}
END_TEST

static void copied(struct bounce *bounce, int result)
{
	ck_assert_int_eq(result, 0);
	n_done++;
	(void)lender_bounce_free(lender, bounce);
}

/* A buffer that is copied does not end, even when nobody holds it. */
START_TEST(copy_keeps_the_buffer)
{
	const struct bounce what = {
		.direction = BOUNCE_FROM_CLIENT,
		.length_bytes = MIB,
		.done = copied,
	};
	struct ask ask;

	ask_for(&ask, MIB, 1);
	ck_assert_ptr_nonnull(lender_bounce(lender, ask.loan->buffers[0], &what));
	let_go(&ask);
	lender_hint(lender, ask.loan->buffers[0], true);
	ck_assert_uint_eq(lender->registry.n_buffers, 1);
	while (lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_int_eq(n_done, 2);
	forget(&ask);
}
END_TEST

/* ---- while memory is being cleaned --------------------------------------- */

/* Zeroing takes as long as it takes: nobody is told "no memory" meanwhile, and
 * who needs none of it does not wait. */
START_TEST(cleaning_is_waited_for_by_those_who_need_it)
{
	struct ask all, small, large;
	struct plug plug;

	fake_can_discard(&fake);
	ask_for(&all, 6 * MIB, 1);
	plug_worker(&plug, lender->worker); /* as if it were zeroing */
	let_go(&all);
	lender_hint(lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(region->dirt.bytes, 6 * MIB);
	ask_for(&small, MIB, 1);
	ck_assert_int_eq(small.result, 0);
	ask_for(&large, 6 * MIB, 1);
	outlast_grace(&large);
	ck_assert_uint_eq(fake.zeroed_bytes, 0);
	ck_assert_uint_eq(fake.discarded_bytes, 0);
	plug_pull(&plug, loop);
	wait_for(&large);
	ck_assert_int_eq(large.result, 0);
	ck_assert_uint_eq(fake.zeroed_bytes, 6 * MIB);
	ck_assert_uint_eq(fake.discarded_bytes, 6 * MIB);
	forget(&large);
	forget(&small);
	forget(&all);
}
END_TEST

/* ---- with guards --------------------------------------------------------- */

/* A region with guards in place of the other one, as the default. */
static void use_guards(uint64_t size_bytes)
{
	static struct fake guarded_fake;
	struct region *guarded =
		fake_guarded_region(&guarded_fake, size_bytes, FAKE_GRANULE);

	guarded->id = 2;
	guarded->dirt.ticketp = &lender->ticket;
	region->is_default = false;
	region = guarded;
	ck_assert_int_eq(lender_add_region_consume(lender, guarded), 0);
}

static struct fake *guarded_fake_of(const struct region *guarded)
{
	return container_of(guarded->memory, struct fake, memory);
}

START_TEST(guards_are_filled_before_anybody_gets_the_buffer)
{
	struct plug plug;
	struct ask ask;

	use_guards(MIB);
	plug_worker(&plug, lender->worker);
	ask_for(&ask, 4096, CONTIG_MSG_MAX_BUFFERS);
	turn(5);
	ck_assert_int_eq(ask.result, -1);
	ck_assert_uint_eq(lender->allocations, 0);
	ck_assert_uint_eq(guarded_fake_of(region)->n_guarded, 0);
	plug_pull(&plug, loop);
	wait_for(&ask);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_uint_eq(lender->allocations, CONTIG_MSG_MAX_BUFFERS);
	ck_assert_uint_eq(ask.loan->n_lent, CONTIG_MSG_MAX_BUFFERS);
	for (size_t i = 0; i < CONTIG_MSG_MAX_BUFFERS; i++) {
		ck_assert(ask.loan->buffers[i]->guard_filled);
		ck_assert_uint_eq(ask.loan->buffers[i]->pins, 0);
		ck_assert_int_ge(ask.loan->fds[i], 0);
	}
	forget(&ask);
}
END_TEST

/* Requests without guards do not wait for what the worker does. */
START_TEST(other_regions_are_as_fast_as_ever)
{
	struct region *plain = region;
	struct plug plug;
	struct ask ask, guarded;

	use_guards(MIB);
	plug_worker(&plug, lender->worker);
	ask_for(&guarded, 4096, 1);
	region->is_default = false;
	plain->is_default = true;
	ask_for(&ask, MIB, 2);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_int_eq(guarded.result, -1);
	plug_pull(&plug, loop);
	wait_for(&guarded);
	forget(&guarded);
	forget(&ask);
}
END_TEST

START_TEST(damage_is_found_on_return)
{
	struct ask ask;

	log_set_level(0);
	use_guards(MIB);
	ask_for(&ask, 4096, 2);
	wait_for(&ask);
	fake_guard(ask.loan->buffers[1]->object)[100] = 0;
	let_go(&ask);
	lender_hint(lender, ask.loan->buffers[0], true);
	lender_hint(lender, ask.loan->buffers[1], true);
	forget(&ask);
	while (region->n_buffers > 0 || region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(region->damaged_guards, 1);
	/* the guards too: what was written there is nobody's to see */
	ck_assert_uint_eq(guarded_fake_of(region)->zeroed_bytes, 4 * 4096);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
}
END_TEST

/* All memory is on its way back and none of it dirty yet: a request waits for
 * the look at the guard, and for the zeroing behind it. */
START_TEST(shortage_waits_for_the_look_at_guards)
{
	struct ask all, more;
	struct plug plug;

	use_guards(MIB);
	ask_for(&all, MIB - FAKE_GRANULE, 1);
	wait_for(&all);
	plug_worker(&plug, lender->worker);
	let_go(&all);
	lender_hint(lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(lender->registry.n_buffers, 0);
	ck_assert_uint_eq(region->n_buffers, 1);
	ask_for(&more, MIB - FAKE_GRANULE, 1);
	outlast_grace(&more);
	plug_pull(&plug, loop);
	wait_for(&more);
	ck_assert_int_eq(more.result, 0);
	ck_assert_uint_eq(guarded_fake_of(region)->zeroed_bytes, MIB);
	forget(&more);
	forget(&all);
}
END_TEST

START_TEST(guards_make_a_region_full)
{
	struct ask ask, more;

	use_guards(8 * FAKE_GRANULE);
	ask_for(&ask, FAKE_GRANULE, 5); /* ten granules, with their guards */
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_FULL);
	ck_assert_uint_eq(ask.loan->refusal.requested_bytes, 10 * FAKE_GRANULE);
	forget(&ask);
	ask_for(&ask, FAKE_GRANULE, 4);
	wait_for(&ask);
	ck_assert_int_eq(ask.result, 0);
	ask_for(&more, FAKE_GRANULE, 1);
	wait_for(&more);
	ck_assert_int_eq(more.result, CONTIG_MSG_R_FULL);
	ck_assert_ptr_nonnull(strstr(more.loan->refusal.text, "guard of 4K"));
	forget(&more);
	forget(&ask);
}
END_TEST

START_TEST(guard_that_cannot_be_filled_refuses)
{
	struct ask ask;

	log_set_level(0);
	use_guards(MIB);
	guarded_fake_of(region)->guard_result = -ENOSPC;
	guarded_fake_of(region)->hold_new = false;
	ask_for(&ask, 4096, 3);
	wait_for(&ask);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_RESOURCE);
	ck_assert_str_eq(ask.loan->refusal.text,
			 "region 'guarded': its guards cannot be filled: No "
			 "space left on device");
	ck_assert_uint_eq(ask.loan->n_lent, 0);
	ck_assert_uint_eq(lender->allocations, 0);
	ck_assert_uint_eq(lender->refusals, 1);
	forget(&ask);
	while (region->n_buffers > 0 || region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(region->damaged_guards, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
}
END_TEST

/* The client goes while the worker fills: nothing is lost. */
START_TEST(cancelled_while_guards_are_filled)
{
	struct plug plug;
	struct ask ask;

	use_guards(MIB);
	plug_worker(&plug, lender->worker);
	guarded_fake_of(region)->hold_new = false; /* but for the loan's own */
	ask_for(&ask, 4096, 3);
	ck_assert_int_eq(ask.result, -1);
	lender_cancel(lender, ask.loan);
	forget(&ask);
	lender_owner_gone(lender, &owner);
	turn(5);
	ck_assert_uint_eq(region->n_buffers, 3);
	plug_pull(&plug, loop);
	while (region->n_buffers > 0 || region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_int_eq(ask.result, -1);
	ck_assert_uint_eq(region->damaged_guards, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
}
END_TEST

static void inspected(struct patrol *patrol, int result)
{
	ck_assert_int_eq(result, 0);
	n_done++;
	*(struct patrol **)patrol->data = patrol;
}

/* While it is looked at it stays, and then goes as ever. */
START_TEST(inspection_keeps_the_buffer)
{
	struct patrol *patrol = NULL;
	struct ask ask;

	log_set_level(0);
	use_guards(MIB);
	ask_for(&ask, 4096, 2);
	wait_for(&ask);
	fake_guard(ask.loan->buffers[0]->object)[0] = 0;
	ck_assert_ptr_nonnull(
		lender_inspect(lender, NULL, 0, inspected, &patrol));
	let_go(&ask);
	lender_hint(lender, ask.loan->buffers[0], true);
	ck_assert_uint_eq(lender->registry.n_buffers, 2);
	while (!patrol)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(patrol->n, 2);
	ck_assert_uint_eq(patrol->buffers[0]->damage.bytes, 1);
	ck_assert_ptr_null(lender_patrol_free(lender, patrol));
	forget(&ask);
	while (region->n_buffers > 0 || region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(region->damaged_guards, 1); /* told once */
}
END_TEST

START_TEST(ends_in_the_middle_of_guards)
{
	struct ask lent, ask;
	struct patrol *patrol = NULL;

	use_guards(MIB);
	ask_for(&lent, 4096, 2);
	wait_for(&lent);
	ck_assert_ptr_nonnull(
		lender_inspect(lender, region, 1, inspected, &patrol));
	fake_set_held(lent.loan->buffers[0]->object, false);
	lender_hint(lender, lent.loan->buffers[0], true);
	forget(&lent);
	ask_for(&ask, 4096, 3);
	lender_cancel(lender, ask.loan);
	forget(&ask);
}
END_TEST

START_TEST(ends_in_the_middle_of_everything)
{
	const struct bounce what = {
		.direction = BOUNCE_FROM_CLIENT,
		.length_bytes = MIB,
		.done = copied,
	};
	struct ask ask, parked;

	ask_for(&ask, MIB, 7);
	ck_assert_ptr_nonnull(lender_bounce(lender, ask.loan->buffers[0], &what));
	ask_for(&parked, 2 * MIB, 1);
	ck_assert_int_eq(parked.result, -1);
	lender_cancel(lender, parked.loan);
	forget(&parked);
	forget(&ask);
}
END_TEST

static uint64_t spent_ns;

static uint64_t spent(void)
{
	return spent_ns;
}

static void nothing(void *data)
{
	(void)data;
}

/* Turns until the reaper has looked once more, after so much CPU time. */
static void look_after(uint64_t ns)
{
	size_t n = fake.n_asked;

	spent_ns += ns;
	while (fake.n_asked == n)
		ck_assert_int_eq(loop_turn(loop, true), 0);
}

/* The reaper pays for waking up where nobody else was served, as somebody is
 * at first, each time. */
START_TEST(who_wakes_up_alone_pays)
{
	const struct budget *budget = &lender->reaper.quiet.budget;
	const int64_t much_ns = 10 * budget->burst_ns;
	struct watch *watch;
	struct ask ask;
	int fd;

	lender->reaper.cpu_ns = spent;
	ask_for(&ask, MIB, 1);
	look_after(1);
	lender->reaper.look_ns = (uint64_t)much_ns; /* it is crowded */
	fd = eventfd(1, EFD_CLOEXEC);
	ck_assert_int_eq(watch_new(&watch, loop, fd, LOOP_READ, nothing, NULL),
			 0);
	look_after((uint64_t)much_ns);
	ck_assert_int_gt(budget->left_ns, 0);
	(void)watch_free(watch);
	(void)fd_close(fd);
	look_after((uint64_t)much_ns);
	ck_assert_int_lt(budget->left_ns, 0);
	forget(&ask);
}
END_TEST

/* The fewer are left, the sooner they are looked at. */
START_TEST(whoever_goes_shortens_the_rest)
{
	struct reaper *reaper = &lender->reaper;
	struct ask ask;
	uint64_t due_ms;

	reaper->cpu_ns = spent;
	ask_for(&ask, MIB, 2);
	look_after(1);
	/* two of them rest for most of a second, one for half of that */
	reaper->look_ns = REAPER_REST_MS * REAPER_RESTS *
			  REAPER_QUIET_PERMILLE * 1000 / 2;
	look_after((uint64_t)reaper->quiet.budget.burst_ns);
	due_ms = lender->reaper_due_ms;
	ck_assert_uint_gt(due_ms, clock_ms() + REAPER_REST_MS / 2);
	fake_set_held(ask.loan->buffers[0]->object, false);
	lender_hint(lender, ask.loan->buffers[0], true);
	ck_assert_uint_eq(lender->registry.n_buffers, 1);
	ck_assert_uint_le(lender->reaper_due_ms, due_ms - REAPER_REST_MS / 4);
	forget(&ask);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lender");
	TCase *tcase = harness_case(suite, "lender");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, served_at_once);
	tcase_add_test(tcase, never_possible_is_refused_at_once);
	tcase_add_test(tcase, shortage_looks_for_itself);
	tcase_add_test(tcase, held_is_refused_after_one_look);
	tcase_add_test(tcase, what_began_to_drain_gets_a_moment);
	tcase_add_test(tcase, the_moment_ends);
	tcase_add_test(tcase, parked_ones_are_served_in_order);
	tcase_add_test(tcase, large_one_does_not_hold_up_a_small_one);
	tcase_add_test(tcase, cancelled_one_is_forgotten);
	tcase_add_test(tcase, start_up_dirt_is_waited_for);
	tcase_add_test(tcase, hint_of_a_stranger_changes_nothing);
	tcase_add_test(tcase, orphans_end_when_they_are_let_go);
	tcase_add_test(tcase, copy_keeps_the_buffer);
	tcase_add_test(tcase, cleaning_is_waited_for_by_those_who_need_it);
	tcase_add_test(tcase, guards_are_filled_before_anybody_gets_the_buffer);
	tcase_add_test(tcase, other_regions_are_as_fast_as_ever);
	tcase_add_test(tcase, damage_is_found_on_return);
	tcase_add_test(tcase, shortage_waits_for_the_look_at_guards);
	tcase_add_test(tcase, guards_make_a_region_full);
	tcase_add_test(tcase, guard_that_cannot_be_filled_refuses);
	tcase_add_test(tcase, cancelled_while_guards_are_filled);
	tcase_add_test(tcase, inspection_keeps_the_buffer);
	tcase_add_test(tcase, ends_in_the_middle_of_guards);
	tcase_add_test(tcase, ends_in_the_middle_of_everything);
	tcase_add_test(tcase, who_wakes_up_alone_pays);
	tcase_add_test(tcase, whoever_goes_shortens_the_rest);
	return harness_run(suite);
}
