/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_SAMPLES_H
#define TESTS_BENCH_SAMPLES_H

#include <stddef.h>

/* Times of one thing done many times. */
struct samples {
	double *values; /* owned */
	size_t n;
	size_t room;
};

/* Room for as many as there will be: adding takes no memory then, so that it
 * disturbs nothing.  Ends the process where there is none. */
void samples_init(struct samples *samples, size_t room);
void samples_deinit(struct samples *samples);
/* Ignored where there is no room. */
void samples_add(struct samples *samples, double value);

/* The value below which this part of all is, 0..1: 0.5 is the median.  Sorts
 * them.  NAN where there are none. */
double samples_quantile(struct samples *samples, double part);

#endif
