/* SPDX-License-Identifier: MIT */
#include "tests/integration/sweep.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

/*
 * A process goes on through one fault after the other, as it would in life, and
 * is begun anew only where something went wrong, or where a call was not met
 * because it comes once in its life.
 *
 * Whether something leaks cannot be told from one time: caches fill, and what
 * is made at first need stays.  So a fault after which there is more than
 * before comes again, and is a leak if there is more each time.  One that
 * cannot come again must leave no more than there is without any.
 *
 * A hang would end the test without a word of what was going on, so an alarm
 * tells.
 */

#define STRIDE	 7
#define TIMES	 3   /* that a leak is seen */
#define TRIES	 3   /* to meet a call, which comes when its time has come */
#define ONCE	 4   /* blocks that libc makes at its first error */
#define PATIENCE 500 /* ms for what is closed in its own time */
#define HANG_S	 60

struct course {
	const struct sweep *sweep;
	struct sweep_measure usual; /* without any fault */
	size_t ends[3];		    /* by enum sweep_end */
	size_t missed;		    /* calls that were not met again */
};

static char current[2048];

static void on_alarm(int signo)
{
	(void)signo;
	(void)!write(STDERR_FILENO, "it hangs: ", 10);
	(void)!write(STDERR_FILENO, current, strlen(current));
	abort();
}

static size_t choose_stride(void)
{
	const char *text = getenv("CONTIG_FAULT_STRIDE");
	size_t stride = text ? strtoul(text, NULL, 10) : STRIDE;

	return stride > 0 ? stride : 1;
}

static bool is_more(const struct sweep_measure *now,
		    const struct sweep_measure *before)
{
	return now->fds > before->fds || now->blocks > before->blocks;
}

static void renew(const struct sweep *sweep)
{
	if (sweep->renew)
		sweep->renew(sweep->data);
}

/* What there is, once it is no more than before, or stays more. */
static struct sweep_measure measure(const struct sweep *sweep,
				    const struct sweep_measure *before)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t limit = clock_ms() + PATIENCE;
	struct sweep_measure now = sweep->measure(sweep->data);

	while (is_more(&now, before) && clock_ms() < limit) {
		(void)nanosleep(&pause, NULL);
		now = sweep->measure(sweep->data);
	}
	return now;
}

/* Once, with a fault, or to count what can fail; *firedp: whether the call was
 * met. */
__attribute__((noinline)) static enum sweep_end once(const struct sweep *sweep,
						     const struct fault *fault,
						     bool *firedp,
						     struct error *why)
{
	const void *top = sweep->is_own ? __builtin_frame_address(0) : NULL;
	enum sweep_end end;

	if (sweep->ready)
		sweep->ready(sweep->data);
	if (fault)
		faults_arm(sweep->faults, fault, top);
	else
		faults_count(sweep->faults, top);
	end = sweep->act(sweep->data, why);
	*firedp = faults_disarm(sweep->faults);
	if (end == SWEEP_REFUSED && !*firedp) {
		error_write_prefix(why, "refused without a fault");
		end = SWEEP_WRONG;
	}
	if (end != SWEEP_WRONG && sweep->judge &&
	    !sweep->judge(sweep->data, why))
		end = SWEEP_WRONG;
	return end;
}

static enum sweep_end tell_leak(const struct sweep_measure *before,
				const struct sweep_measure *now,
				struct error *why)
{
	error_write(why,
		    "descriptors were %d and are %d, blocks of memory were "
		    "%lld and are %lld",
		    before->fds, now->fds, (long long)before->blocks,
		    (long long)now->blocks);
	return SWEEP_WRONG;
}

/* In a process that goes on. */
static enum sweep_end fail_again(struct course *course,
				 const struct fault *fault, bool *firedp,
				 struct error *why)
{
	const struct sweep *sweep = course->sweep;
	struct sweep_measure before = sweep->measure(sweep->data), now;
	struct sweep_measure usual = course->usual;
	enum sweep_end end, first = SWEEP_WRONG;

	for (int i = 0; i < TIMES; i++) {
		bool fired;

		end = once(sweep, fault, &fired, why);
		if (i == 0) {
			first = end;
			*firedp = fired;
		}
		if (end == SWEEP_WRONG)
			return end;
		now = measure(sweep, &before);
		if (!is_more(&now, &before))
			return first;
		if (!fired) { /* it does not come again */
			usual.blocks += ONCE;
			return is_more(&now, &usual)
				       ? tell_leak(&before, &now, why)
				       : first;
		}
		if (i < TIMES - 1)
			before = now;
	}
	return tell_leak(&before, &now, why);
}

/* In a process that is new. */
static enum sweep_end fail_anew(struct course *course, const struct fault *fault,
				bool *firedp, struct error *why)
{
	const struct sweep *sweep = course->sweep;
	struct sweep_measure now;
	enum sweep_end end;

	renew(sweep);
	end = once(sweep, fault, firedp, why);
	if (end == SWEEP_WRONG)
		return end;
	now = measure(sweep, &course->usual);
	if (is_more(&now, &course->usual))
		return tell_leak(&course->usual, &now, why);
	return end;
}

static void set_current(const struct sweep *sweep, const struct fault *fault)
{
	int n = snprintf(current, sizeof(current), "%s: ", sweep->name);

	faults_describe(sweep->faults, fault, current + n,
			sizeof(current) - (size_t)n);
	if (getenv("CONTIG_FAULT_TRACE"))
		(void)fputs(current, stderr);
}

static void try(struct course *course, const struct fault *fault)
{
	const struct sweep *sweep = course->sweep;
	struct error why = ERROR_INIT;
	bool fired = false;
	enum sweep_end end;

	set_current(sweep, fault);
	(void)alarm(HANG_S);
	end = sweep->alone ? SWEEP_ABSORBED
			   : fail_again(course, fault, &fired, &why);
	for (int i = 0; i < TRIES && end != SWEEP_WRONG && !fired; i++)
		end = fail_anew(course, fault, &fired, &why);
	(void)alarm(0);
	if (end == SWEEP_WRONG) {
		(void)fprintf(stderr, "WRONG: %s\t%s\n", current, why.text);
		if (sweep->show)
			sweep->show(sweep->data);
		if (!sweep->alone)
			renew(sweep);
	}
	if (fired || end == SWEEP_WRONG)
		course->ends[end]++;
	else
		course->missed++;
}

static bool is_left_out(const struct sweep *sweep, const struct fault *fault)
{
	const char *const *library = sweep->except;

	for (; library && *library; library++)
		if (faults_comes_from(sweep->faults, fault, *library))
			return true;
	return false;
}

/* What can fail, without what is left out. */
static struct fault *list(const struct sweep *sweep, size_t *np)
{
	struct fault *faults = faults_list(sweep->faults, np);
	size_t n = 0;

	for (size_t i = 0; i < *np; i++)
		if (!is_left_out(sweep, &faults[i]))
			faults[n++] = faults[i];
	*np = n;
	return faults;
}

/* Twice without a fault: the first time in a new process, the second time with
 * all that is made at first need. */
static struct fault *rehearse(struct course *course, size_t *np)
{
	const struct sweep *sweep = course->sweep;
	struct error why = ERROR_INIT;
	bool fired;

	(void)snprintf(current, sizeof(current), "%s: nothing\n", sweep->name);
	(void)alarm(HANG_S);
	faults_clear(sweep->faults);
	for (int i = 0; i < 2; i++) {
		enum sweep_end end;

		if (i == 0 || sweep->alone)
			renew(sweep);
		end = once(sweep, NULL, &fired, &why);
		ck_assert_msg(end == SWEEP_ABSORBED, "%s, without a fault: %s",
			      sweep->name, why.text);
		course->usual = sweep->measure(sweep->data);
	}
	(void)alarm(0);
	return list(sweep, np);
}

size_t sweep_run(const struct sweep *sweep)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct course course = {.sweep = sweep};
	size_t n, stride = choose_stride();
	struct fault *faults;

	(void)sigaction(SIGALRM, &action, NULL);
	faults = rehearse(&course, &n);
	if (!sweep->alone) /* the list of faults may be its own, too */
		course.usual = sweep->measure(sweep->data);
	for (size_t i = stride / 2; i < n; i += stride)
		try(&course, &faults[i]);
	free(faults);
	/* else calls are not known again for what they are */
	ck_assert_uint_le(course.missed, n / stride / 4 + 1);
	(void)fprintf(stderr,
		      "%s: every %zu. of %zu faults at %zu sites: %zu "
		      "absorbed, %zu refused with an error, %zu wrong; %zu "
		      "were not met again\n",
		      sweep->name, stride, n, faults_count_sites(sweep->faults),
		      course.ends[SWEEP_ABSORBED], course.ends[SWEEP_REFUSED],
		      course.ends[SWEEP_WRONG], course.missed);
	return course.ends[SWEEP_WRONG];
}
