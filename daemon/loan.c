/* SPDX-License-Identifier: MIT */
#include "daemon/loan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/fd.h"

/*
 * All or nothing, in three steps: the runs, the kernel objects, the
 * descriptors.  The runs come first since they are cheap to take and to give
 * back, and mostly it is they that are missing.  Whatever fails, everything
 * taken so far goes back in the reverse order, and the runs are still clean:
 * nobody has seen a descriptor of them.
 */

struct loan *loan_new(const struct want *want, struct owner *owner,
		      loan_fn *done, void *data)
{
	struct loan *loan = calloc(1, sizeof(*loan));

	if (!loan)
		return NULL;
	list_init(&loan->link);
	loan->want = *want;
	loan->owner = owner;
	loan->done = done;
	loan->data = data;
	for (size_t i = 0; i < CONTIG_MSG_MAX_BUFFERS; i++)
		loan->fds[i] = -1;
	return loan;
}

void loan_close_fds(struct loan *loan)
{
	for (size_t i = 0; i < CONTIG_MSG_MAX_BUFFERS; i++)
		loan->fds[i] = fd_close(loan->fds[i]);
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

static int take_runs(const struct want *want, struct region *region,
		     struct run *runs, struct space_refusal *why)
{
	struct space_request request = want->run;

	request.tail_bytes = region->memory->guard_bytes;
	for (uint32_t i = 0; i < want->count; i++) {
		int r = partitions_alloc(&region->partitions, want->who,
					 &request, &runs[i], why);

		if (r == 0)
			continue;
		while (i-- > 0)
			region_give_back(region, &runs[i]);
		return r;
	}
	return 0;
}

uint32_t loan_reason(int r)
{
	switch (-r) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
		return CONTIG_MSG_R_RESOURCE;
	default:
		return CONTIG_MSG_R_BACKEND;
	}
}

static void undo_buffers(struct loan *loan)
{
	while (loan->n_lent > 0) {
		size_t i = --loan->n_lent;

		loan->fds[i] = fd_close(loan->fds[i]);
		loan->buffers[i] =
			buffer_free(loan->buffers[i], BUFFER_UNTOUCHED);
	}
}

static int make_buffer(struct loan *loan, const struct buffer_spec *spec,
		       const struct run *run, struct error *why)
{
	const struct backend *backend = spec->region->memory->backend;
	struct buffer **bufferp = &loan->buffers[loan->n_lent];
	int r;

	r = buffer_new_consume(bufferp, spec, run, why);
	if (r < 0) {
		region_give_back(spec->region, run);
		return r;
	}
	r = backend->object_lend((*bufferp)->object);
	if (r < 0) {
		*bufferp = buffer_free(*bufferp, BUFFER_UNTOUCHED);
		return error_set(why, r, "no descriptor for the buffer: %s",
				 strerror(-r));
	}
	loan->fds[loan->n_lent++] = r;
	return 0;
}

static int fail(struct loan_failure *failure, uint32_t reason)
{
	failure->reason = reason;
	return (int)reason;
}

int loan_try(struct loan *loan, struct region *region, uint64_t *next_idp,
	     struct loan_failure *failure)
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
	if (r > 0) {
		failure->outcome = r;
		failure->constraints = space_why.constraints;
		return fail(failure, refusal_space_reason(r));
	}
	if (r < 0) {
		error_write(&failure->why, "the daemon is out of memory");
		return fail(failure, CONTIG_MSG_R_RESOURCE);
	}
	for (uint32_t i = 0; i < want->count; i++) {
		spec.id = (*next_idp)++;
		r = make_buffer(loan, &spec, &runs[i], &failure->why);
		if (r == 0)
			continue;
		while (++i < want->count)
			region_give_back(region, &runs[i]);
		undo_buffers(loan);
		return fail(failure, loan_reason(r));
	}
	return 0;
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
