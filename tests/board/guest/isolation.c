/* SPDX-License-Identifier: MIT */

/*
 * Nobody ever reads what somebody else wrote: millions of pages, handed round
 * among several users.
 *
 *	isolation [-r REGION] [-p PAGES] [-g GROUP] [-s SEED] UID...
 *
 * As root, with a daemon that runs.  For each UID there is one process at a
 * time, and together they want all of the region.  A process borrows buffers of
 * random sizes, reads every byte of them, which must be zero, fills them with a
 * pattern of its own, and reads that again, which must be unharmed.  Then it
 * ends in one of several ways: it releases everything, exits, is killed, is
 * killed at a random moment before, or lives on for a while with a mapping and
 * nothing else, whose pattern must last until the end.  Its successor has
 * another UID.
 *
 * Ends when PAGES of 4 KiB were found to be zero, and prints how many.  What
 * the processes found out is counted in memory that they share, so that a kill
 * loses nothing of it.  GROUP is the one that may connect; the default is none.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contig.h"
#include "tests/board/guest/pattern.h"

#define PAGE	      UINT64_C(4096)
#define MAX_USERS     16
#define MAX_HELD      256 /* buffers of one process */
#define LARGEST	      (UINT64_C(4) << 20)
#define KEEP_LIMIT_MS 300

enum ending {
	RELEASES,
	EXITS,
	IS_KILLED,
	IS_KILLED_SOMETIME,
	KEEPS_A_MAPPING,
	ENDINGS,
};

struct options {
	const char *region;
	uint64_t pages;
	gid_t group;
	bool has_group;
	uint64_t seed;
	uid_t users[MAX_USERS];
	size_t n_users;
};

/* What all processes see. */
struct shared {
	_Atomic uint64_t pages; /* found to be zero */
	_Atomic uint64_t endings[ENDINGS];
	_Atomic bool failed;
};

struct held {
	struct contig_buffer *buffer;
	uint64_t *words;
	uint64_t size;
	uint64_t seed;
};

/* One process: a user's turn. */
struct turn {
	struct contig *contig;
	uint64_t random;
	uint64_t share_bytes; /* of the region */
	enum ending ending;
	struct held held[MAX_HELD];
	size_t n_held;
};

static struct options options = {.pages = 1000000, .seed = 1};
static struct shared *shared;

/* xorshift64: all that is asked of it is to differ from turn to turn. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "isolation: uid %d: %s: %s (seed %" PRIu64 ")\n",
		      (int)getuid(), what, why, options.seed);
	atomic_store(&shared->failed, true);
	_exit(EXIT_FAILURE);
}

static void fail_at(const struct held *held, const char *what, size_t word)
{
	char why[128];

	(void)snprintf(why, sizeof(why),
		       "word %zu of %" PRIu64 " is 0x%016" PRIx64, word,
		       held->size / 8, held->words[word]);
	fail(what, why);
}

static void begin(const struct held *held, uint32_t access)
{
	int r = contig_begin_cpu(held->buffer, access);

	if (r < 0)
		fail("beginning CPU access", strerror(-r));
}

static void end(const struct held *held, uint32_t access)
{
	int r = contig_end_cpu(held->buffer, access);

	if (r < 0)
		fail("ending CPU access", strerror(-r));
}

static void expect_zero(const struct held *held)
{
	size_t at;

	begin(held, CONTIG_READ);
	at = zero_differs(held->words, held->size);
	if (at != held->size / 8)
		fail_at(held, "memory was not zeroed", at);
	end(held, CONTIG_READ);
	atomic_fetch_add(&shared->pages, held->size / PAGE);
}

static void expect_pattern(const struct held *held)
{
	size_t at = pattern_differs(held->words, held->size, held->seed);

	if (at != held->size / 8)
		fail_at(held, "somebody else wrote here", at);
}

/* Borrows one more; false: there is no more to be had. */
static bool borrow(struct turn *turn, uint64_t size_bytes)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct held *held = &turn->held[turn->n_held];
	struct contig_failure failure = {0};
	void *memory;
	int r;

	request.size_bytes = size_bytes;
	request.region = options.region;
	request.name = "isolation";
	r = contig_alloc(turn->contig, &request, &held->buffer, &failure);
	if (r == -ENOMEM || r == -EDQUOT)
		return false;
	if (r < 0)
		fail("allocating", failure.text);
	r = contig_map(held->buffer, CONTIG_READ | CONTIG_WRITE, &memory);
	if (r < 0)
		fail("mapping", strerror(-r));
	held->words = memory;
	held->size = contig_size(held->buffer);
	held->seed = next_random(&turn->random);
	turn->n_held++;
	return true;
}

/* Reads zeroes, writes, and reads what it wrote. */
static void use(struct held *held)
{
	expect_zero(held);
	begin(held, CONTIG_READ | CONTIG_WRITE);
	pattern_write(held->words, held->size, held->seed);
	if (zero_differs(held->words, held->size) == held->size / 8)
		fail("the test is blind", "a pattern looks like zeroes");
	end(held, CONTIG_READ | CONTIG_WRITE);
}

/* Only a mapping is left, and others work all around it. */
static void keep_a_mapping(struct turn *turn)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct held kept = turn->held[0];
	uint64_t until =
		atomic_load(&shared->pages) + 4 * turn->share_bytes / PAGE;

	kept.words = mmap(NULL, kept.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  contig_fd(kept.buffer), 0);
	if (kept.words == MAP_FAILED)
		fail("mapping", strerror(errno));
	for (size_t i = 0; i < turn->n_held; i++)
		(void)contig_release(turn->held[i].buffer);
	(void)contig_close(turn->contig);
	/* a limit, for the others may be doing the same */
	for (int ms = 0; ms < KEEP_LIMIT_MS; ms++) {
		if (atomic_load(&shared->pages) >= until ||
		    atomic_load(&shared->pages) >= options.pages ||
		    atomic_load(&shared->failed))
			break;
		(void)nanosleep(&pause, NULL);
	}
	expect_pattern(&kept);
}

static void finish(struct turn *turn)
{
	for (size_t i = 0; i < turn->n_held; i++) {
		begin(&turn->held[i], CONTIG_READ);
		expect_pattern(&turn->held[i]);
		end(&turn->held[i], CONTIG_READ);
	}
	if (turn->ending == KEEPS_A_MAPPING && turn->n_held > 0)
		keep_a_mapping(turn);
	else if (turn->ending == RELEASES)
		for (size_t i = 0; i < turn->n_held; i++)
			(void)contig_release(turn->held[i].buffer);
	else if (turn->ending == IS_KILLED)
		(void)raise(SIGKILL);
	_exit(EXIT_SUCCESS);
}

/* A timer whose signal nobody handles kills as well as a person does. */
static void die_sometime(uint64_t within_us)
{
	const struct itimerval timer = {
		.it_value = {.tv_usec = (suseconds_t)(within_us % 999999 + 1)},
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

static uint64_t region_bytes(struct contig *contig)
{
	struct contig_region_info *infos;
	uint64_t size = 0;
	size_t n;
	int r = contig_list_regions(contig, &infos, &n);

	if (r < 0)
		fail("listing regions", strerror(-r));
	for (size_t i = 0; i < n; i++)
		if (options.region ? strcmp(infos[i].name, options.region) == 0
				   : infos[i].is_default)
			size = infos[i].size_bytes;
	free(infos);
	if (size == 0)
		fail("starting", "there is no such region");
	return size;
}

static void become(uid_t uid)
{
	gid_t gid = options.has_group ? options.group : uid;

	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		fail("changing the user", strerror(errno));
}

static void take_turn(uid_t uid, uint64_t number)
{
	static struct turn turn;
	int r;

	become(uid);
	turn.random = options.seed * 0x9e3779b97f4a7c15 + number;
	(void)next_random(&turn.random);
	turn.ending = (enum ending)(number % ENDINGS);
	atomic_fetch_add(&shared->endings[turn.ending], 1);
	r = contig_open(&turn.contig, NULL);
	if (r < 0)
		fail("contigd does not answer", strerror(-r));
	turn.share_bytes = region_bytes(turn.contig) / options.n_users;
	if (turn.ending == IS_KILLED_SOMETIME)
		die_sometime(next_random(&turn.random) % 30000);
	for (uint64_t total = 0;
	     total < turn.share_bytes && turn.n_held < MAX_HELD;) {
		if (!borrow(&turn, next_random(&turn.random) % LARGEST + 1))
			break;
		use(&turn.held[turn.n_held - 1]);
		total += turn.held[turn.n_held - 1].size;
	}
	finish(&turn);
}

static pid_t start(uid_t uid, uint64_t number)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("starting a process", strerror(errno));
	if (pid == 0)
		take_turn(uid, number);
	return pid;
}

/* Keeps one process for each user until all pages are done. */
static int run(void)
{
	pid_t pids[MAX_USERS];
	uint64_t number = 0;
	bool more = true;
	size_t left = 0;

	for (size_t i = 0; i < options.n_users; i++, left++)
		pids[i] = start(options.users[i], ++number);
	while (left > 0) {
		pid_t pid = wait(NULL);

		if (pid < 0)
			break;
		more = more && !atomic_load(&shared->failed) &&
		       atomic_load(&shared->pages) < options.pages;
		for (size_t i = 0; i < options.n_users; i++) {
			if (pids[i] != pid)
				continue;
			left--;
			if (!more)
				continue;
			number++;
			pids[i] = start(options.users[number % options.n_users],
					number);
			left++;
		}
	}
	return atomic_load(&shared->failed) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "r:p:g:s:")) != -1) {
		if (option == 'r') {
			options.region = optarg;
		} else if (option == 'p') {
			options.pages = strtoull(optarg, NULL, 10);
		} else if (option == 's') {
			options.seed = strtoull(optarg, NULL, 10);
		} else if (option == 'g') {
			options.group = (gid_t)strtoul(optarg, NULL, 10);
			options.has_group = true;
		} else {
			return -EINVAL;
		}
	}
	for (; optind < argc && options.n_users < MAX_USERS; optind++)
		options.users[options.n_users++] =
			(uid_t)strtoul(argv[optind], NULL, 10);
	return options.n_users > 0 ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	int r;

	if (parse(argc, argv) < 0) {
		(void)fprintf(stderr, "usage: isolation [-r REGION] [-p PAGES] "
				      "[-g GROUP] [-s SEED] UID...\n");
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("isolation");
		return EXIT_FAILURE;
	}
	r = run();
	printf("%" PRIu64 " pages were zero; %" PRIu64 " processes released, "
	       "%" PRIu64 " exited, %" PRIu64 " were killed, %" PRIu64
	       " at any moment, %" PRIu64 " kept a mapping\n",
	       shared->pages, shared->endings[RELEASES], shared->endings[EXITS],
	       shared->endings[IS_KILLED], shared->endings[IS_KILLED_SOMETIME],
	       shared->endings[KEEPS_A_MAPPING]);
	return r;
}
