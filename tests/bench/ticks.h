/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_TICKS_H
#define TESTS_BENCH_TICKS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#elif !defined(__aarch64__)
#include <time.h>
#endif

/*
 * Time of single operations of some ten nanoseconds: the processor's own
 * counter of constant rate, read after everything before it is done and before
 * anything behind it begins.  Where there is none, the clock.
 */
static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	uint64_t now;

	_mm_lfence();
	now = __rdtsc();
	_mm_lfence();
	return now;
#elif defined(__aarch64__)
	uint64_t now;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(now)::"memory");
	return now;
#else
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

/* Finds out how long a tick is and what reading the counter twice costs; some
 * ten milliseconds.  Before ticks_ns(). */
void ticks_calibrate(void);

/* The nanoseconds between two readings, without those of reading; at least 0. */
double ticks_ns(uint64_t begin, uint64_t end);

#endif
