/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/dmabuf.h"
#include "daemon/hugepages.h"
#include "daemon/parcel.h"
#include "proto/message.h"
#include "tests/harness.h"
#include "tests/holder.h"
#include "util/fd.h"

/*
 * Refusals anywhere; the rest where there are /dev/udmabuf, huge pages and the
 * right to see addresses, as on the virtual board.
 */

#define GRANULE 65536
#define ALL                                                                 \
	(CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_ISOLATED | CONTIG_MSG_DMA_BUF | \
	 CONTIG_MSG_CACHED | CONTIG_MSG_PHYS_KNOWN)

static const struct backend_options insisting = {
	.allow_corrupting_kernel = true,
};

static uint64_t page_bytes;

static struct memory_spec spec_of(uint64_t pages)
{
	return (struct memory_spec){
		.region = "pool",
		.size_bytes = pages * page_bytes,
		.granule_bytes = GRANULE,
		.page_bytes = page_bytes,
	};
}

START_TEST(memory_refused_with_reason)
{
	struct backend_options options = insisting;
	struct memory_spec spec = {
		.region = "pool",
		.size_bytes = 4 << 20,
		.granule_bytes = GRANULE,
		.page_bytes = 2 << 20,
	};
	struct error why = ERROR_INIT;
	struct memory *memory = NULL;
	struct parcel parcel;

	options.udmabuf_path = "/dev/no-such-udmabuf";
	ck_assert_int_eq(
		backend_udmabuf.memory_open(&options, &spec, &memory, &why),
		-ENOENT);
	ck_assert_ptr_eq(strstr(why.text, "region pool: "), why.text);
	parcel_init(&parcel);
	ck_assert_int_eq(
		backend_udmabuf.memory_import(&spec, &parcel, &memory, &why),
		-ENOENT);
	ck_assert_ptr_eq(strstr(why.text, "region pool: no desc"), why.text);
	spec.granule_bytes = 4 << 20;
	ck_assert_int_eq(
		backend_udmabuf.memory_import(&spec, &parcel, &memory, &why),
		-EINVAL);
	parcel_deinit(&parcel);
	ck_assert_int_eq(
		backend_udmabuf.memory_open(&options, &spec, &memory, &why),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "granule 4194304"));
	spec.granule_bytes = 1024;
	ck_assert_int_eq(
		backend_udmabuf.memory_open(&options, &spec, &memory, &why),
		-EINVAL);
	ck_assert_ptr_null(memory);
	backend_udmabuf.memory_close(NULL);
}
END_TEST

static struct memory *memory; /* of two huge pages */

static void open_memory(void)
{
	struct memory_spec spec = spec_of(2);
	struct error why = ERROR_INIT;

	ck_assert_msg(backend_udmabuf.memory_open(&insisting, &spec, &memory,
						  &why) == 0,
		      "%s", why.text);
}

static void close_memory(void)
{
	backend_udmabuf.memory_close(memory);
}

static struct object *new_object(uint64_t offset, uint64_t size_bytes)
{
	const struct run run = {memory->segments[0].phys + offset, size_bytes};
	struct error why = ERROR_INIT;
	struct object *object = NULL;

	ck_assert_msg(backend_udmabuf.object_new(memory, &run, "frame", &object,
						 &why) == 0,
		      "%s", why.text);
	return object;
}

static unsigned char *map(struct object *object)
{
	int fd = backend_udmabuf.object_lend(object);
	void *at = mmap(NULL, (size_t)object->run.size_bytes,
			PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	(void)fd_close(fd);
	return at;
}

static void unmap(struct object *object, unsigned char *at)
{
	ck_assert_int_eq(munmap(at, (size_t)object->run.size_bytes), 0);
}

START_TEST(memory_is_a_clean_pool)
{
	uint64_t total = 0;

	ck_assert_uint_eq(memory->guarantees, ALL);
	ck_assert_uint_eq(memory->cpu_access, CONTIG_MSG_CPU_IOCTL);
	ck_assert(memory->starts_clean);
	for (size_t i = 0; i < memory->n_segments; i++)
		total += memory->segments[i].size_bytes;
	ck_assert_uint_eq(total, 2 * page_bytes);
}
END_TEST

START_TEST(held_in_every_way)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct object *object = new_object(GRANULE, 2 * GRANULE);
	struct holder holder;

	if (kind == HOLDER_READ_ONLY) { /* a dma-buf cannot be opened anew */
		backend_udmabuf.object_free(object);
		return;
	}
	ck_assert_int_eq(backend_udmabuf.object_held(object), 0);
	holder_take(&holder, kind, backend_udmabuf.object_lend(object),
		    2 * GRANULE);
	ck_assert_msg(backend_udmabuf.object_held(object) == 1, "%s",
		      holder_name(kind));
	holder_drop(&holder);
	ck_assert_msg(backend_udmabuf.object_held(object) == 0, "%s",
		      holder_name(kind));
	backend_udmabuf.object_free(object);
}
END_TEST

static bool all(const unsigned char *at, size_t length, unsigned char value)
{
	for (size_t i = 0; i < length; i++)
		if (at[i] != value)
			return false;
	return true;
}

/* Three neighbours; only the middle one is written, and only it changes. */
START_TEST(objects_are_isolated)
{
	struct object *objects[3];
	unsigned char *at[3];

	for (unsigned int i = 0; i < 3; i++) {
		objects[i] = new_object(i * GRANULE, GRANULE);
		at[i] = map(objects[i]);
	}
	memset(at[1], 0x5a, GRANULE);
	ck_assert(all(at[0], GRANULE, 0));
	ck_assert(all(at[1], GRANULE, 0x5a));
	ck_assert(all(at[2], GRANULE, 0));
	ck_assert_int_eq(backend_udmabuf.zero(memory, objects[1]->run.phys,
					      GRANULE / 2, 0),
			 0);
	ck_assert_int_eq(at[1][GRANULE / 2 - 1], 0);
	ck_assert_int_eq(at[1][GRANULE / 2], 0x5a);
	for (size_t i = 0; i < 3; i++) {
		unmap(objects[i], at[i]);
		backend_udmabuf.object_free(objects[i]);
	}
}
END_TEST

/* A reference to a page would be a holder that no count knows. */
START_TEST(pages_cannot_be_kept)
{
	struct object *object = new_object(0, GRANULE);
	unsigned char *at = map(object);
	struct iovec page = {at, 4096};
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(vmsplice(fds[1], &page, 1, 0), -1);
	ck_assert_int_eq(errno, EFAULT);
	(void)fd_close(fds[0]);
	(void)fd_close(fds[1]);
	unmap(object, at);
	backend_udmabuf.object_free(object);
}
END_TEST

START_TEST(object_describes_what_clients_see)
{
	struct object *object = new_object(GRANULE, GRANULE);
	int fd = backend_udmabuf.object_lend(object);
	char path[32], name[64], link[64] = "";
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(object->inode, st.st_ino);
	ck_assert_uint_eq(object->device, st.st_dev);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)snprintf(name, sizeof(name),
		       "/dmabuf:contig-%016" PRIx64 "-frame", object->token);
	ck_assert_int_ge(readlink(path, link, sizeof(link) - 1), 0);
	ck_assert_str_eq(link, name);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), GRANULE);
	ck_assert_int_eq(dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ),
			 0); /* it has been prepared */
	(void)fd_close(fd);
	backend_udmabuf.object_free(object);
}
END_TEST

static void read_name(int fd, char link[64])
{
	char path[32];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, 63);
	ck_assert_int_ge(n, 0);
	link[n] = '\0';
}

/* It is what it was, but for what a holder could leave on it. */
START_TEST(object_is_lent_again)
{
	struct object *object = new_object(GRANULE, GRANULE);
	const struct object was = *object;
	int fd = backend_udmabuf.object_lend(object);
	unsigned char *at = map(object);
	char name[64], link[64];

	memset(at, 0x5a, GRANULE);
	ck_assert_int_eq(dmabuf_set_name(fd, "somebody's"), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	unmap(object, at);
	(void)fd_close(fd);
	ck_assert_int_eq(backend_udmabuf.object_held(object), 0);
	ck_assert_int_eq(backend_udmabuf.object_retire(object), 0);
	ck_assert_int_eq(backend_udmabuf.zero(memory, was.run.phys, GRANULE, 0),
			 0);
	ck_assert_int_eq(backend_udmabuf.object_renew(object, "second"), 0);
	ck_assert_uint_ne(object->token, was.token);
	ck_assert_uint_ne(object->token, 0);
	ck_assert_uint_eq(object->inode, was.inode);
	ck_assert_int_eq(backend_udmabuf.object_held(object), 0);

	fd = backend_udmabuf.object_lend(object);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & ~O_LARGEFILE, O_RDWR);
	(void)snprintf(name, sizeof(name),
		       "/dmabuf:contig-%016" PRIx64 "-second", object->token);
	read_name(fd, link);
	ck_assert_str_eq(link, name);
	ck_assert_int_eq(backend_udmabuf.object_held(object), 1);
	ck_assert_int_eq(dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW),
			 0);
	at = map(object);
	ck_assert(all(at, GRANULE, 0));
	unmap(object, at);
	(void)fd_close(fd);
	ck_assert_int_eq(backend_udmabuf.object_held(object), 0);
	backend_udmabuf.object_free(object);
}
END_TEST

/* What no count shows, and what it is good for: see backend_udmabuf.c. */
START_TEST(path_descriptor_shows_the_name_and_no_more)
{
	struct object *object = new_object(0, GRANULE);
	int fd = backend_udmabuf.object_lend(object);
	char path[32], link[64];
	int path_fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	path_fd = open(path, O_PATH | O_CLOEXEC);
	ck_assert_int_ge(path_fd, 0);
	(void)fd_close(fd);
	ck_assert_int_eq(backend_udmabuf.object_held(object), 0);
	read_name(path_fd, link);
	ck_assert_ptr_nonnull(strstr(link, "-frame"));
	ck_assert_ptr_eq(mmap(NULL, GRANULE, PROT_READ, MAP_SHARED, path_fd, 0),
			 MAP_FAILED);
	ck_assert_int_eq(dmabuf_set_name(path_fd, "mine"), -EBADF);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	ck_assert_int_lt(open(path, O_RDWR | O_CLOEXEC), 0);
	ck_assert_int_lt(open(path, O_RDONLY | O_CLOEXEC), 0);
	(void)fd_close(path_fd);
	backend_udmabuf.object_free(object);
}
END_TEST

/* As the next daemon finds it: one descriptor here, one in a queue. */
START_TEST(object_is_adopted)
{
	struct object *object = new_object(0, 3 * GRANULE), *adopted = NULL;
	struct object what = *object;
	struct error why = ERROR_INIT;
	int held, lent;

	held = dup(object->fd);
	what.fd = dup(object->fd);
	what.references = 2;
	backend_udmabuf.object_free(object);
	ck_assert_msg(backend_udmabuf.object_adopt(memory, &what, &adopted,
						   &why) == 0,
		      "%s", why.text);
	ck_assert_int_eq(backend_udmabuf.object_held(adopted), 0);
	lent = backend_udmabuf.object_lend(adopted);
	ck_assert_int_eq(backend_udmabuf.object_held(adopted), 1);
	(void)fd_close(lent);
	ck_assert_int_eq(backend_udmabuf.object_held(adopted), 0);
	(void)fd_close(held);
	ck_assert_int_eq(backend_udmabuf.object_held(adopted), -EPROTO);

	what = *adopted;
	what.inode++;
	ck_assert_int_eq(
		backend_udmabuf.object_adopt(memory, &what, &object, &why),
		-EPROTO);
	what = *adopted;
	what.run.size_bytes += GRANULE;
	ck_assert_int_eq(
		backend_udmabuf.object_adopt(memory, &what, &object, &why),
		-EPROTO);
	what.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(
		backend_udmabuf.object_adopt(memory, &what, &object, &why),
		-EPROTO);
	ck_assert_ptr_nonnull(strstr(why.text, "no dma-buf"));
	(void)fd_close(what.fd);
	backend_udmabuf.object_free(adopted);
}
END_TEST

START_TEST(object_across_huge_pages)
{
	struct object *object;
	unsigned char *at;

	if (memory->n_segments != 1)
		return; /* these two pages are not adjacent */
	object = new_object(page_bytes - GRANULE, 2 * GRANULE);
	at = map(object);
	memset(at, 0x42, 2 * GRANULE);
	unmap(object, at);
	backend_udmabuf.object_free(object);

	object = new_object(page_bytes, GRANULE);
	at = map(object);
	ck_assert(all(at, GRANULE, 0x42));
	unmap(object, at);
	backend_udmabuf.object_free(object);
}
END_TEST

/* The guard is in the pool and not in the dma-buf. */
START_TEST(guard_is_behind_the_buffer)
{
	static unsigned char bytes[2 * GRANULE], back[2 * GRANULE];
	struct object *object, *behind;
	unsigned char *at;
	int fd;

	memset(bytes, 0x3c, sizeof(bytes));
	memory->guard_bytes = 2 * GRANULE;
	object = new_object(0, GRANULE);
	memory->guard_bytes = 0;
	fd = backend_udmabuf.object_lend(object);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), GRANULE);
	(void)fd_close(fd);
	ck_assert_int_eq(
		backend_udmabuf.guard_write(object, 0, bytes, 2 * GRANULE), 0);
	at = map(object);
	ck_assert(all(at, GRANULE, 0));
	unmap(object, at);

	/* what stands for a device: a buffer of the same memory */
	behind = new_object(GRANULE, 3 * GRANULE);
	at = map(behind);
	ck_assert(all(at, 2 * GRANULE, 0x3c));
	ck_assert(all(at + 2 * GRANULE, GRANULE, 0));
	at[GRANULE + 5] = '!';
	unmap(behind, at);
	ck_assert_int_eq(
		backend_udmabuf.guard_read(object, 0, back, 2 * GRANULE), 0);
	ck_assert(all(back, GRANULE + 5, 0x3c));
	ck_assert_int_eq(back[GRANULE + 5], '!');
	ck_assert(all(back + GRANULE + 6, GRANULE - 6, 0x3c));
	ck_assert_int_eq(
		backend_udmabuf.guard_read(object, GRANULE, back, 2 * GRANULE),
		-ERANGE);
	ck_assert_int_eq(backend_udmabuf.guard_write(object, UINT64_MAX - 4095,
						     bytes, 4096),
			 -ERANGE);
	ck_assert_int_eq(
		backend_udmabuf.zero(memory, behind->run.phys, 3 * GRANULE, 0),
		0);
	backend_udmabuf.object_free(behind);
	backend_udmabuf.object_free(object);
}
END_TEST

/* As to a daemon without privilege: what it writes is in the same place. */
START_TEST(memory_goes_to_another_process)
{
	struct backend_options nowhere = {.udmabuf_path = "/nonexistent"};
	struct memory_spec spec = spec_of(2);
	struct error why = ERROR_INIT;
	struct parcel parcel;
	struct memory *other;
	unsigned char *at;
	struct object *object = new_object(GRANULE, GRANULE);

	parcel_init(&parcel);
	ck_assert_msg(backend_udmabuf.memory_export(&nowhere, memory, &parcel,
						    &why) == 0,
		      "%s", why.text);
	for (size_t i = 0; i < parcel.n_items; i++) {
		bool known = false;

		for (size_t j = 0; backend_udmabuf.parcel_kinds[j]; j++)
			known |= strcmp(backend_udmabuf.parcel_kinds[j],
					parcel.items[i].kind) == 0;
		ck_assert(known);
	}
	ck_assert_msg(backend_udmabuf.memory_import(&spec, &parcel, &other,
						    &why) == 0,
		      "%s", why.text);
	ck_assert_uint_eq(parcel.n_items, 0);
	parcel_deinit(&parcel);
	ck_assert(!other->starts_clean);
	ck_assert_uint_eq(other->guarantees, ALL);
	ck_assert_uint_eq(other->cpu_access, memory->cpu_access);
	ck_assert_uint_eq(other->n_segments, memory->n_segments);
	ck_assert_mem_eq(other->segments, memory->segments,
			 other->n_segments * sizeof(*other->segments));
	at = map(object);
	memset(at, 0x5a, GRANULE);
	ck_assert_int_eq(
		backend_udmabuf.zero(other, object->run.phys, GRANULE, 0), 0);
	ck_assert(all(at, GRANULE, 0));
	unmap(object, at);
	backend_udmabuf.object_free(object);
	backend_udmabuf.memory_close(other);
}
END_TEST

START_TEST(half_a_parcel_is_refused)
{
	static const char *const kinds[] = {"device", "pool", "pin"};
	const struct backend_options nowhere = {.udmabuf_path = "/nonexistent"};
	const struct memory_spec spec = spec_of(2);

	for (size_t i = 0; i < 3; i++) {
		struct memory *other = NULL;
		struct error why = ERROR_INIT;
		struct parcel parcel;

		parcel_init(&parcel);
		ck_assert_int_eq(backend_udmabuf.memory_export(&nowhere, memory,
							       &parcel, &why),
				 0);
		(void)fd_close(parcel_take(&parcel, kinds[i]));
		ck_assert_int_eq(backend_udmabuf.memory_import(&spec, &parcel,
							       &other, &why),
				 i < 2 ? -ENOENT : -EPROTO);
		ck_assert_ptr_eq(strstr(why.text, "region pool: "), why.text);
		ck_assert_ptr_null(other);
		parcel_deinit(&parcel);
	}
}
END_TEST

START_TEST(runs_outside_are_refused)
{
	const struct run *last = &memory->segments[memory->n_segments - 1];
	const struct run outside = {last->phys + last->size_bytes, GRANULE};
	struct error why = ERROR_INIT;
	struct object *object = NULL;

	ck_assert_int_eq(backend_udmabuf.object_new(memory, &outside, "frame",
						    &object, &why),
			 -ERANGE);
	ck_assert_ptr_nonnull(strstr(why.text, "not within the pool"));
	ck_assert_int_eq(backend_udmabuf.zero(memory, outside.phys, GRANULE, 0),
			 -ERANGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_udmabuf");
	TCase *refusals = harness_case(suite, "refusals");
	struct backend_report report;
	int failed;

	harness_lock("/sys/kernel/mm/hugepages");
	tcase_add_test(refusals, memory_refused_with_reason);
	page_bytes = hugepages_default_bytes();
	backend_udmabuf.probe(&insisting, &report);
	if (report.serves) {
		TCase *pool = harness_case(suite, "pool");

		tcase_add_checked_fixture(pool, open_memory, close_memory);
		tcase_add_test(pool, memory_is_a_clean_pool);
		tcase_add_loop_test(pool, held_in_every_way, 0, HOLDER_KINDS);
		tcase_add_test(pool, objects_are_isolated);
		tcase_add_test(pool, pages_cannot_be_kept);
		tcase_add_test(pool, object_describes_what_clients_see);
		tcase_add_test(pool, object_is_lent_again);
		tcase_add_test(pool, path_descriptor_shows_the_name_and_no_more);
		tcase_add_test(pool, object_is_adopted);
		tcase_add_test(pool, object_across_huge_pages);
		tcase_add_test(pool, guard_is_behind_the_buffer);
		tcase_add_test(pool, runs_outside_are_refused);
		tcase_add_test(pool, memory_goes_to_another_process);
		tcase_add_test(pool, half_a_parcel_is_refused);
	}
	failed = harness_run(suite);
	if (!failed && !report.serves)
		harness_skip(report.text);
	return failed;
}
