/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"
#include "tools/complain.h"
#include "tools/connection.h"
#include "tools/damages.h"
#include "tools/facts.h"
#include "tools/output.h"
#include "util/cleanup.h"

/*
 * contigctl check: has anything written behind a buffer?  The exit status
 * answers it for scripts: 0 only where every guard was compared and is as it
 * should be.  That there are no guards at all is no answer, but no fault
 * either, and is said.
 */

static void print_summary(const struct contig_check_result *result)
{
	if (result->checked + result->unreadable == 0) {
		printf("no buffer that is lent has a guard\n");
		return;
	}
	printf("%" PRIu64 " guard%s checked, %" PRIu64 " damaged",
	       result->checked, result->checked == 1 ? "" : "s",
	       result->damaged);
	if (result->unreadable)
		printf(", %" PRIu64 " could not be read (see the daemon's log)",
		       result->unreadable);
	printf("\n");
}

static int print_table(const struct invocation *invocation,
		       const struct contig_check_result *result,
		       json_object *rows)
{
	int status = EXIT_SUCCESS;

	if (result->damaged)
		status = command_print_list(invocation, "damages", rows);
	if (status == EXIT_SUCCESS && !invocation->noheadings)
		print_summary(result);
	return status;
}

static int print_json(const struct invocation *invocation,
		      const struct contig_check_result *result,
		      json_object *rows)
{
	size_t n_columns = invocation->columns_given ? invocation->n_columns : 0;
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_number(&facts, "checked", result->checked);
	facts_add_number(&facts, "damaged", result->damaged);
	facts_add_number(&facts, "unreadable", result->unreadable);
	facts_add(&facts, "damages",
		  output_reduce(invocation->columns, n_columns, rows));
	return command_print_json(facts.object);
}

static int check(struct contig *contig, const char *region,
		 struct contig_check_result *result, json_object *rows)
{
	_cleanup_free_ struct contig_damage *damages = NULL;
	size_t n;
	int r = contig_check(contig, region, result, &damages, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = damage_facts(rows, &damages[i]);
	return r;
}

static int run(struct invocation *invocation)
{
	_cleanup_json_ json_object *rows = json_object_new_array();
	_cleanup_contig_ struct contig *contig = NULL;
	struct contig_check_result result;
	const char *region;
	int r, status;

	if (!command_parse(invocation, NULL, 0) ||
	    !command_takes_arguments(invocation, 1))
		return invocation->status;
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	region = invocation->argc ? invocation->argv[0] : NULL;
	r = check(contig, region, &result, rows);
	if (r == -ENODEV) {
		complain("there is no region '%.64s'", region);
		return EXIT_FAILURE;
	}
	if (r < 0)
		return connection_failed("check the guards", r);
	status = invocation->json ? print_json(invocation, &result, rows)
				  : print_table(invocation, &result, rows);
	if (result.damaged || result.unreadable)
		return EXIT_FAILURE;
	return status;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[REGION]",
	.summary = "Look whether anything wrote behind a buffer",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = damage_columns,
	.run = run,
};
