/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/message.h"
#include "tests/harness.h"
#include "tests/holder.h"
#include "util/fd.h"

/*
 * The devmem backend with a memfd standing in for /dev/mem: an offset in it
 * takes the place of a physical address, and the test can look at every byte
 * in and around the region.
 */

#define PAGE	  4096
#define GRANULE	  (4 * PAGE)
#define BASE	  (2 * PAGE)
#define SIZE	  (16 * GRANULE)
#define FILE_SIZE (BASE + SIZE + 2 * PAGE)

static int mem_fd = -1; /* what stands for /dev/mem */
static char mem_path[64];
static struct backend_options options;

static const struct memory_spec spec = {
	.region = "camera",
	.base = BASE,
	.size_bytes = SIZE,
	.granule_bytes = GRANULE,
};

/* Every byte of the stand-in is 0xa5 at first. */
static void make_mem(void)
{
	static unsigned char bytes[FILE_SIZE];

	memset(bytes, 0xa5, sizeof(bytes));
	mem_fd = memfd_create("mem", MFD_CLOEXEC);
	ck_assert_int_ge(mem_fd, 0);
	ck_assert_int_eq(write(mem_fd, bytes, sizeof(bytes)), FILE_SIZE);
	(void)snprintf(mem_path, sizeof(mem_path), "/proc/self/fd/%d", mem_fd);
	options.devmem_path = mem_path;
}

static void drop_mem(void)
{
	mem_fd = fd_close(mem_fd);
}

static struct memory *open_memory(void)
{
	struct error why = ERROR_INIT;
	struct memory *memory = NULL;

	ck_assert_msg(
		backend_devmem.memory_open(&options, &spec, &memory, &why) == 0,
		"%s", why.text);
	return memory;
}

static struct object *new_object(struct memory *memory, uint64_t phys,
				 uint64_t size_bytes)
{
	const struct run run = {phys, size_bytes};
	struct error why = ERROR_INIT;
	struct object *object = NULL;

	ck_assert_msg(backend_devmem.object_new(memory, &run, "frame", &object,
						&why) == 0,
		      "%s", why.text);
	return object;
}

/* All bytes of the stand-in in [from, to) are value. */
static void assert_mem(size_t from, size_t to, unsigned char value)
{
	static unsigned char bytes[FILE_SIZE];

	ck_assert_int_eq(pread(mem_fd, bytes, sizeof(bytes), 0), FILE_SIZE);
	for (size_t i = from; i < to; i++)
		if (bytes[i] != value)
			ck_abort_msg("byte 0x%zx is 0x%x, not 0x%x", i,
				     bytes[i], value);
}

START_TEST(probe_says_what_it_gives)
{
	struct backend_report report;

	memset(&report, 0xff, sizeof(report));
	backend_devmem.probe(&options, &report);
	ck_assert_msg(report.serves, "%s", report.text);
	ck_assert_uint_eq(report.guarantees,
			  CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_ISOLATED |
				  CONTIG_MSG_CACHED | CONTIG_MSG_PHYS_KNOWN);
	ck_assert_ptr_nonnull(strstr(report.text, "bounce"));
	ck_assert_uint_lt(strlen(report.text), BACKEND_TEXT_BYTES - 1);
}
END_TEST

START_TEST(probe_says_why_not)
{
	const struct backend_options nowhere = {
		.devmem_path = "/proc/self/no-such-mem",
	};
	struct backend_report report;

	backend_devmem.probe(&nowhere, &report);
	ck_assert(!report.serves);
	ck_assert_uint_eq(report.guarantees, 0);
	ck_assert_ptr_nonnull(strstr(report.text, "no-such-mem does not"));
	ck_assert_ptr_nonnull(strstr(report.text, "CONFIG_DEVMEM"));
}
END_TEST

START_TEST(memory_is_one_dirty_segment)
{
	int before = fd_count_open();
	struct memory *memory = open_memory();

	ck_assert_ptr_eq(memory->backend, &backend_devmem);
	ck_assert_uint_eq(memory->cpu_access, CONTIG_MSG_CPU_BOUNCE);
	ck_assert_uint_eq(memory->n_segments, 1);
	ck_assert_uint_eq(memory->segments[0].phys, BASE);
	ck_assert_uint_eq(memory->segments[0].size_bytes, SIZE);
	ck_assert(!memory->starts_clean);
	/* no descriptor of /dev/mem stays open that could leak */
	ck_assert_int_eq(fd_count_open(), before);
	backend_devmem.memory_close(memory);
}
END_TEST

static void assert_refused(const struct memory_spec *bad, int error,
			   const char *words)
{
	struct error why = ERROR_INIT;
	struct memory *memory = NULL;

	ck_assert_int_eq(
		backend_devmem.memory_open(&options, bad, &memory, &why), error);
	ck_assert_msg(strstr(why.text, words) != NULL, "%s", why.text);
	ck_assert_ptr_nonnull(strstr(why.text, "camera"));
	ck_assert_ptr_null(memory);
}

START_TEST(memory_refused_with_reason)
{
	struct memory_spec bad = spec;

	bad.base = BASE + 1;
	assert_refused(&bad, -EINVAL, "page size");
	bad = spec;
	bad.size_bytes = SIZE + 1;
	assert_refused(&bad, -EINVAL, "page size");
	bad = spec;
	bad.size_bytes = 0;
	assert_refused(&bad, -EINVAL, "cannot be mapped");
	bad = spec;
	bad.base = UINT64_MAX - PAGE + 1;
	bad.size_bytes = 2 * PAGE;
	assert_refused(&bad, -EINVAL, "cannot be mapped");
	bad = spec;
	bad.base = INT64_MAX - PAGE + 1;
	bad.size_bytes = 2 * PAGE;
	assert_refused(&bad, -EINVAL, "cannot be mapped");

	/* a file that can be opened but not mapped */
	options.devmem_path = "/dev/null";
	assert_refused(&spec, -ENODEV, "cannot map");
	options.devmem_path = mem_path;
}
END_TEST

START_TEST(zero_reaches_its_range_alone)
{
	struct memory *memory = open_memory();

	ck_assert_int_eq(
		backend_devmem.zero(memory, BASE + GRANULE, GRANULE, 0), 0);
	assert_mem(0, BASE + GRANULE, 0xa5);
	assert_mem(BASE + GRANULE, BASE + 2 * GRANULE, 0);
	assert_mem(BASE + 2 * GRANULE, FILE_SIZE, 0xa5);
	ck_assert_int_eq(backend_devmem.zero(memory, BASE, SIZE, 0), 0);
	assert_mem(0, BASE, 0xa5);
	assert_mem(BASE, BASE + SIZE, 0);
	assert_mem(BASE + SIZE, FILE_SIZE, 0xa5);
	backend_devmem.memory_close(memory);
}
END_TEST

START_TEST(zero_stays_in_the_region)
{
	struct memory *memory = open_memory();

	ck_assert_int_eq(backend_devmem.zero(memory, BASE - 1, 1, 0), -ERANGE);
	ck_assert_int_eq(backend_devmem.zero(memory, BASE, SIZE + 1, 0),
			 -ERANGE);
	ck_assert_int_eq(backend_devmem.zero(memory, BASE + SIZE, 1, 0),
			 -ERANGE);
	ck_assert_int_eq(backend_devmem.zero(memory, BASE + 1, UINT64_MAX, 0),
			 -ERANGE);
	assert_mem(0, FILE_SIZE, 0xa5);
	backend_devmem.memory_close(memory);
}
END_TEST

START_TEST(held_in_every_way)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, BASE, GRANULE);
	struct holder holder;

	ck_assert_int_eq(backend_devmem.object_held(object), 0);
	holder_take(&holder, kind, backend_devmem.object_lend(object), GRANULE);
	ck_assert_msg(backend_devmem.object_held(object) == 1, "%s",
		      holder_name(kind));
	/* copies do not disturb the evidence */
	ck_assert_int_eq(backend_devmem.copy_to_client(object, 0, GRANULE), 0);
	holder_drop(&holder);
	ck_assert_msg(backend_devmem.object_held(object) == 0, "%s",
		      holder_name(kind));
	backend_devmem.object_free(object);
	backend_devmem.memory_close(memory);
}
END_TEST

START_TEST(client_gets_a_bounce_buffer)
{
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, BASE + GRANULE, GRANULE);
	int lent = backend_devmem.object_lend(object);
	char byte = 'x';

	ck_assert_uint_ne(object->token, 0);
	ck_assert_int_eq(pread(lent, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 0); /* nothing of the region shows through */
	ck_assert_int_eq(pwrite(lent, "pixel", 5, 0), 5);
	assert_mem(0, FILE_SIZE, 0xa5);
	ck_assert_int_eq(ftruncate(lent, 0), -1);
	(void)fd_close(lent);
	backend_devmem.object_free(object);
	backend_devmem.memory_close(memory);
}
END_TEST

/* Odd offset and length, more than one piece of the copy. */
START_TEST(copies_reach_their_range_alone)
{
	const uint64_t phys = BASE + 2 * GRANULE, size = 4 * GRANULE;
	const uint64_t offset = 5, length = 2 * GRANULE + 3;
	static unsigned char bytes[4 * GRANULE];
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, phys, size);
	int lent = backend_devmem.object_lend(object);

	memset(bytes, 0x3c, sizeof(bytes));
	ck_assert_int_eq(pwrite(lent, bytes, sizeof(bytes), 0), (ssize_t)size);
	ck_assert_int_eq(
		backend_devmem.copy_from_client(object, offset, length), 0);
	assert_mem(0, phys + offset, 0xa5);
	assert_mem(phys + offset, phys + offset + length, 0x3c);
	assert_mem(phys + offset + length, FILE_SIZE, 0xa5);

	/* a device writes all of the buffer, the client asks for a part */
	memset(bytes, 0x77, sizeof(bytes));
	ck_assert_int_eq(pwrite(mem_fd, bytes, sizeof(bytes), (off_t)phys),
			 (ssize_t)size);
	ck_assert_int_eq(backend_devmem.copy_to_client(object, offset, length),
			 0);
	ck_assert_int_eq(pread(lent, bytes, sizeof(bytes), 0), (ssize_t)size);
	for (uint64_t i = 0; i < size; i++) {
		bool copied = i >= offset && i < offset + length;

		if (bytes[i] != (copied ? 0x77 : 0x3c))
			ck_abort_msg("byte %d is 0x%x", (int)i, bytes[i]);
	}
	(void)fd_close(lent);
	backend_devmem.object_free(object);
	backend_devmem.memory_close(memory);
}
END_TEST

START_TEST(copies_stay_in_the_buffer)
{
	struct memory *memory = open_memory();
	struct object *object = new_object(memory, BASE + GRANULE, GRANULE);
	int (*const copies[])(struct object *, uint64_t, uint64_t) = {
		backend_devmem.copy_to_client,
		backend_devmem.copy_from_client,
	};

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(copies[i](object, 0, GRANULE + 1), -ERANGE);
		ck_assert_int_eq(copies[i](object, 1, GRANULE), -ERANGE);
		ck_assert_int_eq(copies[i](object, GRANULE + 1, 0), -ERANGE);
		ck_assert_int_eq(copies[i](object, 8, UINT64_MAX), -ERANGE);
		ck_assert_int_eq(copies[i](object, UINT64_MAX, 8), -ERANGE);
		ck_assert_int_eq(copies[i](object, GRANULE, 0), 0);
		ck_assert_int_eq(copies[i](object, GRANULE - 1, 1), 0);
	}
	assert_mem(0, BASE + 2 * GRANULE - 1, 0xa5);
	assert_mem(BASE + 2 * GRANULE, FILE_SIZE, 0xa5);
	backend_devmem.object_free(object);
	backend_devmem.memory_close(memory);
}
END_TEST

/* Not in the bounce buffer, but in the memory behind the real one. */
START_TEST(guard_is_in_the_memory)
{
	const uint64_t end = BASE + 2 * GRANULE;
	static unsigned char bytes[GRANULE], back[GRANULE];
	struct memory *memory = open_memory();
	struct object *object;
	struct stat st;
	int lent;

	memset(bytes, 0x3c, sizeof(bytes));
	memory->guard_bytes = GRANULE;
	object = new_object(memory, BASE + GRANULE, GRANULE);
	ck_assert_uint_eq(object->guard_bytes, GRANULE);
	lent = backend_devmem.object_lend(object);
	ck_assert_int_eq(fstat(lent, &st), 0);
	ck_assert_int_eq(st.st_size, GRANULE);
	ck_assert_int_eq(backend_devmem.guard_write(object, PAGE, bytes, PAGE),
			 0);
	assert_mem(0, end + PAGE, 0xa5);
	assert_mem(end + PAGE, end + 2 * PAGE, 0x3c);
	assert_mem(end + 2 * PAGE, FILE_SIZE, 0xa5);
	ck_assert_int_eq(backend_devmem.guard_write(object, 0, bytes, GRANULE),
			 0);
	assert_mem(end, end + GRANULE, 0x3c);
	assert_mem(end + GRANULE, FILE_SIZE, 0xa5);

	/* a device strays */
	ck_assert_int_eq(pwrite(mem_fd, "!", 1, (off_t)(end + 77)), 1);
	ck_assert_int_eq(backend_devmem.guard_read(object, 0, back, GRANULE), 0);
	ck_assert_int_eq(back[76], 0x3c);
	ck_assert_int_eq(back[77], '!');
	ck_assert_int_eq(back[78], 0x3c);

	ck_assert_int_eq(backend_devmem.guard_write(object, PAGE, bytes, GRANULE),
			 -ERANGE);
	ck_assert_int_eq(backend_devmem.guard_read(object, GRANULE + 1, back, 0),
			 -ERANGE);
	ck_assert_int_eq(
		backend_devmem.guard_read(object, UINT64_MAX, back, PAGE),
		-ERANGE);
	(void)fd_close(lent);
	backend_devmem.object_free(object);
	backend_devmem.memory_close(memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_devmem");
	TCase *memory = harness_case(suite, "memory");
	TCase *object = harness_case(suite, "object");

	tcase_add_checked_fixture(memory, make_mem, drop_mem);
	tcase_add_checked_fixture(object, make_mem, drop_mem);
	tcase_add_test(memory, probe_says_what_it_gives);
	tcase_add_test(memory, probe_says_why_not);
	tcase_add_test(memory, memory_is_one_dirty_segment);
	tcase_add_test(memory, memory_refused_with_reason);
	tcase_add_test(memory, zero_reaches_its_range_alone);
	tcase_add_test(memory, zero_stays_in_the_region);
	tcase_add_test(object, guard_is_in_the_memory);
	tcase_add_loop_test(object, held_in_every_way, 0, HOLDER_KINDS);
	tcase_add_test(object, client_gets_a_bounce_buffer);
	tcase_add_test(object, copies_reach_their_range_alone);
	tcase_add_test(object, copies_stay_in_the_buffer);
	return harness_run(suite);
}
