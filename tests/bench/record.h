/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_RECORD_H
#define TESTS_BENCH_RECORD_H

#include <stdbool.h>

/*
 * What a measurement found.  Every program of tests/bench prints records on its
 * standard output and nothing else; tests/bench/bench makes the table, the file
 * and the plots of them.
 */
struct bench_figure {
	const char *group; /* one of record_groups */
	const char *name;  /* what was measured, unique within its group */
	double value;
	const char *unit;  /* "ns", "MB", "%", ...; "": a ratio or a count */
	double target;	   /* NAN: none */
	bool at_least;	   /* the target is a least, not a most */
	const char *peer;  /* what it is compared with, or NULL */
	double peer_value; /* in the same unit; NAN: the peer has no figure */
};

/* A point of a plot that tests/bench/bench knows by its name. */
struct bench_point {
	const char *plot;
	const char *series; /* one line of the plot */
	double x, y;
};

/* All groups, as the table has them, up to a NULL. */
extern const char *const record_groups[];

/* Print one record as a line and flush it.  A record that breaks the rules
 * above or that cannot be printed ends the program with status 1: it could not
 * measure. */
void record_figure(const struct bench_figure *figure);
void record_point(const struct bench_point *point);

/* True where a run of seconds is wanted that proves that the program works;
 * its figures count for nothing. */
bool record_is_quick(void);

#endif
