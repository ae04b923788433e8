/* SPDX-License-Identifier: MIT */
#include "daemon/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

#define BOOT  "0b1c8d3e-1111-2222-3333-444455556666"
#define FIRST 255 /* records that a new ledger has room for */

static struct ledger *ledger;
static struct error why;

static int new_file(void)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void before(void)
{
	int r = ledger_new_consume(&ledger, new_file(), BOOT, &why);

	ck_assert_msg(r == 0, "%s", why.text);
}

static void after(void)
{
	ledger = ledger_free(ledger);
}

static struct ledger_claim claim_of(uint64_t id)
{
	return (struct ledger_claim){
		.id = id,
		.shelf_id = id,
		.run = {.phys = id << 20, .size_bytes = 1 << 20},
		.owner_uid = 1000,
		.region = "camera",
		.backend = "udmabuf",
		.name = "frame",
	};
}

static size_t claim(uint64_t id)
{
	const struct ledger_claim what = claim_of(id);
	size_t place;

	ck_assert_int_eq(ledger_claim(ledger, &what, &place), 0);
	return place;
}

static size_t lend(uint64_t id)
{
	const struct ledger_object object = {
		.token = id + 1, .device = id + 2, .inode = id + 3};
	size_t place = claim(id);

	ledger_lend(ledger, place, &object);
	return place;
}

/* As the next daemon finds it. */
static int reopen(void)
{
	int fd = dup(ledger_fd(ledger));

	ledger = ledger_free(ledger);
	return ledger_open_consume(&ledger, fd, BOOT, &why);
}

static const struct ledger_record *find(uint64_t id)
{
	const struct ledger_record *record;

	for (size_t at = 0; (record = ledger_next(ledger, &at)); at++)
		if (record->id == id)
			return record;
	return NULL;
}

START_TEST(new_ledger_is_empty)
{
	size_t place = 0;

	ck_assert_uint_eq(ledger_count(ledger), 0);
	ck_assert_ptr_null(ledger_next(ledger, &place));
	ck_assert_uint_eq(ledger_first_id(ledger), 1);
	ck_assert_int_eq(reopen(), 0);
	ck_assert_uint_eq(ledger_count(ledger), 0);
	ck_assert_uint_eq(ledger_first_id(ledger), 1);
}
END_TEST

START_TEST(record_says_what_was_entered)
{
	const struct ledger_record *record;
	struct ledger_claim what = claim_of(9);
	size_t place;

	what.shelf_id = 4;
	what.guard_bytes = 4096;
	what.flags = LEDGER_MADE_UP;
	ck_assert_int_eq(ledger_claim(ledger, &what, &place), 0);
	ledger_lend(ledger, place,
		    &(struct ledger_object){.token = 5, .device = 6, .inode = 7});
	ck_assert_uint_ne(find(9)->guard, LEDGER_GUARD_FILLED);
	ledger_note_guard(ledger, place);
	ck_assert_int_eq(reopen(), 0);
	record = find(9);
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->guard, LEDGER_GUARD_FILLED);
	ck_assert_uint_eq(record->state, LEDGER_LENT);
	ck_assert_uint_eq(record->shelf_id, 4);
	ck_assert_uint_eq(record->phys, 9 << 20);
	ck_assert_uint_eq(record->size_bytes, 1 << 20);
	ck_assert_uint_eq(record->guard_bytes, 4096);
	ck_assert_uint_eq(record->owner_uid, 1000);
	ck_assert_uint_eq(record->flags, LEDGER_MADE_UP);
	ck_assert_str_eq(record->region, "camera");
	ck_assert_str_eq(record->backend, "udmabuf");
	ck_assert_str_eq(record->name, "frame");
	ck_assert_uint_eq(record->token, 5);
	ck_assert_uint_eq(record->device, 6);
	ck_assert_uint_eq(record->inode, 7);
}
END_TEST

START_TEST(each_state_is_found_again)
{
	size_t lent, draining;

	(void)claim(1);
	(void)lend(2);
	draining = lend(3);
	ledger_drain(ledger, draining);
	lent = lend(4);
	ledger_quarantine(ledger, lent);
	ledger_erase(ledger, lend(5));
	draining = lend(6);
	ledger_drain(ledger, draining);
	ledger_quarantine(ledger, draining);
	ck_assert_uint_eq(ledger_count(ledger), 5);
	ck_assert_int_eq(reopen(), 0);
	ck_assert_uint_eq(ledger_count(ledger), 5);
	ck_assert_uint_eq(find(1)->state, LEDGER_CLAIMED);
	ck_assert_uint_eq(find(2)->state, LEDGER_LENT);
	ck_assert_uint_eq(find(3)->state, LEDGER_DRAINING);
	ck_assert_uint_eq(find(4)->state, LEDGER_QUARANTINED);
	ck_assert_ptr_null(find(5));
	ck_assert_uint_eq(find(6)->state, LEDGER_QUARANTINED);
}
END_TEST

/* The last two steps are taken in another process, so that it is this one that
 * fails where a state was forgotten. */
static void expect_abort(void (*fn)(void))
{
	pid_t pid = fork();
	int code;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)fd_close(STDERR_FILENO);
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert(WIFSIGNALED(code) && WTERMSIG(code) == SIGABRT);
}

static void erase_twice(void)
{
	size_t place = lend(1);

	ledger_erase(ledger, place);
	ledger_erase(ledger, place);
}

static void lend_twice(void)
{
	ledger_lend(ledger, lend(1), &(struct ledger_object){.token = 0});
}

static void drain_what_is_claimed(void)
{
	ledger_drain(ledger, claim(1));
}

START_TEST(wrong_steps_abort)
{
	expect_abort(erase_twice);
	expect_abort(lend_twice);
	expect_abort(drain_what_is_claimed);
}
END_TEST

START_TEST(places_are_used_again)
{
	size_t place = lend(1);

	(void)lend(2);
	ledger_note_guard(ledger, place);
	ledger_erase(ledger, place);
	ck_assert_uint_eq(claim(3), place);
	ck_assert_uint_ne(find(3)->guard, LEDGER_GUARD_FILLED);
	ck_assert_uint_eq(ledger_count(ledger), 2);
}
END_TEST

static uint64_t size_of(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(ledger_fd(ledger), &st), 0);
	return (uint64_t)st.st_size;
}

START_TEST(grows_when_it_is_full)
{
	uint64_t size = size_of();

	for (uint64_t id = 1; id <= FIRST; id++)
		(void)lend(id);
	ck_assert_uint_eq(size_of(), size);
	(void)lend(FIRST + 1);
	ck_assert_uint_gt(size_of(), size);
	for (uint64_t id = FIRST + 2; id <= 10000; id++)
		(void)lend(id);
	ck_assert_int_eq(reopen(), 0);
	ck_assert_uint_eq(ledger_count(ledger), 10000);
	for (size_t place = 0; ledger_next(ledger, &place);)
		ledger_erase(ledger, place);
	size = size_of();
	for (uint64_t id = 20001; id <= 30000; id++)
		(void)lend(id);
	ck_assert_uint_eq(size_of(), size);
	ck_assert_int_eq(reopen(), 0);
	ck_assert_ptr_nonnull(find(25000));
}
END_TEST

/* The kernel refuses the file more room: nothing else may change. */
START_TEST(no_room_is_an_error_and_no_more)
{
	const struct ledger_claim what = claim_of(FIRST + 1);
	struct rlimit limit, small;
	size_t place;

	for (uint64_t id = 1; id <= FIRST; id++)
		(void)lend(id);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = size_of();
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(ledger_claim(ledger, &what, &place), -EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_uint_eq(ledger_count(ledger), FIRST);
	ledger_erase(ledger, 7);
	ck_assert_uint_eq(claim(FIRST + 1), 7);
	(void)claim(FIRST + 2);
	ck_assert_int_eq(reopen(), 0);
	ck_assert_uint_eq(ledger_count(ledger), FIRST + 1);
}
END_TEST

START_TEST(no_id_comes_again)
{
	ledger_erase(ledger, lend(1));
	ck_assert_int_eq(reopen(), 0);
	ck_assert_uint_gt(ledger_first_id(ledger), 1);
	for (uint64_t id = 5000; id < 9000; id++)
		ledger_erase(ledger, lend(id));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reopen(), 0);
		ck_assert_uint_ge(ledger_first_id(ledger), 9000);
	}
	ck_assert_uint_le(ledger_first_id(ledger),
			  9000 + 2 * LEDGER_PROMISE_STEP);
}
END_TEST

START_TEST(refused_ledger_is_left_alone)
{
	uint32_t version = LEDGER_VERSION + 1;
	int fd = dup(ledger_fd(ledger));
	struct ledger *opened = NULL;
	uint8_t before_it[4096], after_it[4096];

	(void)lend(1);
	ck_assert_int_eq(pwrite(fd, &version, sizeof(version),
				offsetof(struct ledger_header, version)),
			 sizeof(version));
	ck_assert_int_eq(pread(fd, before_it, sizeof(before_it), 0), 4096);
	ck_assert_int_eq(ledger_open_consume(&opened, dup(fd), BOOT, &why),
			 LEDGER_E_NEWER);
	ck_assert_ptr_null(opened);
	ck_assert_int_eq(pread(fd, after_it, sizeof(after_it), 0), 4096);
	ck_assert_mem_eq(before_it, after_it, sizeof(before_it));
	(void)fd_close(fd);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	struct ledger *opened = NULL;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(ledger_open_consume(&opened, ends[0], BOOT, &why),
			 LEDGER_E_DAMAGED);
	(void)fd_close(ends[1]);
	ck_assert_int_eq(ledger_open_consume(&opened, new_file(), BOOT, &why),
			 LEDGER_E_DAMAGED);
	ck_assert_ptr_null(opened);
}
END_TEST

/*
 * The end at every instruction.  A child enters, lends and erases, and is
 * stepped through it one instruction at a time; whenever the file has changed,
 * it must be a good ledger that says what the steps so far have made it, or
 * with the one under way already done.
 */
static const struct step {
	char what; /* claim, lend, drain, quarantine, erase */
	uint64_t id;
} steps[] = {
	{'c', 1},     {'c', 2},	    {'l', 2},	  {'l', 1},    {'e', 1},
	{'c', 2000},  {'d', 2},	    {'c', 3},	  {'l', 2000}, {'q', 2},
	{'c', 4},     {'e', 2000},  {'l', 4},	  {'e', 3},    {'e', 4},
	{'c', 14000}, {'l', 14000}, {'d', 14000},
};

#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/* Kept rather than looked for: each instruction of the child takes a while. */
static size_t *place_of(uint64_t id)
{
	static struct {
		uint64_t id;
		size_t place;
	} places[N_STEPS];
	size_t i = 0;

	while (places[i].id != 0 && places[i].id != id)
		i++;
	places[i].id = id;
	return &places[i].place;
}

static void take_step(const struct step *step)
{
	const struct ledger_object object = {.token = step->id};
	const struct ledger_claim what = claim_of(step->id);
	size_t place = *place_of(step->id);

	switch (step->what) {
	case 'c':
		if (ledger_claim(ledger, &what, place_of(step->id)) < 0)
			_exit(1);
		break;
	case 'l':
		ledger_lend(ledger, place, &object);
		break;
	case 'd':
		ledger_drain(ledger, place);
		break;
	case 'q':
		ledger_quarantine(ledger, place);
		break;
	default:
		ledger_erase(ledger, place);
	}
}

static uint32_t state_after(size_t n_steps, uint64_t id)
{
	uint32_t state = LEDGER_FREE;

	for (size_t i = 0; i < n_steps; i++) {
		if (steps[i].id != id)
			continue;
		state = steps[i].what == 'c'   ? LEDGER_CLAIMED
			: steps[i].what == 'l' ? LEDGER_LENT
			: steps[i].what == 'd' ? LEDGER_DRAINING
			: steps[i].what == 'q' ? LEDGER_QUARANTINED
					       : LEDGER_FREE;
	}
	return state;
}

static uint32_t state_in(const struct ledger_record *records, size_t n,
			 uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (records[i].state != LEDGER_FREE && records[i].id == id)
			return records[i].state;
	return LEDGER_FREE;
}

static bool agrees(const struct ledger_record *records, size_t n, size_t done)
{
	for (size_t i = 0; i < N_STEPS; i++)
		if (state_in(records, n, steps[i].id) !=
		    state_after(done, steps[i].id))
			return false;
	return true;
}

static void judge(const void *bytes, size_t size, size_t done)
{
	const struct ledger_header *header = bytes;
	const struct ledger_record *records =
		(const struct ledger_record *)(header + 1);
	struct ledger_summary summary;
	int r = ledger_check(bytes, size, BOOT, &summary, &why);

	ck_assert_msg(r == 0, "after step %zu: %s", done, why.text);
	ck_assert_msg(agrees(records, summary.n_touched, done) ||
			      agrees(records, summary.n_touched, done + 1),
		      "after step %zu the ledger says something else", done);
	for (size_t i = 0; i < done; i++)
		ck_assert_uint_gt(summary.next_id, steps[i].id);
}

static void run_steps(size_t *done)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	(void)raise(SIGSTOP);
	for (size_t i = 0; i < N_STEPS; i++) {
		take_step(&steps[i]);
		__atomic_store_n(done, i + 1, __ATOMIC_SEQ_CST);
	}
	_exit(0);
}

/* Returns how often the file was seen to change. */
static size_t watch_steps(pid_t pid, const size_t *done)
{
	size_t room = 2 * size_of(), changes = 0; /* it grows once */
	uint8_t *last = calloc(1, room);
	const uint8_t *now =
		mmap(NULL, room, PROT_READ, MAP_SHARED, ledger_fd(ledger), 0);
	int code;

	ck_assert_ptr_nonnull(last);
	ck_assert_ptr_ne(now, MAP_FAILED);
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	while (WIFSTOPPED(code)) {
		size_t size = size_of();

		ck_assert_uint_le(size, room);
		if (memcmp(now, last, size) != 0) {
			judge(now, size, *done);
			memcpy(last, now, size);
			changes++;
		}
		ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	}
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 0, "0x%x",
		      (unsigned int)code);
	(void)munmap((void *)now, room);
	free(last);
	return changes;
}

START_TEST(any_instruction_may_be_the_last)
{
	size_t *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (harness_is_valgrind()) /* cannot be stepped through */
		return;
#ifdef __SANITIZE_THREAD__
	return; /* one thread, whose every access would be a hundred steps */
#endif
	ck_assert_ptr_ne(done, MAP_FAILED);
	for (uint64_t id = 10000; id < 10000 + FIRST - 3; id++)
		(void)lend(id); /* so that the last of the steps need more */
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_steps(done);
	/* of each claim some fields and a check are seen apart */
	ck_assert_uint_gt(watch_steps(pid, done), 4 * N_STEPS + FIRST);
	ck_assert_uint_eq(*done, N_STEPS);
	(void)munmap(done, sizeof(*done));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tcase = harness_case(suite, "ledger");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, new_ledger_is_empty);
	tcase_add_test(tcase, record_says_what_was_entered);
	tcase_add_test(tcase, each_state_is_found_again);
	tcase_add_test(tcase, wrong_steps_abort);
	tcase_add_test(tcase, places_are_used_again);
	tcase_add_test(tcase, grows_when_it_is_full);
	tcase_add_test(tcase, no_room_is_an_error_and_no_more);
	tcase_add_test(tcase, no_id_comes_again);
	tcase_add_test(tcase, refused_ledger_is_left_alone);
	tcase_add_test(tcase, what_is_no_file_is_refused);
	tcase_add_test(tcase, any_instruction_may_be_the_last);
	return harness_run(suite);
}
