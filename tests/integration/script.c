/* SPDX-License-Identifier: MIT */
#include "tests/integration/script.h"

#include <stdlib.h>
#include <string.h>

/*
 * One fault is one error at most.  A second one would mean that the first was
 * not got over, and an error that is not promised blames somebody else.
 */

static bool is_promised(const struct script *script, int r)
{
	for (const int *error = script->promised; *error != 0; error++)
		if (*error == r)
			return true;
	return false;
}

static bool is_clear(const struct script *script, int r,
		     const struct contig_failure *failure)
{
	return is_promised(script, r) &&
	       (!failure || (failure->error == r && failure->text[0]));
}

bool script_note(struct script *script, const char *call, int r,
		 const struct contig_failure *failure)
{
	if (r >= 0)
		return true;
	script->errors++;
	if (!script->is_wrong)
		error_write(script->why, "%s: %s%s%s%s", call, strerror(-r),
			    failure ? ": " : "", failure ? failure->text : "",
			    script->errors > 1 ? "; it is the second error"
					       : "");
	script->is_wrong |= !is_clear(script, r, failure) || script->errors > 1;
	return false;
}

enum sweep_end script_end(const struct script *script)
{
	if (script->is_wrong)
		return SWEEP_WRONG;
	return script->errors ? SWEEP_REFUSED : SWEEP_ABSORBED;
}

struct contig *script_open(struct script *script, const char *socket_path)
{
	struct contig *contig;
	int r;

	do
		r = contig_open(&contig, socket_path);
	while (!script_note(script, "contig_open", r, NULL) && !script->is_wrong);
	return r == 0 ? contig : NULL;
}

void script_list_all(struct script *script, struct contig *contig)
{
	struct contig_backend_info *backends = NULL;
	struct contig_region_info *regions = NULL;
	struct contig_buffer_info *buffers = NULL;
	struct contig_client_info *clients = NULL;
	struct contig_status status;
	size_t n;

	(void)script_note(script, "contig_get_status",
			  contig_get_status(contig, &status), NULL);
	(void)script_note(script, "contig_list_backends",
			  contig_list_backends(contig, &backends, &n), NULL);
	(void)script_note(script, "contig_list_regions",
			  contig_list_regions(contig, &regions, &n), NULL);
	(void)script_note(script, "contig_list_buffers",
			  contig_list_buffers(contig, &buffers, &n), NULL);
	(void)script_note(script, "contig_list_clients",
			  contig_list_clients(contig, &clients, &n), NULL);
	free(backends);
	free(regions);
	free(buffers);
	free(clients);
}
