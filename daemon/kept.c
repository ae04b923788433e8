/* SPDX-License-Identifier: MIT */
#include "daemon/kept.h"

#include <stdlib.h>

#include "util/broken.h"

/*
 * To make a udmabuf the kernel pins its pages one by one and lists them, and to
 * close it it takes all that back; 4 MiB are a thousand pages each way. Cameras
 * return buffers and take them again at the same place, so what the evidence
 * has shown to be the daemon's alone waits for its run to be lent again.
 *
 * Only a backend that has object_renew() can have an object lent twice, and
 * says there why that is safe.  Here it is seen to that it happens only where
 * the second buffer is the same piece of memory with the same guard, and is
 * lent to the uid that the first one was lent to: what no count shows of an
 * earlier holder (an O_PATH descriptor, an entry of epoll) reaches no contents,
 * but shows a name and a state, and is thus never a stranger's.
 *
 * The run of what is kept is free or on its way to it; zeroing has nothing to
 * do with it.  Once any part of it is lent otherwise, the object goes, so no
 * two that are kept overlap.  It is in no registry, nobody is charged for it,
 * and no record speaks of it: after a restart it is gone.
 *
 * A request only unlinks what it displaces.  Descriptors are closed behind it,
 * a few at a time, and by the worker.
 */

#define FILES_SHARE 16

struct spare {
	struct list link; // kept::unused, kept::leaving
	RB_ENTRY(spare) by_run;
	const struct memory *memory;
	struct run whole;	   /* with its guard */
	struct object *object;	   /* owned; NULL: in a key */
	struct vault_entry *entry; /* owned; may be NULL */
	uint32_t uid;
	unsigned int period; /* in which it was left */
};

/* What overlaps is equal: there is one of it at most. */
static int by_run(const struct spare *a, const struct spare *b)
{
	if (a->memory != b->memory)
		return (uintptr_t)a->memory < (uintptr_t)b->memory ? -1 : 1;
	if (run_last(&a->whole) < b->whole.phys)
		return -1;
	return a->whole.phys > run_last(&b->whole);
}

RB_GENERATE_PRIVATE(kept_tree, spare, by_run, by_run)

static struct run whole_of(const struct object *object)
{
	return (struct run){object->run.phys,
			    object->run.size_bytes + object->guard_bytes};
}

/* Any one for a part of a run; NULL: there is none. */
static struct spare *find(struct kept *kept, const struct memory *memory,
			  const struct run *whole)
{
	struct spare key = {.memory = memory, .whole = *whole};

	return RB_FIND(kept_tree, &kept->runs, &key);
}

static void unlink_spare(struct kept *kept, struct spare *spare)
{
	(void)RB_REMOVE(kept_tree, &kept->runs, spare);
	list_remove(&spare->link);
	kept->n--;
}

/* The object is the caller's. */
static struct object *open_spare(struct spare *spare,
				 struct vault_entry **entryp)
{
	struct object *object = spare->object;

	*entryp = spare->entry;
	free(spare);
	return object;
}

/* ---- letting go ---------------------------------------------------------- */

static void let_go(struct kept *kept, struct spare *spare, bool now)
{
	struct vault_entry *entry;
	struct object *object;

	list_remove(&spare->link);
	object = open_spare(spare, &entry);
	(void)vault_erase(entry);
	if (now || !stock_leave_consume(kept->stock, object, 0))
		object->memory->backend->object_free(object);
}

static void dismiss(struct kept *kept, struct spare *spare)
{
	unlink_spare(kept, spare);
	list_append(&kept->leaving, &spare->link);
	if (!kept->leaving_timer_set)
		timer_set(kept->leaving_timer, KEPT_PAUSE_MS);
	kept->leaving_timer_set = true;
}

static void on_leaving(void *data)
{
	struct kept *kept = data;
	struct spare *spare;

	for (int i = 0; i < KEPT_SLICE; i++) {
		spare = list_first(&kept->leaving, struct spare, link);
		if (spare)
			let_go(kept, spare, false);
	}
	kept->leaving_timer_set = !list_empty(&kept->leaving);
	if (kept->leaving_timer_set)
		timer_set(kept->leaving_timer, 0);
}

void kept_drop(struct kept *kept, const struct memory *memory,
	       const struct run *run)
{
	struct spare *spare;

	while ((spare = find(kept, memory, run)))
		dismiss(kept, spare);
}

bool kept_empty(struct kept *kept)
{
	bool any = kept->n > 0 || !list_empty(&kept->leaving);
	struct spare *spare;

	while ((spare = list_first(&kept->unused, struct spare, link))) {
		unlink_spare(kept, spare);
		let_go(kept, spare, true);
	}
	while ((spare = list_first(&kept->leaving, struct spare, link)))
		let_go(kept, spare, true);
	return any;
}

/* What was left in a period before the last one. */
void kept_end_period(struct kept *kept)
{
	struct spare *spare;

	while ((spare = list_first(&kept->unused, struct spare, link)) &&
	       spare->period != kept->period)
		dismiss(kept, spare);
	kept->period++;
	kept->period_timer_set = kept->n > 0;
	if (kept->period_timer_set)
		timer_set(kept->period_timer, KEPT_PERIOD_MS);
}

static void on_period(void *data)
{
	kept_end_period(data);
}

/* ---- keeping ------------------------------------------------------------- */

static void add(struct kept *kept, struct spare *spare)
{
	spare->period = kept->period;
	list_append(&kept->unused, &spare->link);
	if (RB_INSERT(kept_tree, &kept->runs, spare))
		broken("two objects are kept for 0x%llx",
		       (unsigned long long)spare->whole.phys);
	kept->n++;
	if (!kept->period_timer_set)
		timer_set(kept->period_timer, KEPT_PERIOD_MS);
	kept->period_timer_set = true;
}

bool kept_leave_consume(struct kept *kept, struct object *object,
			struct vault_entry *entry, uint32_t uid)
{
	const struct backend *backend = object->memory->backend;
	struct spare *spare;

	if (kept->max_objects == 0 || !backend->object_renew)
		return false;
	spare = calloc(1, sizeof(*spare));
	if (!spare || backend->object_retire(object) < 0 || !vault_clear(entry)) {
		free(spare);
		return false;
	}
	spare->memory = object->memory;
	spare->whole = whole_of(object);
	spare->object = object;
	spare->entry = entry;
	spare->uid = uid;
	if (kept->n == kept->max_objects)
		dismiss(kept, list_first(&kept->unused, struct spare, link));
	add(kept, spare);
	return true;
}

static bool is_for(const struct spare *spare, const struct run *whole,
		   uint64_t guard_bytes, uint32_t uid)
{
	return spare->whole.phys == whole->phys &&
	       spare->whole.size_bytes == whole->size_bytes &&
	       spare->object->guard_bytes == guard_bytes && spare->uid == uid;
}

struct object *kept_take(struct kept *kept, struct memory *memory,
			 const struct run *run, uint32_t uid,
			 struct vault_entry **entryp)
{
	const struct run whole = {run->phys,
				  run->size_bytes + memory->guard_bytes};
	struct spare *spare = find(kept, memory, &whole);

	if (spare && is_for(spare, &whole, memory->guard_bytes, uid)) {
		unlink_spare(kept, spare);
		return open_spare(spare, entryp);
	}
	kept_drop(kept, memory, &whole);
	return NULL;
}

void kept_limit_files(struct kept *kept, uint64_t max_files)
{
	kept->max_objects = (size_t)(max_files / FILES_SHARE);
	while (kept->n > kept->max_objects)
		dismiss(kept, list_first(&kept->unused, struct spare, link));
}

int kept_init(struct kept *kept, struct loop *loop, struct stock *stock)
{
	int r;

	*kept = (struct kept){.stock = stock, .max_objects = KEPT_OBJECTS};
	RB_INIT(&kept->runs);
	list_init(&kept->unused);
	list_init(&kept->leaving);
	r = timer_new(&kept->period_timer, loop, on_period, kept);
	if (r == 0)
		r = timer_new(&kept->leaving_timer, loop, on_leaving, kept);
	return r;
}

void kept_deinit(struct kept *kept)
{
	if (!kept->period_timer) /* it was never made */
		return;
	(void)kept_empty(kept);
	kept->period_timer = timer_free(kept->period_timer);
	if (kept->leaving_timer)
		kept->leaving_timer = timer_free(kept->leaving_timer);
}
