/* SPDX-License-Identifier: MIT */
#include "tools/listing.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/connection.h"
#include "tools/facts.h"

/*
 * regions, buffers and clients differ in what they ask the daemon for and in
 * their columns; the rest of such a command is here.  Nothing is printed unless
 * the whole list is there.
 */

int listing_run(struct invocation *invocation, const char *name,
		listing_fn *collect)
{
	_cleanup_json_ json_object *rows = json_object_new_array();
	_cleanup_contig_ struct contig *contig = NULL;
	char what[32];
	int r;

	if (!command_parse(invocation, NULL, 0) ||
	    !command_takes_arguments(invocation, 0))
		return invocation->status;
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	r = collect(contig, rows);
	if (r == 0)
		return command_print_list(invocation, name, rows);
	(void)snprintf(what, sizeof(what), "list %s", name);
	return connection_failed(what, r);
}
