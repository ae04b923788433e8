/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/device_memory.h"
#include "daemon/scrubber.h"
#include "daemon/wipe.h"
#include "tests/bench/process.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"

/*
 * How fast memory is zeroed, beside how fast this machine can store at all.
 *
 * What contigd does is called as it calls it: huge pages are zeroed by
 * wipe_memory() in the pool's mapping, slice by slice, and device memory by
 * device_memory_zero(), which cannot be shown here as such.  Device memory is
 * on the board; here its stores go to ordinary memory, through the caches that
 * they are not meant for.  So they have no target: how wide they are is what
 * check_device_memory looks at.
 *
 * The bandwidth is that of the best of the ways that processors' manuals
 * describe: one instruction for all (rep stosb, dc zva), stores past the caches
 * (movntdq, stnp), wide plain stores, and the C library's own choice.  All go
 * over the same memory in turns, and of each the best of its rounds counts, as
 * is usual for bandwidth: nothing makes memory faster than it is, and whatever
 * else the machine does makes it slower.
 *
 * The memory is a shared mapping, as the pool's is, many times larger than the
 * last-level cache.  Zeroed are large pieces of it, pieces of 64 KiB that no
 * cache has, as where a program with many small buffers ended, and one of 64 KiB
 * over and over, as a buffer is that soon comes back.
 */

#define WORKING_SET  (UINT64_C(512) << 20)
#define QUICK_SET    (UINT64_C(16) << 20)
#define PIECE_BYTES  UINT64_C(65536)
#define TARGET_SHARE 0.9

typedef void zero_fn(void *memory, size_t size);

/* What the scrubber would say waits for it. */
static uint64_t waiting_bytes;

static void by_memset(void *memory, size_t size)
{
	memset(memory, 0, size);
	/* the stores are wanted although nobody reads them */
	__asm__ volatile("" : : "r"(memory) : "memory");
}

static void by_wipe(void *memory, size_t size)
{
	wipe_memory(memory, size, waiting_bytes);
}

static void by_device_stores(void *memory, size_t size)
{
	device_memory_zero(memory, size);
}

typedef uint64_t vector __attribute__((vector_size(32)));

/* As wide as the compiler has them, four at a time. */
static void by_wide_stores(void *memory, size_t size)
{
	volatile vector *p = memory;
	volatile vector *end = p + size / sizeof(*p);

	for (; p < end; p += 4) {
		p[0] = (vector){0};
		p[1] = (vector){0};
		p[2] = (vector){0};
		p[3] = (vector){0};
	}
}

#if defined(__x86_64__)
typedef uint64_t narrow __attribute__((vector_size(16)));

static void by_one_instruction(void *memory, size_t size)
{
	__asm__ volatile("rep stosb"
			 : "+D"(memory), "+c"(size)
			 : "a"(0)
			 : "memory");
}

static void past_the_caches(void *memory, size_t size)
{
	const narrow zero = {0};

	for (char *p = memory, *end = p + size; p < end; p += 64)
		__asm__ volatile("movntdq %1, (%0)\n\t"
				 "movntdq %1, 16(%0)\n\t"
				 "movntdq %1, 32(%0)\n\t"
				 "movntdq %1, 48(%0)"
				 :
				 : "r"(p), "x"(zero)
				 : "memory");
	__asm__ volatile("sfence" : : : "memory");
}
#elif defined(__aarch64__)
static void by_one_instruction(void *memory, size_t size)
{
	uint64_t id, line;

	__asm__("mrs %0, dczid_el0" : "=r"(id));
	if (id & 16) { /* forbidden here */
		by_memset(memory, size);
		return;
	}
	line = UINT64_C(4) << (id & 15);
	for (char *p = memory, *end = p + size; p < end; p += line)
		__asm__ volatile("dc zva, %0" : : "r"(p) : "memory");
}

static void past_the_caches(void *memory, size_t size)
{
	for (char *p = memory, *end = p + size; p < end; p += 64)
		__asm__ volatile("stnp xzr, xzr, [%0]\n\t"
				 "stnp xzr, xzr, [%0, #16]\n\t"
				 "stnp xzr, xzr, [%0, #32]\n\t"
				 "stnp xzr, xzr, [%0, #48]"
				 :
				 : "r"(p)
				 : "memory");
}

#else
#define by_one_instruction by_memset
#define past_the_caches	   by_memset

#endif

static const struct way {
	const char *name;
	zero_fn *fn;
} ways[] = {
	{"contigd, huge pages", by_wipe},
	{"contigd, device stores", by_device_stores},
	{"memset()", by_memset},
	{"one instruction", by_one_instruction},
	{"past the caches", past_the_caches},
	{"wide stores", by_wide_stores},
};

#define N_WAYS	    (sizeof(ways) / sizeof(ways[0]))
#define FIRST_STORE 2 /* what is not contigd's begins here */

/* How a round goes over the memory. */
struct pass {
	const char *name;
	uint64_t piece_bytes; /* of one call */
	uint64_t step_bytes;  /* from one call to the next; 0: the same again */
};

static const struct pass passes[] = {
	{"512 MiB", SCRUB_SLICE_BYTES, SCRUB_SLICE_BYTES},
	{"64 KiB at a time", PIECE_BYTES, PIECE_BYTES},
	{"the same 64 KiB", PIECE_BYTES, 0},
};

/* GB/s of one round over all of the memory. */
static double one_round(const struct way *way, const struct pass *pass,
			char *memory, uint64_t size)
{
	uint64_t start, offset = 0;

	waiting_bytes = pass->step_bytes == 0 ? pass->piece_bytes : size;
	start = process_now_ns();
	for (uint64_t done = 0; done < size; done += pass->piece_bytes) {
		way->fn(memory + offset, pass->piece_bytes);
		offset += pass->step_bytes;
	}
	return (double)size / (double)(process_now_ns() - start);
}

static void measure(const struct pass *pass, char *memory, uint64_t size,
		    size_t rounds, double *rates)
{
	struct samples samples[N_WAYS];

	for (size_t i = 0; i < N_WAYS; i++)
		samples_init(&samples[i], rounds);
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < N_WAYS; i++)
			samples_add(&samples[i],
				    one_round(&ways[i], pass, memory, size));
	for (size_t i = 0; i < N_WAYS; i++) {
		rates[i] = samples_quantile(&samples[i], 1);
		samples_deinit(&samples[i]);
	}
}

static void tell(const struct pass *pass, const double *rates)
{
	size_t best = FIRST_STORE;
	char name[64], what[96];

	for (size_t i = FIRST_STORE; i < N_WAYS; i++)
		if (rates[i] > rates[best])
			best = i;
	(void)snprintf(name, sizeof(name), "best of all ways: %s",
		       ways[best].name);
	for (size_t i = 0; i < FIRST_STORE; i++) {
		(void)snprintf(what, sizeof(what), "%s, %s",
			       i == 0 ? "huge pages" : "device stores",
			       pass->name);
		record_figure(&(struct bench_figure){
			.group = "zeroing",
			.name = what,
			.value = rates[i],
			.unit = "GB/s",
			.target = i == 0 ? TARGET_SHARE * rates[best] : NAN,
			.at_least = true,
			.peer = name,
			.peer_value = rates[best],
		});
	}
}

/* One way's bandwidth by the size of what one call zeroes. */
static void draw(char *memory, uint64_t size, size_t rounds)
{
	for (uint64_t piece = 4096; piece <= size; piece *= 4) {
		const struct pass pass = {.piece_bytes = piece,
					  .step_bytes = piece};
		double rates[N_WAYS];

		measure(&pass, memory, size, rounds, rates);
		for (size_t i = 0; i < N_WAYS; i++)
			record_point(
				&(struct bench_point){"zeroing", ways[i].name,
						      (double)piece, rates[i]});
	}
}

int main(void)
{
	bool quick = record_is_quick();
	uint64_t size = quick ? QUICK_SET : WORKING_SET;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		err(EXIT_FAILURE, "512 MiB to zero");
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		double rates[N_WAYS];

		measure(&passes[i], memory, size, quick ? 1 : 11, rates);
		tell(&passes[i], rates);
	}
	draw(memory, size, quick ? 1 : 3);
	return EXIT_SUCCESS;
}
