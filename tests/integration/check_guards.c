/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/raw.h"
#include "util/fd.h"

/*
 * Guards over the real socket.  The guard of simulated memory is the end of the
 * client's own file, so these clients do what elsewhere only a device can: they
 * write behind their buffers.
 */

#define GRANULE	 4096
#define SIZE	 (UINT64_C(1) << 20)
#define ALL_ROOM (SIZE / (2 * GRANULE)) /* buffers of a granule, with guards */
#define REPORT	 "something wrote behind buffer"

static struct daemon process;
static struct contig *contig;

static void before(void)
{
	static const char *const options[] = {
		"--simulate", "guarded=1M,granule=4K,guard=4K", NULL};

	daemon_start(&process, options);
	ck_assert_int_eq(contig_open(&contig, process.socket), 0);
}

static void after(void)
{
	contig = contig_close(contig);
	daemon_stop(&process);
}

static struct contig_buffer *alloc(uint64_t size_bytes, const char *name)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer = NULL;
	int r;

	request.size_bytes = size_bytes;
	request.name = name;
	r = contig_alloc(contig, &request, &buffer, &failure);
	ck_assert_msg(r == 0, "%s", r < 0 ? failure.text : "");
	return buffer;
}

static int is_back(void *data)
{
	struct contig_status status;

	(void)data;
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	return status.buffers == 0 && status.free_bytes == SIZE &&
	       status.dirty_bytes == 0;
}

static void wait_until_back(void)
{
	daemon_wait(is_back, NULL, 30000);
}

static int has_reported(void *data)
{
	return daemon_has_logged(&process, *(const char *const *)data);
}

static void wait_for_report(const char *text)
{
	daemon_wait(has_reported, &text, 30000);
}

static struct contig_check_result check(void)
{
	struct contig_check_result result;

	ck_assert_int_eq(contig_check(contig, NULL, &result, NULL, NULL), 0);
	ck_assert_uint_eq(result.unreadable, 0);
	return result;
}

/* One byte, through the descriptor. */
static void stray(struct contig_buffer *buffer, uint64_t offset)
{
	ck_assert_int_eq(pwrite(contig_fd(buffer), "", 1,
				(off_t)(contig_size(buffer) + offset)),
			 1);
}

static struct contig_region_info get_region(void)
{
	struct contig_region_info *regions, first;
	size_t n;

	ck_assert_int_eq(contig_list_regions(contig, &regions, &n), 0);
	ck_assert_uint_eq(n, 1);
	first = regions[0];
	free(regions);
	return first;
}

START_TEST(one_byte_is_found_on_return)
{
	struct contig_buffer *front = alloc(GRANULE, "front");
	struct contig_buffer *behind = alloc(2 * GRANULE, "behind");
	struct contig_region_info region = get_region();
	char text[256];

	ck_assert_uint_eq(region.lent_bytes, 3 * GRANULE);
	ck_assert_uint_eq(region.guarding_bytes, 2 * GRANULE);
	ck_assert_uint_eq(region.free_bytes, SIZE - 5 * GRANULE);

	stray(front, 16);
	ck_assert(!daemon_has_logged(&process, REPORT));
	(void)contig_release(front);
	(void)snprintf(text, sizeof(text),
		       "region 'guarded': something wrote behind buffer 1 "
		       "'front' of uid %u: 1 of the 4096 bytes of its guard "
		       "differ, the first at 0x100001010, 16 behind its end; "
		       "behind it lies buffer 2 'behind' of uid %u",
		       getuid(), getuid());
	wait_for_report(text);
	stray(behind, GRANULE - 1);
	(void)contig_release(behind);
	wait_for_report("the first at 0x100004fff, 4095 behind its end; no "
			"buffer lies behind it");
	wait_until_back(); /* it is a report, and no punishment */
	region = get_region();
	ck_assert_uint_eq(region.damaged_guards, 2);
	ck_assert_uint_eq(region.guarding_bytes, 0);
	ck_assert_uint_eq(region.guard_bytes, GRANULE);
}
END_TEST

START_TEST(check_finds_it_before_and_tells_once)
{
	struct contig_buffer *buffer = alloc(3 * GRANULE, "camera");
	struct contig_damage *damages;
	size_t n;
	char *at;

	ck_assert_uint_eq(check().damaged, 0);
	at = mmap(NULL, 4 * GRANULE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  contig_fd(buffer), 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	memset(at + 3 * GRANULE - 8, 0xff, 16); /* an overrun by half */
	ck_assert_int_eq(munmap(at, 4 * GRANULE), 0);
	ck_assert(!daemon_has_logged(&process, REPORT));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
			contig_check(contig, "guarded", NULL, &damages, &n), 0);
		ck_assert_uint_eq(n, 1);
		ck_assert_uint_eq(damages->id, 1);
		ck_assert_uint_eq(damages->first_bytes, 0);
		ck_assert_uint_eq(damages->differing_bytes, 8);
		ck_assert_uint_eq(damages->owner_uid, getuid());
		ck_assert_uint_eq(damages->neighbour_id, 0);
		free(damages);
	}
	ck_assert(daemon_has_logged(&process, REPORT " 1 "));
	(void)contig_release(buffer);
	wait_until_back();
	/* nothing more was said, neither at the second look nor on return */
	ck_assert_int_eq(daemon_count_logged(&process, REPORT), 1);
}
END_TEST

/* Whatever clients do with what is theirs, nobody is suspected. */
START_TEST(normal_life_is_not_reported)
{
	static const char zeroes[GRANULE];
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[64];

	request.size_bytes = GRANULE;
	for (int round = 0; round < 20; round++) {
		ck_assert_int_eq(
			contig_alloc_many(contig, &request, 64, buffers, NULL),
			0);
		for (size_t i = 0; i < 64; i++) {
			void *at;

			ck_assert_int_eq(contig_map(buffers[i],
						    CONTIG_READ | CONTIG_WRITE,
						    &at),
					 0);
			ck_assert_mem_eq(at, zeroes, GRANULE);
			memset(at, round + 1, GRANULE);
		}
		ck_assert_uint_eq(check().checked, 64);
		ck_assert_uint_eq(check().damaged, 0);
		for (size_t i = 0; i < 64; i++)
			(void)contig_release(buffers[i]);
	}
	wait_until_back();
	ck_assert(!daemon_has_logged(&process, REPORT));
}
END_TEST

/* What is behind the buffer is nobody's, and does not leak: a guard that was
 * written to is zeroed like the rest. */
START_TEST(guard_is_clean_when_it_becomes_a_buffer)
{
	struct contig_buffer *small = alloc(GRANULE, "small"), *large;
	char bytes[2 * GRANULE];

	ck_assert_int_eq(pwrite(contig_fd(small), "secret", 6, GRANULE + 50), 6);
	(void)contig_release(small);
	wait_until_back();
	large = alloc(SIZE - GRANULE, "large");
	ck_assert_int_eq(pread(contig_fd(large), bytes, sizeof(bytes), 0),
			 sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		ck_assert_msg(bytes[i] == 0, "byte %zu", i);
	(void)contig_release(large);
}
END_TEST

START_TEST(refusals_count_guards)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[ALL_ROOM], *more;
	struct contig_failure failure;

	request.size_bytes = SIZE;
	ck_assert_int_eq(contig_alloc(contig, &request, &more, &failure),
			 -EFBIG);
	ck_assert_ptr_nonnull(strstr(failure.text, "a guard of 4K behind"));
	request.size_bytes = GRANULE;
	ck_assert_int_eq(
		contig_alloc_many(contig, &request, ALL_ROOM, buffers, NULL), 0);
	ck_assert_int_eq(contig_alloc(contig, &request, &more, &failure),
			 -ENOMEM);
	ck_assert_uint_eq(failure.reason, CONTIG_REASON_FULL);
	ck_assert_uint_eq(failure.requested_bytes, 2 * GRANULE);
	ck_assert_uint_eq(failure.free_bytes, 0);
	for (size_t i = 0; i < ALL_ROOM; i++)
		(void)contig_release(buffers[i]);
}
END_TEST

/* All of the memory is on its way back through the worker, look and zeroing,
 * when it is asked for again: it is never refused. */
START_TEST(what_returns_is_not_missed)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[ALL_ROOM];
	struct contig_failure failure;

	request.size_bytes = GRANULE;
	for (int round = 0; round < 50; round++) {
		int r = contig_alloc_many(contig, &request, ALL_ROOM, buffers,
					  &failure);

		ck_assert_msg(r == 0, "round %d: %s", round,
			      r < 0 ? failure.text : "");
		for (size_t i = 0; i < ALL_ROOM; i++)
			(void)contig_release(buffers[i]);
	}
	ck_assert(!daemon_has_logged(&process, REPORT));
}
END_TEST

/* Clients that go while their guards are filled, or with the answer in the
 * socket. */
START_TEST(clients_go_while_guards_are_filled)
{
	union message message;

	for (int i = 0; i < 100; i++) {
		int fd = raw_open(process.socket);

		raw_prepare(&message, CONTIG_MSG_ALLOC, 2);
		message.alloc.size_bytes = GRANULE;
		message.alloc.count = CONTIG_MSG_MAX_BUFFERS;
		raw_send(fd, &message, message.header.size);
		(void)fd_close(fd);
	}
	wait_until_back();
	ck_assert(!daemon_has_logged(&process, REPORT));
}
END_TEST

/* The owner is killed in the middle of its life; what it did is still found. */
START_TEST(killed_client_is_found_out)
{
	struct contig_buffer *buffer;
	int ready[2], code;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (contig_open(&contig, process.socket) < 0)
			_exit(1);
		buffer = alloc(GRANULE, "victim");
		stray(buffer, 0);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	wait_for_report(REPORT " 1 'victim'");
	wait_until_back();
	(void)fd_close(ready[0]);
	(void)fd_close(ready[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guards");
	TCase *tcase = harness_case(suite, "guards");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, one_byte_is_found_on_return);
	tcase_add_test(tcase, check_finds_it_before_and_tells_once);
	tcase_add_test(tcase, normal_life_is_not_reported);
	tcase_add_test(tcase, guard_is_clean_when_it_becomes_a_buffer);
	tcase_add_test(tcase, refusals_count_guards);
	tcase_add_test(tcase, what_returns_is_not_missed);
	tcase_add_test(tcase, clients_go_while_guards_are_filled);
	tcase_add_test(tcase, killed_client_is_found_out);
	return harness_run(suite);
}
