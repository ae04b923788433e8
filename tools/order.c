/* SPDX-License-Identifier: MIT */
#include "tools/order.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/facts.h"
#include "util/parse.h"
#include "util/power.h"

/*
 * What contigctl alloc is asked for, checked before the daemon hears of it.
 * The daemon checks all of it again; but it speaks of fields, and a person at
 * a keyboard typed options.  What depends on regions (which exist, what they
 * give, whether there is room) is the daemon's alone to judge.
 */

#define NS_PER_S UINT64_C(1000000000)

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

int order_parse_require(const char *list, uint32_t *guaranteesp,
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

int order_parse_hold(const char *text, uint64_t *nsp, struct error *why)
{
	size_t whole = strspn(text, "0123456789");
	uint64_t seconds = 0, ns = 0, unit = NS_PER_S / 10;
	const char *p = text + whole;

	if (*p == '.')
		for (p++; isdigit((unsigned char)*p) && unit; p++) {
			ns += (uint64_t)(*p - '0') * unit;
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
	*nsp = seconds * NS_PER_S + ns;
	return 0;
}

static int check_numbers(const struct order *order, struct error *why)
{
	if (!order->size_bytes)
		return error_set(why, -EINVAL,
				 "SIZE: 0 bytes are nothing to "
				 "lend");
	if (!order->count || order->count > ORDER_MAX_COUNT)
		return error_set(why, -ERANGE, "--count: 1 to %d, not %" PRIu64,
				 ORDER_MAX_COUNT, order->count);
	if (order->align_bytes && !is_power_of_two(order->align_bytes))
		return error_set(why, -EINVAL,
				 "--align: %" PRIu64 " is not a power of two",
				 order->align_bytes);
	if (order->boundary_bytes && !is_power_of_two(order->boundary_bytes))
		return error_set(why, -EINVAL,
				 "--boundary: %" PRIu64
				 " is not a power of two",
				 order->boundary_bytes);
	if (order->boundary_bytes && order->boundary_bytes < order->size_bytes)
		return error_set(why, -EINVAL,
				 "--boundary: a buffer of %" PRIu64
				 " bytes always crosses a multiple of %" PRIu64,
				 order->size_bytes, order->boundary_bytes);
	return 0;
}

static int check_names(const struct order *order, struct error *why)
{
	if (order->region && !*order->region)
		return error_set(why, -EINVAL, "--region: the name is empty");
	if (order->name && strlen(order->name) >= CONTIG_NAME_BYTES)
		return error_set(why, -EINVAL, "--name: more than %d characters",
				 CONTIG_NAME_BYTES - 1);
	for (const char *p = order->name; p && *p; p++)
		if (*p < ' ' || *p > '~')
			return error_set(why, -EINVAL,
					 "--name: only printable ASCII");
	return 0;
}

int order_check(const struct order *order, struct contig_request *wanted,
		struct error *why)
{
	uint32_t require = 0;
	uint64_t hold;
	int r = check_numbers(order, why);

	if (r == 0)
		r = check_names(order, why);
	if (r < 0)
		return r;
	if (order->hold) {
		r = order_parse_hold(order->hold, &hold, why);
		if (r < 0)
			return error_prefix(why, r, "--hold");
	}
	if (order->require) {
		r = order_parse_require(order->require, &require, why);
		if (r < 0)
			return error_prefix(why, r, "--require");
	}
	*wanted = (struct contig_request)CONTIG_REQUEST_INIT;
	wanted->size_bytes = order->size_bytes;
	wanted->align_bytes = order->align_bytes;
	wanted->max_phys = order->max_phys;
	wanted->boundary_bytes = order->boundary_bytes;
	wanted->require = require;
	wanted->region = order->region;
	wanted->name = order->name;
	return 0;
}
