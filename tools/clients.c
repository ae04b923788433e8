/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tools/command.h"
#include "tools/connection.h"
#include "tools/facts.h"
#include "util/cleanup.h"

/*
 * contigctl clients: who is connected.  User and group are what the kernel
 * stated when the connection was made.  The process number is from then too:
 * the process may have ended since and passed its connection on, so it is a
 * hint for people and nothing to act upon.
 */

static const struct column columns[] = {
	{"PID", "pid", COLUMN_NUMBER, true, "process that connected"},
	{"USER", "uid", COLUMN_USER, true, "its user"},
	{"GROUP", "gid", COLUMN_GROUP, true, "its group"},
	{"BUFFERS", "buffers", COLUMN_NUMBER, true, "buffers it allocated"},
	{"SIZE", "bytes", COLUMN_SIZE, true, "sum of their sizes"},
	{"CONNECTED", "connected_ms", COLUMN_DURATION, true, "for how long"},
	{"UID", "uid", COLUMN_NUMBER, false, "number of the user"},
	{"GID", "gid", COLUMN_NUMBER, false, "number of the group"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

static int client_facts(json_object *array,
			const struct contig_client_info *client)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_number(&facts, "pid", (uint64_t)client->pid);
	facts_add_number(&facts, "uid", client->uid);
	facts_add_number(&facts, "gid", client->gid);
	facts_add_number(&facts, "buffers", client->buffers);
	facts_add_number(&facts, "bytes", client->bytes);
	facts_add_number(&facts, "connected_ms", client->connected_ms);
	return facts_append(&facts, array);
}

static int run(struct invocation *invocation)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	_cleanup_free_ struct contig_client_info *clients = NULL;
	_cleanup_contig_ struct contig *contig = NULL;
	size_t n_clients;
	int r;

	if (!command_parse(invocation, NULL, 0) ||
	    !command_takes_arguments(invocation, 0))
		return invocation->status;
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	r = contig_list_clients(contig, &clients, &n_clients);
	if (r < 0)
		return connection_failed("list clients", r);
	for (size_t i = 0; r == 0 && i < n_clients; i++)
		r = client_facts(array, &clients[i]);
	return r < 0 ? connection_failed("list clients", r)
		     : command_print_list(invocation, "clients", array);
}

const struct command command_clients = {
	.name = "clients",
	.arguments = "",
	.summary = "List the connections to the daemon",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = columns,
	.run = run,
};
