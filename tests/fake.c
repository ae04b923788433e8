/* SPDX-License-Identifier: MIT */
#include "tests/fake.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/fd.h"
#include "util/list.h"

struct fake_object {
	struct object object;
	bool held;
	unsigned char *guard;
};

static struct fake *fake_of(struct memory *memory)
{
	return container_of(memory, struct fake, memory);
}

static bool spend(size_t *left)
{
	if (*left == 0)
		return false;
	if (*left != SIZE_MAX)
		(*left)--;
	return true;
}

static void fake_close(struct memory *memory)
{
	struct fake *fake = fake_of(memory);

	ck_assert_uint_eq(fake->n_objects, 0);
}

static int fake_object_new(struct memory *memory, const struct run *run,
			   const char *name, struct object **objectp,
			   struct error *why)
{
	static ino_t inode;
	struct fake *fake = fake_of(memory);
	struct fake_object *made;

	(void)name;
	if (!spend(&fake->objects_left))
		return error_set(why, fake->failure, "the fake makes no more");
	made = calloc(1, sizeof(*made));
	ck_assert_ptr_nonnull(made);
	made->held = fake->hold_new;
	made->object.memory = memory;
	made->object.run = *run;
	made->object.guard_bytes = memory->guard_bytes;
	made->guard = calloc(1, memory->guard_bytes + 1);
	ck_assert_ptr_nonnull(made->guard);
	made->object.fd = -1;
	made->object.device = 1;
	made->object.inode = ++inode;
	made->object.token = 0x1000 + inode;
	(void)pthread_mutex_lock(&fake->lock);
	fake->n_objects++;
	(void)pthread_mutex_unlock(&fake->lock);
	*objectp = &made->object;
	return 0;
}

static void fake_object_free(struct object *object)
{
	struct fake_object *made =
		container_of(object, struct fake_object, object);

	struct fake *fake = fake_of(object->memory);

	(void)pthread_mutex_lock(&fake->lock);
	fake->n_objects--;
	(void)pthread_mutex_unlock(&fake->lock);
	free(made->guard);
	free(made);
}

static int fake_object_lend(struct object *object)
{
	struct fake *fake = fake_of(object->memory);

	if (!spend(&fake->lends_left))
		return fake->failure;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int fake_object_held(struct object *object)
{
	struct fake *fake = fake_of(object->memory);

	fake->n_asked++;
	if (fake->held_result)
		return fake->held_result;
	return container_of(object, struct fake_object, object)->held;
}

static int fake_zero(struct memory *memory, uint64_t phys, uint64_t size_bytes,
		     uint64_t waiting_bytes)
{
	struct fake *fake = fake_of(memory);
	int r;

	(void)phys;
	(void)pthread_mutex_lock(&fake->lock);
	fake->zeroed_bytes += size_bytes;
	fake->n_zeroed++;
	if (waiting_bytes > fake->most_waiting_bytes)
		fake->most_waiting_bytes = waiting_bytes;
	if (size_bytes > fake->largest_step)
		fake->largest_step = size_bytes;
	r = fake->zero_result;
	(void)pthread_mutex_unlock(&fake->lock);
	return r;
}

static int fake_copy(struct object *object, uint64_t offset, uint64_t length)
{
	struct fake *fake = fake_of(object->memory);
	int r;

	(void)pthread_mutex_lock(&fake->lock);
	fake->copied_bytes += length;
	fake->n_copied++;
	if (length > fake->largest_step)
		fake->largest_step = length;
	r = offset + length > object->run.size_bytes ? -ERANGE
						     : fake->copy_result;
	(void)pthread_mutex_unlock(&fake->lock);
	return r;
}

/* One slice; libcheck's assertions are the main thread's alone. */
static int enter_guard(struct object *object, uint64_t offset, size_t length)
{
	struct fake *fake = fake_of(object->memory);
	int r;

	(void)pthread_mutex_lock(&fake->lock);
	fake->n_guarded++;
	if (length > fake->largest_step)
		fake->largest_step = length;
	if (offset + length > object->guard_bytes)
		r = -ERANGE;
	else if (fake->bad_guard && fake->bad_guard != object)
		r = 0;
	else
		r = fake->guard_result;
	(void)pthread_mutex_unlock(&fake->lock);
	return r;
}

static int fake_guard_write(struct object *object, uint64_t offset,
			    const void *bytes, size_t length)
{
	int r = enter_guard(object, offset, length);

	if (r == 0)
		memcpy(fake_guard(object) + offset, bytes, length);
	return r;
}

static int fake_guard_read(struct object *object, uint64_t offset, void *bytes,
			   size_t length)
{
	int r = enter_guard(object, offset, length);

	if (r == 0)
		memcpy(bytes, fake_guard(object) + offset, length);
	return r;
}

void fake_init(struct fake *fake, const struct run *segments, size_t n_segments,
	       bool clean)
{
	memset(fake, 0, sizeof(*fake));
	ck_assert_uint_le(n_segments, 4);
	memcpy(fake->segments, segments, n_segments * sizeof(*segments));
	(void)pthread_mutex_init(&fake->lock, NULL);
	fake->backend = (struct backend){
		.name = "fake",
		.memory_close = fake_close,
		.object_new = fake_object_new,
		.object_free = fake_object_free,
		.object_lend = fake_object_lend,
		.object_held = fake_object_held,
		.zero = fake_zero,
		.copy_to_client = fake_copy,
		.copy_from_client = fake_copy,
		.guard_write = fake_guard_write,
		.guard_read = fake_guard_read,
	};
	fake->memory.backend = &fake->backend;
	fake->memory.segments = fake->segments;
	fake->memory.n_segments = n_segments;
	fake->memory.starts_clean = clean;
	fake->objects_left = SIZE_MAX;
	fake->lends_left = SIZE_MAX;
	fake->failure = -EIO;
	fake->hold_new = true;
}

void fake_deinit(struct fake *fake)
{
	(void)pthread_mutex_destroy(&fake->lock);
}

struct region *fake_guarded_region(struct fake *fake, uint64_t size_bytes,
				   uint64_t guard_bytes)
{
	struct region *region =
		fake_region(fake, 1, "guarded", size_bytes, true);

	fake->memory.guard_bytes = guard_bytes;
	return region;
}

unsigned char *fake_guard(struct object *object)
{
	return container_of(object, struct fake_object, object)->guard;
}

struct region *fake_region(struct fake *fake, uint32_t id, const char *name,
			   uint64_t size_bytes, bool clean)
{
	const struct run segment = {FAKE_BASE, size_bytes};
	const struct region_spec spec = {
		.id = id,
		.name = name,
		.granule_bytes = FAKE_GRANULE,
		.ticketp = &fake->ticket,
	};
	struct region *region;

	fake_init(fake, &segment, 1, clean);
	ck_assert_int_eq(
		region_new_consume(&region, &spec, &fake->memory, NULL), 0);
	region->is_default = id == 1;
	return region;
}

static int fake_retire(struct object *object)
{
	struct fake *fake = fake_of(object->memory);

	fake->n_retired++;
	return fake->retire_result;
}

static int fake_renew(struct object *object, const char *name)
{
	struct fake *fake = fake_of(object->memory);

	(void)name;
	fake->n_renewed++;
	if (fake->renew_result < 0)
		return fake->renew_result;
	object->token += UINT64_C(1) << 32;
	fake_set_held(object, fake->hold_new);
	return 0;
}

void fake_can_renew(struct fake *fake)
{
	fake->backend.object_retire = fake_retire;
	fake->backend.object_renew = fake_renew;
}

static int fake_discard(struct object *object, uint64_t offset, uint64_t length)
{
	struct fake *fake = fake_of(object->memory);

	(void)pthread_mutex_lock(&fake->lock);
	if (offset != fake->discarded_bytes)
		fake->discarded_bytes = UINT64_MAX / 2; /* out of order */
	fake->discarded_bytes += length;
	if (length > fake->largest_step)
		fake->largest_step = length;
	(void)pthread_mutex_unlock(&fake->lock);
	return 0;
}

void fake_can_discard(struct fake *fake)
{
	fake->backend.object_discard = fake_discard;
}

void fake_set_held(struct object *object, bool held)
{
	container_of(object, struct fake_object, object)->held = held;
}
