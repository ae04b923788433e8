/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * A buffer without the daemon: facts, mappings, and what release tells.
 */

#define HUGE   ((size_t)2 << 20)
#define AROUND ((size_t)64 << 10)

static struct fake fake;
static struct contig *contig;
static struct contig_request request;

static void with(fake_script *script, void *data)
{
	request = (struct contig_request)CONTIG_REQUEST_INIT;
	request.size_bytes = 8192;
	fake_start(&fake, script, data);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

static void done(void)
{
	contig_close(contig);
	fake_stop(&fake);
}

static struct contig_buffer *one(void)
{
	struct contig_buffer *buffer;

	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	return buffer;
}

/* What the process has mapped without access: holes that were left. */
static size_t count_hole_bytes(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, bytes = 0;
	char line[512], access[8];

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3 &&
		    strcmp(access, "---p") == 0)
			bytes += end - start;
	ck_assert_int_eq(fclose(maps), 0);
	return bytes;
}

/* Where large pages could be mapped; and of the room for that, nothing stays. */
START_TEST(large_ones_are_mapped_aligned)
{
	static const size_t sizes[] = {
		HUGE,	     HUGE + 4096, 5 * HUGE + 8192,
		HUGE - 4096, HUGE / 2,	  AROUND};
	static const size_t alignments[] = {HUGE, HUGE,	    HUGE,
					    HUGE, HUGE / 2, AROUND};
	size_t holes;
	struct contig_buffer *buffer;
	char *bytes;
	void *map;

	with(fake_serve, NULL);
	request.size_bytes = sizes[_i];
	buffer = one();
	holes = count_hole_bytes();
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	ck_assert_uint_eq((uintptr_t)map % alignments[_i], 0);
	ck_assert_uint_eq(count_hole_bytes(), holes);
	bytes = map;
	bytes[0] = 1;
	bytes[sizes[_i] - 1] = 2;
	contig_unmap(buffer);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	bytes = map;
	ck_assert_int_eq(bytes[0], 1);
	ck_assert_int_eq(bytes[sizes[_i] - 1], 2);
	contig_release(buffer);
	ck_assert_uint_eq(count_hole_bytes(), holes);
	done();
}
END_TEST

/* A program that takes one buffer after the other finds each at the place of
 * the last; and nothing else that came to be there is mapped over. */
START_TEST(a_good_place_is_used_again)
{
	struct contig_buffer *buffers[3];
	void *maps[3], *other, *again;

	with(fake_serve, NULL);
	request.size_bytes = HUGE;
	for (int i = 0; i < 3; i++) {
		buffers[i] = one();
		ck_assert_int_eq(contig_map(buffers[i],
					    CONTIG_READ | CONTIG_WRITE, &maps[i]),
				 0);
		memset(maps[i], i + 1, HUGE);
	}
	contig_unmap(buffers[0]);
	ck_assert_int_eq(contig_map(buffers[0], CONTIG_READ, &again), 0);
	ck_assert_ptr_eq(again, maps[0]);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(((char *)maps[i])[0], i + 1);
		ck_assert_int_eq(((char *)maps[i])[HUGE - 1], i + 1);
	}
	contig_unmap(buffers[0]);
	other = mmap(maps[0], 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ck_assert_ptr_eq(other, maps[0]);
	*(char *)other = 42;
	ck_assert_int_eq(contig_map(buffers[0], CONTIG_READ, &again), 0);
	ck_assert_ptr_ne(again, other);
	ck_assert_uint_eq((uintptr_t)again % HUGE, 0);
	ck_assert_int_eq(*(char *)again, 1);
	ck_assert_int_eq(*(char *)other, 42);
	ck_assert_int_eq(munmap(other, 4096), 0);
	for (int i = 0; i < 3; i++)
		contig_release(buffers[i]);
	done();
}
END_TEST

#define PAGE_IS_PRESENT (UINT64_C(1) << 63) /* proc_pid_pagemap(5) */

/* Pages of a mapping that would be faulted in by whoever reads them. */
static size_t count_missing(const void *map, size_t size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t missing = 0;

	ck_assert_int_ge(fd, 0);
	for (size_t at = 0; at < size; at += 4096) {
		off_t place = (off_t)(((uintptr_t)map + at) / 4096 * 8);
		uint64_t entry;

		ck_assert_int_eq(pread(fd, &entry, sizeof(entry), place),
				 sizeof(entry));
		missing += !(entry & PAGE_IS_PRESENT);
	}
	(void)close(fd);
	return missing;
}

/* Whether the file has all its pages, half of them or none. */
START_TEST(nothing_is_faulted_in_after_mapping)
{
	static const size_t sizes[] = {AROUND / 2, AROUND, HUGE / 2, HUGE};
	size_t size = sizes[_i / 3], part = size / 2 * (size_t)(_i % 3);
	static char bytes[HUGE];
	struct contig_buffer *buffer;
	void *map;

	with(fake_serve, NULL);
	request.size_bytes = size;
	buffer = one();
	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(pwrite(contig_fd(buffer), bytes, part, 0), part);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	ck_assert_uint_eq(count_missing(map, size), 0);
	ck_assert_int_eq(*(char *)map, part ? 'x' : 0);
	contig_release(buffer);
	done();
}
END_TEST

/* What the daemon says of the size is more than what the file has. */
static void lend_too_little(struct fake *f, int fd, unsigned int n)
{
	struct contig_msg_buffer facts;
	char page[4096] = "";
	int memfd = fake_memfd(0, "", sizeof(page));

	(void)n;
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	fake_buffer(&facts, 1, HUGE / 2);
	ck_assert_int_eq(pwrite(memfd, page, sizeof(page), 0), sizeof(page));
	fake_lend_this(f, fd, &facts, memfd);
}

START_TEST(mapping_too_little_kills_nobody)
{
	struct contig_buffer *buffer;
	void *map;

	with(lend_too_little, NULL);
	buffer = one();
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	contig_release(buffer);
	done();
}
END_TEST

START_TEST(maps_once_and_shares)
{
	struct contig_buffer *buffer;
	char *first, byte;
	void *map, *again;

	with(fake_serve, NULL);
	buffer = one();
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	first = map;
	first[8191] = 42;
	ck_assert_int_eq(pread(contig_fd(buffer), &byte, 1, 8191), 1);
	ck_assert_int_eq(byte, 42);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &again), 0);
	ck_assert_ptr_eq(again, map);
	contig_unmap(buffer);
	contig_unmap(buffer);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &again), 0);
	ck_assert_int_eq(((char *)again)[8191], 42);
	contig_release(buffer);
	done();
}
END_TEST

START_TEST(maps_with_the_access_asked_for)
{
	struct contig_buffer *buffer;
	void *map = NULL, *again;

	with(fake_serve, NULL);
	buffer = one();
	ck_assert_int_eq(contig_map(buffer, 0, &map), -EINVAL);
	ck_assert_int_eq(contig_map(buffer, 4, &map), -EINVAL);
	ck_assert_ptr_null(map);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	ck_assert_int_eq(contig_map(buffer, CONTIG_WRITE, &again), -EBUSY);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &again),
			 -EBUSY);
	contig_unmap(buffer);
	ck_assert_int_eq(contig_map(buffer, CONTIG_WRITE, &again), 0);
	memset(again, 1, 8192);
	contig_release(buffer);
	done();
}
END_TEST

START_TEST(release_unmaps)
{
	struct contig_buffer *buffer;
	unsigned char resident[2];
	void *map;

	with(fake_serve, NULL);
	buffer = one();
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	ck_assert_int_eq(mincore(map, 8192, resident), 0);
	ck_assert_ptr_null(contig_release(buffer));
	ck_assert_int_eq(mincore(map, 8192, resident), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(contig_release(NULL));
	done();
}
END_TEST

/* ---- facts -------------------------------------------------------------- */

static void lend_these(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	fake_lend_this(f, fd, f->data, fake_memfd(0, "", 4096));
	(void)fake_receive(f, fd);
}

START_TEST(tells_the_address_only_where_there_is_one)
{
	struct contig_msg_buffer facts;
	struct contig_buffer_info info;
	struct contig_buffer *buffer;
	uint64_t phys = 1;

	fake_buffer(&facts, 7, UINT64_C(5) << 30);
	facts.guarantees = _i ? CONTIG_MSG_GUARANTEES
			      : CONTIG_MSG_GUARANTEES & ~CONTIG_MSG_PHYS_KNOWN;
	if (_i == 2) {
		facts.flags = CONTIG_MSG_BUFFER_PHYS;
		facts.phys = UINT64_C(0x1234567000);
	}
	with(lend_these, &facts);
	buffer = one();
	ck_assert_int_eq(contig_phys(buffer, &phys), _i == 0   ? -ENODATA
						     : _i == 1 ? -EACCES
							       : 0);
	ck_assert_uint_eq(phys, _i == 2 ? UINT64_C(0x1234567000) : 1);
	ck_assert_uint_eq(contig_guarantees(buffer), facts.guarantees);
	ck_assert_uint_eq(contig_size(buffer), UINT64_C(5) << 30);
	contig_info(buffer, &info);
	ck_assert_uint_eq(info.id, 7);
	ck_assert_int_eq(info.has_phys, _i == 2);
	ck_assert_uint_eq(info.phys, facts.phys);
	ck_assert_uint_eq(info.owner_uid, getuid());
	ck_assert_int_eq(info.draining, 0);
	contig_release(buffer);
	done();
}
END_TEST

/* ---- what release tells ------------------------------------------------- */

struct hints {
	uint64_t lent, released;
};

/* Hints come in the order of the releases, and none is answered. */
static void collect_hints(struct fake *f, int fd, unsigned int n)
{
	struct hints *hints = f->data;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		if (f->in.header.opcode == CONTIG_MSG_ALLOC) {
			uint32_t count = f->in.alloc.count;

			fake_lend(f, fd, hints->lent + 1);
			hints->lent += count;
			continue;
		}
		ck_assert_uint_eq(f->in.header.opcode, CONTIG_MSG_RELEASE);
		ck_assert_uint_eq(f->in.release.buffer_id, ++hints->released);
	}
}

/* More than fit the socket at a time. */
#define MANY 640

START_TEST(release_tells_once_and_waits_for_no_answer)
{
	struct contig_buffer *buffers[MANY];
	struct hints hints = {0};

	with(collect_hints, &hints);
	ck_assert_int_eq(
		contig_alloc_many(contig, &request, MANY, buffers, NULL), 0);
	for (int i = 0; i < MANY; i++)
		contig_release(buffers[i]);
	done();
	ck_assert_uint_eq(hints.released, MANY);
}
END_TEST

/* Lends two that the daemon is told of, as id 1 and 2. */
static void lend_told(struct fake *f, int fd, unsigned int n)
{
	uint64_t *releasedp = f->data, id = 0;
	struct contig_msg_buffer facts;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		if (f->in.header.opcode == CONTIG_MSG_RELEASE) {
			*releasedp = *releasedp * 10 + f->in.release.buffer_id;
			continue;
		}
		fake_buffer(&facts, ++id, 8192);
		facts.flags = CONTIG_MSG_BUFFER_TOLD;
		fake_lend_this(f, fd, &facts, fake_memfd(0, "", 8192));
	}
}

/* Unless somebody else may have it by now, which closing does not say. */
START_TEST(release_says_nothing_that_is_known)
{
	struct contig_buffer *kept, *shown;
	uint64_t released = 0;
	void *map;

	with(lend_told, &released);
	kept = one();
	ck_assert_int_eq(contig_map(kept, CONTIG_WRITE, &map), 0);
	shown = one();
	ck_assert_int_ge(contig_fd(shown), 0);
	contig_release(kept);
	contig_release(shown);
	done();
	ck_assert_uint_eq(released, 2);
}
END_TEST

START_TEST(buffers_outlive_their_connection)
{
	struct contig_buffer *buffer;
	void *map;

	with(fake_serve, NULL);
	buffer = one();
	done();
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	memset(map, 7, 8192);
	ck_assert_int_eq(contig_begin_cpu(buffer, CONTIG_READ), 0);
	ck_assert_int_eq(contig_end_cpu(buffer, CONTIG_READ), 0);
	contig_release(buffer);
}
END_TEST

static void lend_and_die(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	fake_lend(f, fd, 1);
}

START_TEST(release_does_not_connect_anew)
{
	with(lend_and_die, NULL);
	contig_release(one());
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig buffer");
	TCase *tcase = harness_case(suite, "mapping");

	tcase_add_loop_test(tcase, large_ones_are_mapped_aligned, 0, 6);
	tcase_add_test(tcase, a_good_place_is_used_again);
	tcase_add_loop_test(tcase, nothing_is_faulted_in_after_mapping, 0, 12);
	tcase_add_test(tcase, mapping_too_little_kills_nobody);
	tcase_add_test(tcase, maps_once_and_shares);
	tcase_add_test(tcase, maps_with_the_access_asked_for);
	tcase_add_test(tcase, release_unmaps);

	tcase = harness_case(suite, "facts");
	tcase_add_loop_test(tcase, tells_the_address_only_where_there_is_one, 0,
			    3);

	tcase = harness_case(suite, "release");
	tcase_add_test(tcase, release_tells_once_and_waits_for_no_answer);
	tcase_add_test(tcase, release_says_nothing_that_is_known);
	tcase_add_test(tcase, buffers_outlive_their_connection);
	tcase_add_test(tcase, release_does_not_connect_anew);
	return harness_run(suite);
}
