/* SPDX-License-Identifier: MIT */
#include "tools/request.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/facts.h"
#include "util/parse.h"

/*
 * What contigctl alloc is asked for, checked before the daemon hears of it.
 * The daemon checks all of it again; but it speaks of fields, and a person at
 * a keyboard typed options.  What depends on regions (which exist, what they
 * give, whether there is room) is the daemon's alone to judge.
 */

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* A guarantee's name, however its words are joined. */
static bool names_match(const char *name, const char *typed, size_t len)
{
	if (strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = typed[i] == '-' ? '_' : typed[i];

		if (name[i] != tolower((unsigned char)c))
			return false;
	}
	return true;
}

static uint32_t guarantee_find(const char *typed, size_t len)
{
	for (const struct guarantee_name *g = guarantee_names; g->name; g++)
		if (names_match(g->name, typed, len))
			return g->guarantee;
	return 0;
}

int request_parse_require(const char *list, uint32_t *guaranteesp,
			  struct error *why)
{
	uint32_t guarantees = 0;

	for (;;) {
		size_t len = strcspn(list, ",");
		uint32_t guarantee = guarantee_find(list, len);

		if (!guarantee)
			return error_set(why, -EINVAL,
					 "nothing gives '%.*s'; memory can be "
					 "contiguous, isolated, dma-buf, "
					 "cached, phys-known",
					 len < 32 ? (int)len : 32, list);
		guarantees |= guarantee;
		if (!list[len])
			break;
		list += len + 1;
	}
	*guaranteesp = guarantees;
	return 0;
}

int request_parse_hold(const char *text, struct timespec *timep,
		       struct error *why)
{
	size_t whole = strspn(text, "0123456789");
	uint64_t seconds = 0;
	long nanoseconds = 0, unit = 100000000;
	const char *p = text + whole;

	if (*p == '.')
		for (p++; isdigit((unsigned char)*p) && unit; p++) {
			nanoseconds += (*p - '0') * unit;
			unit /= 10;
		}
	if (!whole || *p || p[-1] == '.')
		return error_set(why, -EINVAL,
				 "'%.64s' is not a number of seconds", text);
	for (size_t i = 0; i < whole; i++) {
		seconds = seconds * 10 + (uint64_t)(text[i] - '0');
		if (seconds > INT32_MAX)
			return error_set(why, -ERANGE,
					 "'%.64s' is more than 68 years", text);
	}
	timep->tv_sec = (time_t)seconds;
	timep->tv_nsec = nanoseconds;
	return 0;
}

static int check_numbers(const struct request *request, struct error *why)
{
	if (!request->size_bytes)
		return error_set(why, -EINVAL, "SIZE: 0 bytes are nothing to "
					       "lend");
	if (!request->count || request->count > REQUEST_MAX_COUNT)
		return error_set(why, -ERANGE, "--count: 1 to %d, not %" PRIu64,
				 REQUEST_MAX_COUNT, request->count);
	if (request->align_bytes && !is_power_of_two(request->align_bytes))
		return error_set(why, -EINVAL,
				 "--align: %" PRIu64 " is not a power of two",
				 request->align_bytes);
	if (request->boundary_bytes &&
	    !is_power_of_two(request->boundary_bytes))
		return error_set(why, -EINVAL,
				 "--boundary: %" PRIu64
				 " is not a power of two",
				 request->boundary_bytes);
	if (request->boundary_bytes &&
	    request->boundary_bytes < request->size_bytes)
		return error_set(why, -EINVAL,
				 "--boundary: a buffer of %" PRIu64
				 " bytes always crosses a multiple of %" PRIu64,
				 request->size_bytes, request->boundary_bytes);
	return 0;
}

static int check_names(const struct request *request, struct error *why)
{
	if (request->region && !*request->region)
		return error_set(why, -EINVAL, "--region: the name is empty");
	if (request->name && strlen(request->name) >= CONTIG_NAME_BYTES)
		return error_set(why, -EINVAL,
				 "--name: more than %d characters",
				 CONTIG_NAME_BYTES - 1);
	for (const char *p = request->name; p && *p; p++)
		if (*p < ' ' || *p > '~')
			return error_set(why, -EINVAL,
					 "--name: only printable ASCII");
	return 0;
}

int request_check(const struct request *request, struct contig_request *wanted,
		  struct error *why)
{
	struct timespec hold;
	uint32_t require = 0;
	int r = check_numbers(request, why);

	if (r == 0)
		r = check_names(request, why);
	if (r < 0)
		return r;
	if (request->hold) {
		r = request_parse_hold(request->hold, &hold, why);
		if (r < 0)
			return error_prefix(why, r, "--hold");
	}
	if (request->require) {
		r = request_parse_require(request->require, &require, why);
		if (r < 0)
			return error_prefix(why, r, "--require");
	}
	*wanted = (struct contig_request)CONTIG_REQUEST_INIT;
	wanted->size_bytes = request->size_bytes;
	wanted->align_bytes = request->align_bytes;
	wanted->max_phys = request->max_phys;
	wanted->boundary_bytes = request->boundary_bytes;
	wanted->require = require;
	wanted->region = request->region;
	wanted->name = request->name;
	return 0;
}
