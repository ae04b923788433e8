/* SPDX-License-Identifier: MIT */
#include "daemon/loan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kept.h"
#include "daemon/row.h"
#include "daemon/stock.h"
#include "util/fd.h"

/*
 * All or nothing, in four steps: the runs, the kernel objects, what outlives
 * the daemon, and the descriptors.  The runs come first since they are cheap to
 * take and to give back, and mostly it is they that are missing.  Whatever
 * fails, everything taken so far goes back in the reverse order, and the runs
 * are still clean: nobody has seen a descriptor of them.
 *
 * A loan and a buffer are made for each request, and come from malloc(), since
 * calloc() of the GNU library passes over what was freed a moment ago and is
 * still in the processor's cache.
 */

struct loan *loan_new(const struct want *want, struct owner *owner,
		      loan_fn *done, void *data)
{
	const size_t each = sizeof(struct buffer *) + sizeof(int);
	struct loan *loan = malloc(sizeof(*loan) + want->count * each);

	if (!loan)
		return NULL;
	*loan = (struct loan){
		.want = *want,
		.owner = owner,
		.done = done,
		.data = data,
		.fds = (int *)(void *)&loan->buffers[want->count],
	};
	list_init(&loan->link);
	return loan;
}

void loan_close_fds(struct loan *loan)
{
	while (loan->n_fds > 0)
		(void)fd_close(loan->fds[--loan->n_fds]);
}

struct loan *loan_free(struct loan *loan)
{
	if (loan) {
		loan_close_fds(loan);
		list_remove(&loan->link);
		free(loan);
	}
	return NULL;
}

/* 0 or enum space_outcome. */
static int take_runs(const struct want *want, struct region *region,
		     struct run *runs, struct space_refusal *why)
{
	struct row row = {
		.who = want->who,
		.each = want->run,
		.count = want->count,
	};

	row.each.tail_bytes = region->memory->guard_bytes;
	return row_take(&region->partitions, &row, runs, why);
}

uint32_t loan_reason(int r)
{
	switch (-r) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
	case ENOBUFS:
	case ETOOMANYREFS:
		return CONTIG_MSG_R_RESOURCE;
	default:
		return CONTIG_MSG_R_BACKEND;
	}
}

static void undo_buffers(struct loan *loan)
{
	loan_close_fds(loan);
	while (loan->n_lent > 0) {
		size_t i = --loan->n_lent;

		loan->buffers[i] =
			buffer_free(loan->buffers[i], BUFFER_UNTOUCHED);
	}
}

static int make_buffers(struct loan *loan, struct buffer_spec *spec,
			const struct run *runs, uint64_t *next_idp,
			struct error *why)
{
	uint32_t count = loan->want.count;

	for (uint32_t i = 0; i < count; i++) {
		int r;

		spec->id = (*next_idp)++;
		r = buffer_new_consume(&loan->buffers[i], spec, &runs[i], why);
		if (r < 0) {
			for (; i < count; i++)
				region_give_back(spec->region, &runs[i]);
			return r;
		}
		loan->n_lent++;
	}
	return 0;
}

static int lend_buffers(struct loan *loan, struct error *why)
{
	for (size_t i = 0; i < loan->n_lent; i++) {
		struct object *object = loan->buffers[i]->object;
		int fd = object->memory->backend->object_lend(object);

		if (fd < 0)
			return error_set(why, fd,
					 "no descriptor for the buffer: %s",
					 strerror(-fd));
		loan->fds[loan->n_fds++] = fd;
	}
	return 0;
}

static int fail(struct loan_failure *failure, uint32_t reason)
{
	failure->reason = reason;
	return (int)reason;
}

static int try_once(struct loan *loan, struct region *region,
		    uint64_t *next_idp, struct loan_failure *failure)
{
	const struct want *want = &loan->want;
	struct run runs[CONTIG_MSG_MAX_BUFFERS];
	struct space_refusal space_why = {.free_bytes = 0};
	struct buffer_spec spec = {
		.name = want->name,
		.region = region,
		.owner = loan->owner,
	};
	int r;

	failure->outcome = 0;
	failure->constraints = 0;
	failure->quota = 0;
	r = take_runs(want, region, runs, &space_why);
	if (r) {
		failure->outcome = r;
		failure->constraints = space_why.constraints;
		return fail(failure, refusal_space_reason(r));
	}
	r = make_buffers(loan, &spec, runs, next_idp, &failure->why);
	if (r == 0)
		r = buffer_keep(loan->buffers, loan->n_lent, &failure->why);
	if (r == 0)
		r = lend_buffers(loan, &failure->why);
	if (r < 0) {
		undo_buffers(loan);
		return fail(failure, loan_reason(r));
	}
	return 0;
}

/* What is kept ready must not be what is missing.  Whether there was any. */
static bool give_up(struct region *region)
{
	bool any = region->stock && stock_empty(region->stock);

	return (region->kept && kept_empty(region->kept)) || any;
}

int loan_try(struct loan *loan, struct region *region, uint64_t *next_idp,
	     struct loan_failure *failure)
{
	int r = try_once(loan, region, next_idp, failure);

	if (r == CONTIG_MSG_R_RESOURCE && give_up(region))
		r = try_once(loan, region, next_idp, failure);
	return r;
}

void loan_explain(const struct loan *loan, const struct region *region,
		  const struct loan_failure *failure, struct refusal *refusal)
{
	if (failure->outcome)
		refusal_set_space(refusal, &loan->want, region,
				  failure->outcome, failure->constraints);
	else if (failure->quota)
		refusal_set(refusal, failure->reason, "%s", failure->why.text);
	else
		refusal_set(refusal, failure->reason, "region '%s': %s",
			    region->name, failure->why.text);
}
