/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/message.h"
#include "tests/harness.h"
#include "tests/holder.h"
#include "util/fd.h"

/*
 * The simulated backend through the interface alone, as the daemon sees it.
 */

#define GRANULE 4096
#define BASE	UINT64_C(0x100000000)
#define SIZE	(UINT64_C(64) << 20)

static const struct backend_options options;

static const struct memory_spec spec = {
	.region = "sim0",
	.base = BASE,
	.size_bytes = SIZE,
	.granule_bytes = GRANULE,
};

static struct memory *open_memory(void)
{
	struct error why = ERROR_INIT;
	struct memory *memory = NULL;

	ck_assert_msg(backend_simulated.memory_open(&options, &spec, &memory,
						    &why) == 0,
		      "%s", why.text);
	return memory;
}

static struct object *new_object(struct memory *memory, uint64_t offset,
				 uint64_t size_bytes)
{
	const struct run run = {BASE + offset, size_bytes};
	struct error why = ERROR_INIT;
	struct object *object = NULL;

	ck_assert_msg(memory->backend->object_new(memory, &run, "frame",
						  &object, &why) == 0,
		      "%s", why.text);
	return object;
}

START_TEST(table_finds_by_name)
{
	ck_assert_ptr_eq(backend_find("simulated"), &backend_simulated);
	ck_assert_ptr_null(backend_find("simulate"));
	ck_assert_ptr_null(backend_find(""));
}
END_TEST

START_TEST(table_is_complete)
{
	for (size_t i = 0; backends[i]; i++) {
		const struct backend *b = backends[i];

		ck_assert_uint_lt(strlen(b->name), CONTIG_MSG_BACKEND_BYTES);
		ck_assert_ptr_eq(backend_find(b->name), b);
		ck_assert(b->probe && b->memory_open && b->memory_close &&
			  b->object_new && b->object_adopt && b->object_free &&
			  b->object_lend && b->object_held);
		ck_assert(!b->copy_to_client == !b->copy_from_client);
		ck_assert(!b->guard_write == !b->guard_read);
	}
}
END_TEST

START_TEST(probe_says_what_it_gives)
{
	struct backend_report report;

	memset(&report, 0xff, sizeof(report));
	backend_simulated.probe(&options, &report);
	ck_assert_msg(report.serves, "%s", report.text);
	ck_assert_uint_eq(report.guarantees,
			  CONTIG_MSG_ISOLATED | CONTIG_MSG_CACHED);
	ck_assert_ptr_nonnull(strstr(report.text, "isolated"));
}
END_TEST

START_TEST(memory_is_one_segment)
{
	struct memory *memory = open_memory();

	ck_assert_ptr_eq(memory->backend, &backend_simulated);
	ck_assert_uint_eq(memory->guarantees,
			  CONTIG_MSG_ISOLATED | CONTIG_MSG_CACHED);
	ck_assert_uint_eq(memory->cpu_access, CONTIG_MSG_CPU_DIRECT);
	ck_assert_uint_eq(memory->n_segments, 1);
	ck_assert_uint_eq(memory->segments[0].phys, BASE);
	ck_assert_uint_eq(memory->segments[0].size_bytes, SIZE);
	ck_assert(memory->starts_clean);
	backend_simulated.memory_close(memory);
}
END_TEST

START_TEST(memory_ends_at_the_last_address)
{
	struct memory_spec high = spec;
	struct error why = ERROR_INIT;
	struct memory *memory = NULL;

	high.base = UINT64_MAX - SIZE + 1;
	ck_assert_int_eq(
		backend_simulated.memory_open(&options, &high, &memory, &why),
		0);
	backend_simulated.memory_close(memory);
	memory = NULL;
	high.base += GRANULE;
	ck_assert_int_eq(
		backend_simulated.memory_open(&options, &high, &memory, &why),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "sim0"));
	high = spec;
	high.size_bytes = 0;
	ck_assert_int_eq(
		backend_simulated.memory_open(&options, &high, &memory, &why),
		-EINVAL);
	ck_assert_ptr_null(memory);
}
END_TEST

START_TEST(held_in_every_way)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, 0, 2 * GRANULE);
	struct holder holder;

	ck_assert_int_eq(backend_simulated.object_held(object), 0);
	holder_take(&holder, kind, backend_simulated.object_lend(object),
		    2 * GRANULE);
	ck_assert_msg(backend_simulated.object_held(object) == 1, "%s",
		      holder_name(kind));
	holder_drop(&holder);
	ck_assert_msg(backend_simulated.object_held(object) == 0, "%s",
		      holder_name(kind));
	backend_simulated.object_free(object);
	backend_simulated.memory_close(memory);
}
END_TEST

START_TEST(object_describes_what_clients_see)
{
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, GRANULE, 3 * GRANULE);
	int lent = backend_simulated.object_lend(object);
	struct stat st;

	ck_assert_int_ge(lent, 0);
	ck_assert_int_eq(fstat(lent, &st), 0);
	ck_assert_uint_eq(object->inode, st.st_ino);
	ck_assert_uint_eq(object->device, st.st_dev);
	ck_assert_int_eq(st.st_size, 3 * GRANULE);
	ck_assert_uint_eq(object->run.phys, BASE + GRANULE);
	ck_assert_uint_eq(object->run.size_bytes, 3 * GRANULE);
	ck_assert_uint_ne(object->token, 0);
	ck_assert_int_eq(ftruncate(lent, 0), -1);
	(void)fd_close(lent);
	backend_simulated.object_free(object);
	backend_simulated.memory_close(memory);
}
END_TEST

/* Two objects, also of one run at different times, share nothing. */
START_TEST(objects_are_isolated_and_zero)
{
	struct memory *memory = open_memory();
	struct object *one = new_object(memory, 0, GRANULE);
	struct object *two = new_object(memory, GRANULE, GRANULE);
	int first = backend_simulated.object_lend(one);
	int second = backend_simulated.object_lend(two);
	char byte = 'x';

	ck_assert_int_eq(pwrite(first, "secret", 6, 0), 6);
	ck_assert_int_eq(pread(second, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 0);
	(void)fd_close(first);
	(void)fd_close(second);
	backend_simulated.object_free(one);
	ck_assert_int_eq(backend_simulated.zero(memory, BASE, GRANULE, 0), 0);

	one = new_object(memory, 0, GRANULE);
	first = backend_simulated.object_lend(one);
	byte = 'x';
	ck_assert_int_eq(pread(first, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 0);
	(void)fd_close(first);
	backend_simulated.object_free(one);
	backend_simulated.object_free(two);
	backend_simulated.memory_close(memory);
}
END_TEST

/* As the next daemon does: from the descriptor, and what was recorded. */
START_TEST(object_is_adopted)
{
	struct memory *memory = open_memory();
	struct object *object, *adopted = NULL;
	struct object what;
	int lent;

	memory->guard_bytes = GRANULE;
	object = new_object(memory, GRANULE, 3 * GRANULE);
	lent = backend_simulated.object_lend(object);
	what = *object;
	what.memory = NULL;
	what.fd = dup(object->fd);
	what.references = 2;
	backend_simulated.object_free(object);
	memory->guard_bytes = 0; /* is what is new; this one has its own */
	ck_assert_int_eq(
		backend_simulated.object_adopt(memory, &what, &adopted, NULL),
		0);
	ck_assert_ptr_eq(adopted->memory, memory);
	ck_assert_uint_eq(adopted->run.phys, BASE + GRANULE);
	ck_assert_uint_eq(adopted->guard_bytes, GRANULE);
	ck_assert_uint_eq(adopted->token, what.token);
	ck_assert_uint_eq(adopted->references, 2);
	ck_assert_int_eq(backend_simulated.object_held(adopted), 1);
	(void)fd_close(lent);
	ck_assert_int_eq(backend_simulated.object_held(adopted), 0);
	backend_simulated.object_free(adopted);
	backend_simulated.memory_close(memory);
}
END_TEST

static void refuse(const struct object *what, struct memory *memory,
		   const char *text)
{
	struct error why = ERROR_INIT;
	struct object *adopted = NULL;

	ck_assert_int_eq(
		backend_simulated.object_adopt(memory, what, &adopted, &why),
		-EPROTO);
	ck_assert_ptr_null(adopted);
	ck_assert_str_eq(why.text, text);
}

START_TEST(what_is_not_the_object_is_not_adopted)
{
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, 0, GRANULE);
	struct object what = *object;
	struct stat st;

	what.run.size_bytes++;
	refuse(&what, memory, "it is another file");
	what = *object;
	what.inode++;
	refuse(&what, memory, "it is another file");
	what = *object;
	what.device++;
	refuse(&what, memory, "it is another file");
	what.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fstat(what.fd, &st), 0);
	what.device = st.st_dev;
	what.inode = st.st_ino;
	refuse(&what, memory, "it is another file");
	(void)fd_close(what.fd);
	what.fd = memfd_create("unsealed", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(what.fd, GRANULE), 0);
	ck_assert_int_eq(fstat(what.fd, &st), 0);
	what.device = st.st_dev;
	what.inode = st.st_ino;
	refuse(&what, memory, "it is not sealed");
	(void)fd_close(what.fd);
	backend_simulated.object_free(object);
	backend_simulated.memory_close(memory);
}
END_TEST

/* Who still holds an object keeps what is in it, until it is discarded. */
START_TEST(only_discarding_takes_pages_away)
{
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, 0, 2 * GRANULE);
	int lent = backend_simulated.object_lend(object);
	char byte;

	ck_assert_int_eq(pwrite(lent, "a", 1, 0), 1);
	ck_assert_int_eq(pwrite(lent, "b", 1, GRANULE), 1);
	ck_assert_int_eq(backend_simulated.object_discard(object, 0, GRANULE),
			 0);
	ck_assert_int_eq(pread(lent, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 0);
	backend_simulated.object_free(object);
	ck_assert_int_eq(pread(lent, &byte, 1, GRANULE), 1);
	ck_assert_int_eq(byte, 'b');
	(void)fd_close(lent);
	backend_simulated.memory_close(memory);
}
END_TEST

/* The guard is behind the size that the client is told, in the same file. */
START_TEST(guard_is_the_end_of_the_file)
{
	struct memory *memory = open_memory();
	static char bytes[2 * GRANULE], back[2 * GRANULE];
	struct object *object;
	struct stat st;
	int lent;

	memset(bytes, 'g', sizeof(bytes));
	memory->guard_bytes = 2 * GRANULE;
	object = new_object(memory, GRANULE, GRANULE);
	ck_assert_uint_eq(object->run.size_bytes, GRANULE);
	ck_assert_uint_eq(object->guard_bytes, 2 * GRANULE);
	lent = backend_simulated.object_lend(object);
	ck_assert_int_eq(fstat(lent, &st), 0);
	ck_assert_int_eq(st.st_size, 3 * GRANULE);

	ck_assert_int_eq(
		backend_simulated.guard_write(object, 0, bytes, 2 * GRANULE), 0);
	ck_assert_int_eq(pread(lent, back, GRANULE, 0), GRANULE);
	for (size_t i = 0; i < GRANULE; i++)
		if (back[i])
			ck_abort_msg("byte %d of the buffer is a guard's",
				     (int)i);
	ck_assert_int_eq(pwrite(lent, "!", 1, 2 * GRANULE - 1), 1);
	ck_assert_int_eq(
		backend_simulated.guard_read(object, 0, back, 2 * GRANULE), 0);
	ck_assert_int_eq(back[GRANULE - 2], 'g');
	ck_assert_int_eq(back[GRANULE - 1], '!');
	ck_assert_int_eq(back[GRANULE], 'g');

	ck_assert_int_eq(backend_simulated.guard_write(object, GRANULE, bytes,
						       GRANULE + 1),
			 -ERANGE);
	ck_assert_int_eq(
		backend_simulated.guard_read(object, 2 * GRANULE + 1, back, 0),
		-ERANGE);
	ck_assert_int_eq(
		backend_simulated.guard_read(object, UINT64_MAX, back, GRANULE),
		-ERANGE);
	(void)fd_close(lent);
	backend_simulated.object_free(object);
	backend_simulated.memory_close(memory);
}
END_TEST

START_TEST(guard_is_what_the_spec_says)
{
	struct memory_spec guarded = spec;
	struct memory *memory = open_memory();

	ck_assert_uint_eq(memory->guard_bytes, 0);
	backend_simulated.memory_close(memory);
	guarded.guard_bytes = GRANULE;
	ck_assert_int_eq(backend_simulated.memory_open(&options, &guarded,
						       &memory, NULL),
			 0);
	ck_assert_uint_eq(memory->guard_bytes, GRANULE);
	backend_simulated.memory_close(memory);
}
END_TEST

START_TEST(object_refused_with_reason)
{
	struct memory *memory = open_memory();
	const struct run run = {BASE, UINT64_C(1) << 63};
	struct error why = ERROR_INIT;
	struct object *object = NULL;

	ck_assert_int_eq(backend_simulated.object_new(memory, &run, "frame",
						      &object, &why),
			 -EFBIG);
	ck_assert_ptr_null(object);
	ck_assert_ptr_nonnull(strstr(why.text, "do not fit a file"));
	backend_simulated.memory_close(memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_simulated");
	TCase *table = harness_case(suite, "table");
	TCase *memory = harness_case(suite, "memory");
	TCase *object = harness_case(suite, "object");

	tcase_add_test(table, table_finds_by_name);
	tcase_add_test(table, table_is_complete);
	tcase_add_test(memory, probe_says_what_it_gives);
	tcase_add_test(memory, memory_is_one_segment);
	tcase_add_test(memory, memory_ends_at_the_last_address);
	tcase_add_loop_test(object, held_in_every_way, 0, HOLDER_KINDS);
	tcase_add_test(object, object_describes_what_clients_see);
	tcase_add_test(object, objects_are_isolated_and_zero);
	tcase_add_test(object, object_is_adopted);
	tcase_add_test(object, what_is_not_the_object_is_not_adopted);
	tcase_add_test(object, only_discarding_takes_pages_away);
	tcase_add_test(object, guard_is_the_end_of_the_file);
	tcase_add_test(object, guard_is_what_the_spec_says);
	tcase_add_test(object, object_refused_with_reason);
	return harness_run(suite);
}
