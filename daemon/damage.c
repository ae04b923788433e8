/* SPDX-License-Identifier: MIT */
#include "daemon/damage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

/*
 * Somebody wrote where nobody may: a report for the operator, not a punishment.
 * Who it was is not known.  The guard is behind one buffer and before another,
 * and mostly a device that works on one of the two ran over its end or before
 * its start; so both are named, with their owners.
 *
 * A damaged guard stays as it is until its buffer returns: what is in it may
 * tell a person more.  So every later look finds it again, and says nothing.
 *
 * With simulated memory a client can do this at will, with a driver's help
 * perhaps elsewhere too: the log is rate-limited, the region's count is not.
 * The neighbour is searched for among all of the region, but only where it is
 * told to somebody.
 */

const struct buffer *damage_neighbour(const struct buffer *buffer)
{
	uint64_t last = run_last(buffer_whole(buffer));
	const struct buffer *other;

	list_for_each (other, &buffer->region->buffers, region_link)
		if (buffer_whole(other)->phys > last &&
		    buffer_whole(other)->phys - 1 == last)
			return other;
	return NULL;
}

/* Room for what is said of the neighbour. */
#define NEIGHBOUR_BYTES 128

static void describe_neighbour(char text[NEIGHBOUR_BYTES],
			       const struct buffer *buffer)
{
	const struct buffer *neighbour = damage_neighbour(buffer);

	if (neighbour)
		(void)snprintf(text, NEIGHBOUR_BYTES,
			       "behind it lies buffer %" PRIu64
			       " '%s' of uid %" PRIu32,
			       neighbour->id, neighbour->name,
			       buffer_owner_uid(neighbour));
	else
		(void)snprintf(text, NEIGHBOUR_BYTES,
			       "no buffer lies behind it");
}

static struct log_fields fields_of(const struct buffer *buffer)
{
	return (struct log_fields){
		.region = buffer->region->name,
		.buffer = buffer->name,
		.has_uid = true,
		.uid = buffer_owner_uid(buffer),
	};
}

static void report(const struct buffer *buffer)
{
	const struct log_fields fields = fields_of(buffer);
	const struct run *run = &buffer->object->run;
	char neighbour[NEIGHBOUR_BYTES];

	describe_neighbour(neighbour, buffer);
	log_message(LOG_LEVEL_ERR, &fields,
		    "region '%s': something wrote behind buffer %" PRIu64
		    " '%s' of uid %" PRIu32 ": %" PRIu64 " of the %" PRIu64
		    " bytes of its guard differ, the first at 0x%" PRIx64
		    ", %" PRIu64 " behind its end; %s",
		    buffer->region->name, buffer->id, buffer->name, fields.uid,
		    buffer->damage.bytes, buffer->object->guard_bytes,
		    run->phys + run->size_bytes + buffer->damage.first_bytes,
		    buffer->damage.first_bytes, neighbour);
}

void damage_note(struct buffer *buffer, const struct guard_damage *found)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 10);

	if (buffer->damage.bytes > 0)
		return;
	buffer->damage = *found;
	buffer->region->damaged_guards++;
	if (log_ratelimit_pass(&limit))
		report(buffer);
}

void damage_unknown(const struct buffer *buffer, int result)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 10);
	const struct log_fields fields = fields_of(buffer);

	if (log_ratelimit_pass(&limit))
		log_message(LOG_LEVEL_WARNING, &fields,
			    "region '%s': the guard behind buffer %" PRIu64
			    " '%s' of uid %" PRIu32 " cannot be read: %s",
			    buffer->region->name, buffer->id, buffer->name,
			    fields.uid, strerror(-result));
}
