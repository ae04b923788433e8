/* SPDX-License-Identifier: MIT */
#include "tests/bench/samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Means say little about times: one interruption weighs as much as a thousand
 * requests.  So every time is kept, and medians and percentiles are read from
 * all of them.
 */

void samples_init(struct samples *samples, size_t room)
{
	samples->n = 0;
	samples->room = room;
	samples->values = calloc(room, sizeof(*samples->values));
	if (!samples->values) {
		(void)fprintf(stderr, "out of memory\n");
		exit(EXIT_FAILURE);
	}
	/* the pages are there before the first time is taken */
	memset(samples->values, 1, room * sizeof(*samples->values));
}

void samples_deinit(struct samples *samples)
{
	free(samples->values);
	*samples = (struct samples){.values = NULL};
}

void samples_add(struct samples *samples, double value)
{
	if (samples->n < samples->room)
		samples->values[samples->n++] = value;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double samples_quantile(struct samples *samples, double part)
{
	size_t at = (size_t)(part * (double)samples->n);

	if (samples->n == 0)
		return NAN;
	qsort(samples->values, samples->n, sizeof(*samples->values), by_size);
	return samples->values[at < samples->n ? at : samples->n - 1];
}
