/* SPDX-License-Identifier: MIT */

/*
 * A client that does one thing at a time, as the test outside tells it.
 *
 * It reads a command a line and answers each with one line, "ok ..." or "no"
 * and the reason, so that the witness can look at physical memory while a
 * buffer is at exactly one point of its life.  It has no privilege and knows
 * nothing but contig.h.  Buffers live in numbered slots; "keep" turns one into
 * a bare mapping, without descriptor and without a buffer object, which is the
 * least that can hold memory.
 *
 * "work" is the exception: it checks and rewrites all slots round after round
 * until the next line comes, whatever happens to the daemon meanwhile.  "bury"
 * is for root.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "contig.h"
#include "tests/board/guest/pattern.h"

#define SLOTS	 1024
#define WORDS	 6
#define LIMIT_MS 30000
/* Between two rounds, so that others get a processor. */
#define PAUSE_MS 30

struct slot {
	struct contig_buffer *buffer;
	void *kept; /* a mapping of our own, after "keep" */
	size_t kept_bytes;
};

static struct contig *contig;
static struct slot slots[SLOTS];

__attribute__((format(printf, 1, 2))) static void ok(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("ok ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void no(int error,
						     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("no ");
	vprintf(format, args);
	printf(": %s\n", error ? strerror(-error) : "unexpected");
	va_end(args);
}

static struct slot *slot_of(const char *text)
{
	unsigned long number = strtoul(text, NULL, 0);

	return &slots[number < SLOTS ? number : 0];
}

static void print_info(const struct contig_buffer_info *info, int fd)
{
	struct stat status = {0};
	char phys[32] = "none";

	(void)fstat(fd, &status);
	if (info->has_phys)
		snprintf(phys, sizeof(phys), "0x%" PRIx64, info->phys);
	ok("id=%" PRIu64 " size=%" PRIu64 " phys=%s guarantees=%" PRIu32
	   " region=%s device=%ju inode=%ju fd=%d",
	   info->id, info->size_bytes, phys, info->guarantees, info->region,
	   (uintmax_t)status.st_dev, (uintmax_t)status.st_ino, fd);
}

/* alloc SLOT SIZE REGION|- [ALIGN] */
static void do_alloc(char **words)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer_info info;
	struct slot *slot = slot_of(words[1]);

	request.size_bytes = strtoull(words[2], NULL, 0);
	request.region = strcmp(words[3], "-") ? words[3] : NULL;
	request.align_bytes = strtoull(words[4], NULL, 0);
	request.name = "board";

	int r = contig_alloc(contig, &request, &slot->buffer, &failure);

	if (r < 0) {
		no(r, "%s", failure.text);
		return;
	}
	contig_info(slot->buffer, &info);
	print_info(&info, contig_fd(slot->buffer));
}

/* Maps a buffer and begins CPU access; NULL after having answered. */
static void *begin(struct slot *slot, uint32_t access)
{
	void *memory;
	int r = slot->buffer ? contig_map(slot->buffer,
					  CONTIG_READ | CONTIG_WRITE, &memory)
			     : -EBADF;

	if (r == 0)
		r = contig_begin_cpu(slot->buffer, access);
	if (r < 0) {
		no(r, "beginning CPU access");
		return NULL;
	}
	return memory;
}

/* fill SLOT SEED */
static void do_fill(char **words)
{
	struct slot *slot = slot_of(words[1]);
	void *memory = begin(slot, CONTIG_WRITE);

	if (!memory)
		return;
	pattern_write(memory, contig_size(slot->buffer),
		      strtoull(words[2], NULL, 0));

	int r = contig_end_cpu(slot->buffer, CONTIG_WRITE);

	if (r < 0)
		no(r, "ending CPU access");
	else
		ok("%" PRIu64, contig_size(slot->buffer));
}

/* check SLOT SEED|zero [OFFSET LENGTH] */
static void do_check(char **words)
{
	struct slot *slot = slot_of(words[1]);
	uint64_t *memory = slot->kept;
	uint64_t size = slot->kept_bytes;
	uint64_t offset = strtoull(words[3], NULL, 0);
	uint64_t length = strtoull(words[4], NULL, 0);
	size_t at;

	if (!memory) {
		memory = begin(slot, CONTIG_READ);
		if (!memory)
			return;
		size = contig_size(slot->buffer);
	}
	if (length == 0)
		length = size;
	if (offset > size || length > size - offset) {
		no(-ERANGE, "checking");
		return;
	}
	memory += offset / 8;
	if (strcmp(words[2], "zero") == 0)
		at = zero_differs(memory, length);
	else
		at = pattern_differs(memory, length,
				     strtoull(words[2], NULL, 0) +
					     offset / 8 * PATTERN_STEP);
	if (!slot->kept)
		(void)contig_end_cpu(slot->buffer, CONTIG_READ);
	if (at == length / 8)
		ok("%" PRIu64, length);
	else
		no(0, "byte %" PRIu64 " begins 0x%016" PRIx64, offset + at * 8,
		   memory[at]);
}

/* release SLOT */
static void do_release(char **words)
{
	struct slot *slot = slot_of(words[1]);

	slot->buffer = contig_release(slot->buffer);
	ok("released");
}

/* keep SLOT: nothing stays but a mapping */
static void do_keep(char **words)
{
	struct slot *slot = slot_of(words[1]);

	if (!slot->buffer) {
		no(-EBADF, "keeping");
		return;
	}
	slot->kept_bytes = contig_size(slot->buffer);
	slot->kept = mmap(NULL, slot->kept_bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED, contig_fd(slot->buffer), 0);
	if (slot->kept == MAP_FAILED) {
		slot->kept = NULL;
		no(-errno, "mapping");
		return;
	}
	slot->buffer = contig_release(slot->buffer);
	ok("%zu", slot->kept_bytes);
}

/* drop SLOT: the mapping goes as well */
static void do_drop(char **words)
{
	struct slot *slot = slot_of(words[1]);

	(void)munmap(slot->kept, slot->kept_bytes);
	slot->kept = NULL;
	ok("dropped");
}

/* exhaust REGION SIZE SEED: takes all that is left of a region in buffers of
 * one size, each of which must be zero, and fills them. */
static void do_exhaust(char **words)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	uint64_t seed = strtoull(words[3], NULL, 0);
	unsigned int count = 0;
	int r = 0;

	request.size_bytes = strtoull(words[2], NULL, 0);
	request.region = words[1];
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];

		if (slot->buffer || slot->kept)
			continue;
		r = contig_alloc(contig, &request, &slot->buffer, &failure);
		if (r < 0)
			break;

		uint64_t *memory = begin(slot, CONTIG_READ | CONTIG_WRITE);

		if (!memory)
			return;

		uint64_t size = contig_size(slot->buffer);
		size_t at = zero_differs(memory, size);

		if (at != size / 8) {
			no(0, "buffer %u, byte %zu is not zero", count, at * 8);
			return;
		}
		pattern_write(memory, size, seed);
		(void)contig_end_cpu(slot->buffer, CONTIG_READ | CONTIG_WRITE);
		count++;
	}
	if (r == -ENOMEM)
		ok("count=%u refusal=%s", count, failure.text);
	else
		no(r, "after %u buffers: %s", count, failure.text);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What is in a slot after so many rounds. */
static uint64_t work_seed(uint64_t seed, size_t slot, uint64_t round)
{
	return seed + ((uint64_t)slot << 32) + round;
}

/* Begins or ends access, and where the daemon went away meanwhile, once more, as
 * libcontig(3) says.  Adds how often that happened. */
static int insist(int (*call)(struct contig_buffer *, uint32_t),
		  struct contig_buffer *buffer, uint64_t *again)
{
	for (;; (*again)++) {
		int r = call(buffer, CONTIG_READ | CONTIG_WRITE);

		if (r != -ECONNRESET)
			return r;
	}
}

/* One buffer in one round: what the round before left must be there.  0, or a
 * negative errno after having answered. */
static int work_on(size_t i, uint64_t seed, uint64_t round, uint64_t *again)
{
	struct contig_buffer *buffer = slots[i].buffer;
	uint64_t size = contig_size(buffer);
	void *memory;
	size_t at;
	int r = contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &memory);

	if (r == 0)
		r = insist(contig_begin_cpu, buffer, again);
	if (r < 0) {
		no(r, "slot %zu, beginning round %" PRIu64, i, round);
		return r;
	}
	at = round ? pattern_differs(memory, size, work_seed(seed, i, round - 1))
		   : size / 8;
	if (at != size / 8) {
		no(0, "slot %zu, round %" PRIu64 ", byte %zu is another's", i,
		   round, at * 8);
		return -EIO;
	}
	pattern_write(memory, size, work_seed(seed, i, round));
	r = insist(contig_end_cpu, buffer, again);
	if (r < 0)
		no(r, "slot %zu, ending round %" PRIu64, i, round);
	return r;
}

static int work_round(uint64_t seed, uint64_t round, uint64_t *again)
{
	for (size_t i = 0; i < SLOTS; i++) {
		int r = slots[i].buffer ? work_on(i, seed, round, again) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* work SEED: answers when the next line, which is read and forgotten, has come
 * and a whole round has begun and ended after that. */
static void do_work(char **words)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t seed = strtoull(words[1], NULL, 0);
	uint64_t round = 0, again = 0, longest = 0;
	bool last = false;
	char line[64];

	while (!last) {
		last = poll(&input, 1, PAUSE_MS) != 0;

		uint64_t started = now_ms();

		if (work_round(seed, round++, &again) < 0)
			return;
		if (now_ms() - started > longest)
			longest = now_ms() - started;
	}
	if (fgets(line, sizeof(line), stdin))
		ok("rounds=%" PRIu64 " again=%" PRIu64 " longest=%" PRIu64,
		   round, again, longest);
}

static uint64_t count_missing(void)
{
	struct contig_region_info *infos = NULL;
	uint64_t bytes = 0;
	size_t count = 0;
	int r = contig_list_regions(contig, &infos, &count);

	if (r < 0)
		return UINT64_MAX;
	for (size_t i = 0; i < count; i++)
		bytes += infos[i].size_bytes - infos[i].free_bytes;
	free(infos);
	return bytes;
}

/* bury PID...: kills, and answers when all memory is free */
static void do_bury(char **words)
{
	uint64_t held = count_missing(), started;

	for (size_t i = 1; i < WORDS && *words[i]; i++) {
		if (kill((pid_t)strtol(words[i], NULL, 0), SIGKILL) < 0) {
			no(-errno, "killing %s", words[i]);
			return;
		}
	}
	started = now_ms();
	while (count_missing() > 0) {
		if (now_ms() - started > LIMIT_MS) {
			no(-ETIMEDOUT, "memory is held");
			return;
		}
	}
	ok("held=%" PRIu64 " within_ms=%" PRIu64, held, now_ms() - started);
}

/* buffers: those that the daemon lets this user see */
static void do_buffers(char **words)
{
	struct contig_buffer_info *infos = NULL;
	size_t count = 0;
	int r = contig_list_buffers(contig, &infos, &count);

	(void)words;
	if (r < 0) {
		no(r, "listing");
		return;
	}
	printf("ok");
	for (size_t i = 0; i < count; i++)
		printf(" %" PRIu64, infos[i].id);
	printf("\n");
	free(infos);
}

/* region NAME: how much of it is where */
static void do_region(char **words)
{
	struct contig_region_info *infos = NULL;
	size_t count = 0;
	int r = contig_list_regions(contig, &infos, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (strcmp(infos[i].name, words[1]))
			continue;
		ok("size=%" PRIu64 " free=%" PRIu64 " lent=%" PRIu64
		   " draining=%" PRIu64 " dirty=%" PRIu64 " granule=%" PRIu64,
		   infos[i].size_bytes, infos[i].free_bytes,
		   infos[i].lent_bytes, infos[i].draining_bytes,
		   infos[i].dirty_bytes, infos[i].granule_bytes);
		free(infos);
		return;
	}
	free(infos);
	no(r ? r : -ENODEV, "region %s", words[1]);
}

static const struct command {
	const char *name;
	void (*run)(char **words);
} commands[] = {
	{"alloc", do_alloc},	 {"fill", do_fill},	  {"check", do_check},
	{"release", do_release}, {"keep", do_keep},	  {"drop", do_drop},
	{"exhaust", do_exhaust}, {"buffers", do_buffers}, {"region", do_region},
	{"work", do_work},	 {"bury", do_bury},
};

/* False at the end. */
static int obey(char *line)
{
	static char empty[] = "";
	char *words[WORDS];
	char *rest = line;

	for (size_t i = 0; i < WORDS; i++) {
		words[i] = strtok_r(rest, " \n", &rest);
		if (!words[i])
			words[i] = empty;
	}
	if (!strcmp(words[0], "quit"))
		return 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].name) == 0) {
			commands[i].run(words);
			return 1;
		}
	}
	no(-EINVAL, "command %s", words[0]);
	return 1;
}

int main(void)
{
	char line[512];
	int r = contig_open(&contig, NULL);

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* "work" asks the kernel whether there is another line */
	setvbuf(stdin, NULL, _IONBF, 0);
	if (r < 0) {
		no(r, "connecting");
		return 1;
	}
	ok("pid=%d uid=%d", (int)getpid(), (int)getuid());
	while (fgets(line, sizeof(line), stdin) && obey(line))
		;
	/* No tidying up: the end of a process must be enough. */
	return 0;
}
