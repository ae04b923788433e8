/* SPDX-License-Identifier: MIT */
#include "tools/command.h"
#include "tools/facts.h"
#include "tools/listing.h"
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

static int collect(struct contig *contig, json_object *rows)
{
	_cleanup_free_ struct contig_client_info *clients = NULL;
	size_t n_clients;
	int r = contig_list_clients(contig, &clients, &n_clients);

	for (size_t i = 0; r == 0 && i < n_clients; i++)
		r = client_facts(rows, &clients[i]);
	return r;
}

static int run(struct invocation *invocation)
{
	return listing_run(invocation, "clients", collect);
}

const struct command command_clients = {
	.name = "clients",
	.arguments = "",
	.summary = "List the connections to the daemon",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = columns,
	.run = run,
};
