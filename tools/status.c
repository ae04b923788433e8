/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"
#include "tools/connection.h"
#include "tools/facts.h"
#include "util/cleanup.h"
#include "util/format.h"

/*
 * contigctl status: one screen that answers whether the daemon is well: since
 * when it runs, how much is lent, how often it had to refuse, and what each
 * kind of memory gives on this machine or why it cannot be had.
 */

static json_object *backends_json(const struct contig_backend_info *backends,
				  size_t n_backends)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	for (size_t i = 0; i < n_backends; i++) {
		_cleanup_facts_ struct facts facts;

		facts_init(&facts);
		facts_add_text(&facts, "name", backends[i].name);
		facts_add_flag(&facts, "serves", backends[i].serves);
		facts_add_guarantees(&facts, backends[i].guarantees);
		facts_add_text(&facts, "text", backends[i].text);
		if (facts_append(&facts, array) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

static int print_json(const struct contig_status *status,
		      const struct contig_backend_info *backends,
		      size_t n_backends)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "version", status->version);
	facts_add_number(&facts, "pid", (uint64_t)status->pid);
	facts_add_number(&facts, "uptime_ms", status->uptime_ms);
	facts_add_number(&facts, "total", status->total_bytes);
	facts_add_number(&facts, "free", status->free_bytes);
	facts_add_number(&facts, "lent", status->lent_bytes);
	facts_add_number(&facts, "draining", status->draining_bytes);
	facts_add_number(&facts, "dirty", status->dirty_bytes);
	facts_add_number(&facts, "quarantined", status->quarantined_bytes);
	facts_add_number(&facts, "allocations", status->allocations);
	facts_add_number(&facts, "refusals", status->refusals);
	facts_add_number(&facts, "regions", status->regions);
	facts_add_number(&facts, "buffers", status->buffers);
	facts_add_number(&facts, "clients", status->clients);
	facts_add(&facts, "backends", backends_json(backends, n_backends));
	return command_print_json(facts.object);
}

static void print_text(const struct contig_status *status,
		       const struct contig_backend_info *backends,
		       size_t n_backends)
{
	char up[FORMAT_DURATION_BYTES], total[FORMAT_SIZE_BYTES];
	char free_bytes[FORMAT_SIZE_BYTES], dirty[FORMAT_SIZE_BYTES];
	char lent[FORMAT_SIZE_BYTES], draining[FORMAT_SIZE_BYTES];
	char quarantined[FORMAT_SIZE_BYTES];

	printf("contigd %s, process %ld, up %s\n", status->version,
	       (long)status->pid, format_duration(up, status->uptime_ms));
	printf("memory    %s in %" PRIu32 " %s: %s free (%s to be zeroed), "
	       "%s lent, %s draining\n",
	       format_size(total, status->total_bytes), status->regions,
	       status->regions == 1 ? "region" : "regions",
	       format_size(free_bytes, status->free_bytes),
	       format_size(dirty, status->dirty_bytes),
	       format_size(lent, status->lent_bytes),
	       format_size(draining, status->draining_bytes));
	if (status->quarantined_bytes > 0)
		printf("          %s quarantined: not lent, as somebody may "
		       "still have them\n",
		       format_size(quarantined, status->quarantined_bytes));
	printf("buffers   %" PRIu32 " now, %" PRIu64 " since start, %" PRIu64
	       " refused\n",
	       status->buffers, status->allocations, status->refusals);
	printf("clients   %" PRIu32 "\n", status->clients);
	for (size_t i = 0; i < n_backends; i++)
		printf("%s  %-9s  %s: %s\n", i ? "        " : "backends",
		       backends[i].name,
		       backends[i].serves ? "serves" : "does not serve",
		       backends[i].text);
}

static int run(struct invocation *invocation)
{
	_cleanup_free_ struct contig_backend_info *backends = NULL;
	_cleanup_contig_ struct contig *contig = NULL;
	struct contig_status status;
	size_t n_backends = 0;
	int r;

	if (!command_parse(invocation, NULL, 0) ||
	    !command_takes_arguments(invocation, 0))
		return invocation->status;
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	r = contig_get_status(contig, &status);
	if (r == 0)
		r = contig_list_backends(contig, &backends, &n_backends);
	if (r < 0)
		return connection_failed("get the status", r);
	if (invocation->json)
		return print_json(&status, backends, n_backends);
	print_text(&status, backends, n_backends);
	return EXIT_SUCCESS;
}

const struct command command_status = {
	.name = "status",
	.arguments = "",
	.summary = "Show how the daemon is doing",
	.flags = COMMAND_JSON,
	.run = run,
};
