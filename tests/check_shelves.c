/* SPDX-License-Identifier: MIT */
#include "daemon/shelves.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The test is the service manager.  What it is given goes through a socket and
 * is taken out there only when somebody looks, so that a daemon that was killed
 * leaves exactly what it had sent.
 */
static int to_manager, manager;
static struct inheritance kept;
static bool is_child; /* leaves the socket to its parent, and keeps copies */
static struct shelves shelves;
static unsigned int n_proofs;
static int proof_result;

static int tell(const char *text, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec iov = {.iov_base = (char *)text,
			    .iov_len = strlen(text) + 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(to_manager, &msg, 0) < 0 ? -errno : 0;
}

static void manage(const char *name, int fd)
{
	if (fd >= 0) {
		ck_assert_int_eq(inheritance_add_consume(&kept, name, fd), 0);
		return;
	}
	while ((fd = inheritance_take(&kept, name)) >= 0)
		(void)fd_close(fd);
}

static int store(const char *name, int fd)
{
	if (is_child)
		manage(name, dup(fd));
	return tell(name, fd);
}

static int forget(const char *name)
{
	if (is_child)
		manage(name, -1);
	return tell(name, -1);
}

static int prove(uint64_t limit_ms, struct error *why)
{
	ck_assert_uint_gt(limit_ms, 0);
	n_proofs++;
	return proof_result ? error_set(why, proof_result, "no room") : 0;
}

static const struct shelf_keeper keeper = {store, forget, prove};

/* Takes in all that the daemon has said. */
static void manage_all(void)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char name[64];
	struct iovec iov = {.iov_base = name, .iov_len = sizeof(name)};

	for (;;) {
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = &control,
				     .msg_controllen = sizeof(control)};
		int fd = -1;

		if (recvmsg(manager, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
			return;
		if (CMSG_FIRSTHDR(&msg))
			memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		manage(name, fd);
	}
}

/* What the next daemon is given: the manager keeps its own. */
static void inherit(struct inheritance *inheritance)
{
	inheritance_init(inheritance);
	if (!is_child)
		manage_all();
	for (size_t i = 0; i < kept.n; i++)
		ck_assert_int_eq(inheritance_add_consume(inheritance,
							 kept.items[i].name,
							 dup(kept.items[i].fd)),
				 0);
}

/* ---- things to put on shelves -------------------------------------------- */

#define MAX_THINGS 20000

static struct thing {
	struct shelf_item item;
	ino_t inode;
	bool needed;
	unsigned int found;
} * things; /* by id */

static void make_thing(uint64_t id)
{
	struct stat st;
	int fd = memfd_create("thing", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	shelf_item_init(&things[id].item, id, fd);
	things[id].inode = st.st_ino;
	things[id].needed = true;
}

static void close_thing(uint64_t id)
{
	things[id].item.fd = fd_close(things[id].item.fd);
}

static int put(uint64_t id)
{
	struct shelf_item *items[1];

	make_thing(id);
	items[0] = &things[id].item;
	return shelves_put(&shelves, items, 1);
}

static void drop(uint64_t id)
{
	things[id].needed = false;
	shelves_drop(&shelves, &things[id].item);
	close_thing(id);
}

static void before(void)
{
	int pair[2];

	log_set_level(LOG_LEVEL_ERR);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	to_manager = pair[0];
	manager = pair[1];
	things = calloc(MAX_THINGS, sizeof(*things));
	ck_assert_ptr_nonnull(things);
	inheritance_init(&kept);
	shelves_init(&shelves, &keeper);
}

static void after(void)
{
	shelves_deinit(&shelves);
	manage_all();
	inheritance_deinit(&kept);
	(void)fd_close(to_manager);
	(void)fd_close(manager);
	free(things);
}

/* The daemon ends and starts anew: it has nothing but what was kept. */
static void end_daemon(void)
{
	shelves_deinit(&shelves);
	for (size_t id = 0; id < MAX_THINGS; id++) {
		if (things[id].needed)
			close_thing(id);
		things[id].found = 0;
	}
}

static int found(void *data, uint64_t id, int fd, struct shelf_item **itemp)
{
	struct stat st;

	(void)data;
	ck_assert_uint_lt(id, MAX_THINGS);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_ino, things[id].inode);
	*itemp = NULL;
	if (!things[id].needed || things[id].found++) {
		(void)fd_close(fd);
		return 0;
	}
	shelf_item_init(&things[id].item, id, fd);
	*itemp = &things[id].item;
	return 0;
}

static void start_daemon(void)
{
	struct inheritance inheritance;

	inherit(&inheritance);
	shelves_init(&shelves, &keeper);
	ck_assert_int_eq(shelves_inherit(&shelves, &inheritance), 0);
	inheritance_deinit(&inheritance);
	ck_assert_int_eq(shelves_recover(&shelves, found, NULL), 0);
}

/* How often each thing lies on a shelf, as the kernel sees it. */
static void restart(unsigned int expected)
{
	end_daemon();
	start_daemon();
	for (size_t id = 0; id < MAX_THINGS; id++)
		if (things[id].needed)
			ck_assert_msg(things[id].found == expected,
				      "%zu was found %u times", id,
				      things[id].found);
}

static void close_all(void)
{
	for (size_t id = 0; id < MAX_THINGS; id++)
		if (things[id].needed)
			drop(id);
}

static unsigned int count_shelves(void)
{
	manage_all();
	ck_assert_uint_eq(kept.n % 2, 0);
	return (unsigned int)kept.n / 2;
}

/* ---- tests --------------------------------------------------------------- */

START_TEST(nothing_put_costs_nothing)
{
	ck_assert_uint_eq(count_shelves(), 0);
	restart(1);
	ck_assert_uint_eq(count_shelves(), 0);
}
END_TEST

START_TEST(what_was_put_is_found)
{
	for (uint64_t id = 1; id <= 3; id++)
		ck_assert_int_eq(put(id), 0);
	ck_assert_uint_eq(count_shelves(), 1);
	ck_assert_str_eq(kept.items[0].name, "shelf-0.a");
	ck_assert_str_eq(kept.items[1].name, "shelf-0.b");
	for (int i = 0; i < 5; i++) {
		restart(1);
		ck_assert_uint_le(count_shelves(), 2);
	}
	drop(2);
	restart(1);
	close_all();
	ck_assert_uint_le(count_shelves(), 1);
}
END_TEST

START_TEST(one_message_takes_many)
{
	struct shelf_item *items[SHELF_BATCH];

	for (uint64_t id = 0; id < SHELF_BATCH; id++) {
		make_thing(id);
		items[id] = &things[id].item;
	}
	ck_assert_int_eq(shelves_put(&shelves, items, SHELF_BATCH), 0);
	restart(1);
	for (uint64_t id = 0; id < SHELF_BATCH; id += 2)
		drop(id);
	restart(1);
	close_all();
}
END_TEST

/* Whatever is dropped goes, and does not pile up behind something old. */
START_TEST(garbage_is_bounded)
{
	struct shelf_item *old = &things[0].item;

	ck_assert_int_eq(put(0), 0);
	for (uint64_t id = 1; id < 5000; id++) {
		ck_assert_int_eq(put(id), 0);
		drop(id);
	}
	ck_assert_ptr_nonnull(old->shelf);
	ck_assert_uint_le(count_shelves(), 2);
	/* seen by the number of messages that are found at a restart */
	things[0].needed = true;
	restart(1);
	for (uint64_t id = 1; id < 5000; id++)
		ck_assert_uint_eq(things[id].found, 0);
	close_all();
}
END_TEST

static void raise_limit(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 9000)
		harness_skip("too few open files allowed");
}

START_TEST(full_shelf_gets_company)
{
	unsigned int most;

	raise_limit();
	for (uint64_t id = 0; id < 4000; id++)
		ck_assert_int_eq(put(id), 0);
	most = count_shelves();
	ck_assert_uint_gt(most, 1);
	ck_assert_uint_lt(most, 40);
	ck_assert_uint_eq(n_proofs, most);
	restart(1);
	for (uint64_t id = 0; id < 4000; id++)
		if (id % 10)
			drop(id);
	ck_assert_uint_le(count_shelves(), most + 1);
	restart(1);
	/* and is given up where nobody needs it */
	close_all();
	ck_assert_uint_le(count_shelves(), 1);
	for (uint64_t id = 4000; id < 8000; id++)
		ck_assert_int_eq(put(id), 0);
	restart(1);
	close_all();
}
END_TEST

/* What lies in queues counts for the limit, and not for root. */
START_TEST(limit_of_open_files_is_an_error_and_no_more)
{
	struct shelf_item items[80];
	struct rlimit limit, small;
	size_t n = 0;
	int r = 0;

	if (geteuid() == 0)
		return;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	small = limit;
	small.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
	while (r == 0 && n < 80) {
		struct shelf_item *one[] = {&items[n]};

		shelf_item_init(&items[n], n, manager);
		r = shelves_put(&shelves, one, 1);
		n++;
	}
	ck_assert_int_eq(r, -ETOOMANYREFS);
	ck_assert_ptr_null(items[n - 1].shelf);
	while (n-- > 0)
		shelves_drop(&shelves, &items[n]);
	ck_assert_int_eq(put(1), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	restart(1);
	close_all();
}
END_TEST

START_TEST(store_that_is_full_stops_nobody)
{
	proof_result = -ENOSPC;
	ck_assert_int_eq(put(1), 0);
	proof_result = 0;
	close_all();
}
END_TEST

/* Its daemon was killed between the two. */
START_TEST(shelf_that_may_not_be_kept_is_given_up)
{
	proof_result = -EMFILE;
	ck_assert_int_eq(put(1), -EMFILE);
	ck_assert_ptr_null(things[1].item.shelf);
	close_thing(1);
	things[1].needed = false;
	manage_all();
	ck_assert_uint_eq(kept.n, 0);
	proof_result = 0;
	ck_assert_int_eq(put(2), 0);
	restart(1);
	close_all();
}
END_TEST

START_TEST(one_end_alone_is_given_up)
{
	ck_assert_int_eq(put(1), 0);
	manage_all();
	(void)fd_close(inheritance_take(&kept, "shelf-0.b"));
	end_daemon();
	things[1].needed = false;
	start_daemon();
	manage_all();
	ck_assert_uint_eq(kept.n, 0);
}
END_TEST

START_TEST(other_names_are_left_alone)
{
	static const char *const names[] = {
		"shelf-1.c", "shelf-01.a", "shelf-1.ab", "shelf-.a",
		"shelf-1",   "ledger",	   "shelf--1.a", "shelf-4294967296.a",
	};
	struct inheritance inheritance;

	inheritance_init(&inheritance);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(inheritance_add_consume(&inheritance, names[i],
							 dup(manager)),
				 0);
	ck_assert_int_eq(shelves_inherit(&shelves, &inheritance), 0);
	ck_assert_uint_eq(inheritance.n, sizeof(names) / sizeof(names[0]));
	inheritance_deinit(&inheritance);
}
END_TEST

/* Something that is no message of a shelf: what is behind it is not lost. */
START_TEST(strange_message_stops_the_reading)
{
	int end = -1;

	ck_assert_int_eq(put(1), 0);
	manage_all();
	for (size_t i = 0; i < kept.n; i++)
		if (strcmp(kept.items[i].name, "shelf-0.a") == 0)
			end = kept.items[i].fd;
	ck_assert_int_eq(send(end, "hello", 5, 0), 5);
	ck_assert_int_eq(put(2), 0);
	end_daemon();
	shelves_init(&shelves, &keeper);
	for (int i = 0; i < 2; i++) {
		struct inheritance inheritance;

		log_set_level((enum log_level)0); /* it is expected */
		inherit(&inheritance);
		ck_assert_int_eq(shelves_inherit(&shelves, &inheritance), 0);
		inheritance_deinit(&inheritance);
		ck_assert_int_eq(shelves_recover(&shelves, found, NULL),
				 -EBADMSG);
		ck_assert_uint_eq(things[1].found, 1);
		ck_assert_uint_eq(things[2].found, 0);
		ck_assert_int_eq(put(3), 0); /* elsewhere */
		drop(3);
		things[3].found = 0;
		things[2].needed = false;
		end_daemon();
		things[2].needed = true;
	}
	things[1].needed = false;
	things[2].needed = false;
}
END_TEST

/*
 * Killed at every entry to and every return from a system call: nothing else
 * changes what others see.  A child goes through a script; the next daemon must
 * find all that was needed before and after the step under way.
 */
static const struct step {
	char what; /* put, drop, restart */
	uint64_t id, n;
} steps[] = {
	{'p', 1, 1},   {'p', 10, 3},  {'d', 11, 1}, {'p', 20, 9}, {'d', 20, 5},
	{'r', 0, 0},   {'p', 30, 1},  {'d', 30, 1}, {'d', 25, 4}, {'d', 10, 1},
	{'p', 40, 20}, {'d', 41, 18}, {'r', 0, 0},  {'d', 1, 1},  {'d', 12, 1},
	{'p', 60, 2},  {'d', 40, 1},  {'d', 59, 1}, {'d', 60, 2}, {'r', 0, 0},
};

#define N_STEPS (sizeof(steps) / sizeof(steps[0]))
#define LAST_ID 100

static void mark(const struct step *step, bool needed)
{
	for (uint64_t id = step->id; id < step->id + step->n; id++)
		things[id].needed = needed;
}

static void take_step(const struct step *step)
{
	struct shelf_item *items[SHELF_BATCH];

	if (step->what == 'r') {
		end_daemon();
		start_daemon();
		return;
	}
	for (uint64_t i = 0; i < step->n; i++)
		items[i] = &things[step->id + i].item;
	if (step->what == 'p') {
		if (shelves_put(&shelves, items, step->n) < 0)
			_exit(1);
		mark(step, true);
		return;
	}
	mark(step, false);
	for (uint64_t i = 0; i < step->n; i++) {
		shelves_drop(&shelves, items[i]);
		close_thing(step->id + i);
	}
}

static void run_steps(size_t *done)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	is_child = true;
	(void)raise(SIGSTOP);
	for (size_t i = 0; i < N_STEPS; i++) {
		take_step(&steps[i]);
		__atomic_store_n(done, i + 1, __ATOMIC_SEQ_CST);
	}
	_exit(0);
}

/* Lets the child run to its nth stop and kills it there; false: it has ended
 * before. */
static bool kill_at(pid_t pid, size_t n)
{
	int code;

	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	for (; WIFSTOPPED(code) && n > 0; n--) {
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	}
	if (!WIFSTOPPED(code)) {
		ck_assert_int_eq(code, 0);
		return false;
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	return true;
}

/* As the ledger would say: of the step under way, put is not known yet, and
 * drop is. */
static void mark_needed(size_t done)
{
	for (uint64_t id = 0; id < LAST_ID; id++)
		things[id].needed = false;
	for (size_t i = 0; i < done; i++)
		if (steps[i].what != 'r')
			mark(&steps[i], steps[i].what == 'p');
	if (done < N_STEPS && steps[done].what == 'd')
		mark(&steps[done], false);
}

/* One life and death of a daemon, and what its heirs find. */
static bool die_at(size_t n, size_t *done)
{
	bool killed;
	pid_t pid;

	*done = 0;
	for (uint64_t id = 0; id < LAST_ID; id++) {
		make_thing(id);
		things[id].needed = false;
	}
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_steps(done);
	killed = kill_at(pid, n);
	for (uint64_t id = 0; id < LAST_ID; id++)
		close_thing(id);
	mark_needed(*done);
	for (int heir = 0; heir < 2; heir++) {
		start_daemon();
		for (uint64_t id = 0; id < LAST_ID; id++)
			ck_assert_msg(!things[id].needed || things[id].found,
				      "killed at %zu in step %zu: %d is lost",
				      n, *done, (int)id);
		/* where it lay twice, it does so no longer */
		for (uint64_t id = 0; heir == 1 && id < LAST_ID; id++)
			ck_assert_uint_le(things[id].found, 1);
		end_daemon();
	}
	manage_all();
	inheritance_deinit(&kept);
	return killed;
}

START_TEST(any_system_call_may_be_the_last)
{
	size_t *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t n = 0;

	if (harness_is_valgrind()) /* cannot be stepped through */
		return;
	ck_assert_ptr_ne(done, MAP_FAILED);
	while (die_at(n, done))
		n++;
	ck_assert_uint_gt(n, 100);
	ck_assert_uint_eq(*done, N_STEPS);
	(void)munmap(done, sizeof(*done));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shelves");
	TCase *tcase = harness_case(suite, "shelves");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, nothing_put_costs_nothing);
	tcase_add_test(tcase, what_was_put_is_found);
	tcase_add_test(tcase, one_message_takes_many);
	tcase_add_test(tcase, garbage_is_bounded);
	tcase_add_test(tcase, full_shelf_gets_company);
	tcase_add_test(tcase, limit_of_open_files_is_an_error_and_no_more);
	tcase_add_test(tcase, store_that_is_full_stops_nobody);
	tcase_add_test(tcase, shelf_that_may_not_be_kept_is_given_up);
	tcase_add_test(tcase, one_end_alone_is_given_up);
	tcase_add_test(tcase, other_names_are_left_alone);
	tcase_add_test(tcase, strange_message_stops_the_reading);
	tcase_add_test(tcase, any_system_call_may_be_the_last);
	return harness_run(suite);
}
