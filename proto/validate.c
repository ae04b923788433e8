/* SPDX-License-Identifier: MIT */
#include "proto/validate.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "proto/text.h"
#include "util/power.h"

/*
 * Both sides judge what they receive before they look at any of it: the daemon
 * because any program may connect, the library because a socket path is only a
 * path.  The functions are pure, so that a fuzzer can drive them.
 *
 * The line between the two verdicts on a request: a message of the wrong shape
 * (size, padding, text without an end) comes from a program that does not
 * speak the protocol, and nothing it says later can be trusted to begin where
 * it seems to.  A value out of range is a mistake like any other and ends
 * nothing.  Replies know one verdict, because a daemon has no excuse.
 *
 * Checks are written as `return error_set(...)` in the order of the fields;
 * the text names the message first, put in front by the two public functions.
 */

#define MALFORMED ((int)CONTIG_MSG_R_MALFORMED)
#define ARGUMENT  ((int)CONTIG_MSG_R_ARGUMENT)

static int check_zero(uint64_t value, struct error *why)
{
	return value ? error_set(why, MALFORMED, "padding is not zero") : 0;
}

static int check_text(const char *field, size_t size, const char *what,
		      struct error *why)
{
	return text_check(field, size)
		       ? error_set(why, MALFORMED, "the %s is no text", what)
		       : 0;
}

/* ---- requests ----------------------------------------------------------- */

static int request_hello(const union message *m, struct error *why)
{
	if (m->hello.version_min < 1 ||
	    m->hello.version_min > m->hello.version_max)
		return error_set(why, ARGUMENT,
				 "versions %" PRIu32 " to %" PRIu32
				 " are not a range",
				 m->hello.version_min, m->hello.version_max);
	return 0;
}

static int request_occupancy(const union message *m, struct error *why)
{
	if (m->occupancy.cells < 1 || m->occupancy.cells > CONTIG_MSG_MAX_CELLS)
		return error_set(why, ARGUMENT,
				 "%" PRIu32 " cells are not within 1 to %d",
				 m->occupancy.cells, CONTIG_MSG_MAX_CELLS);
	return 0;
}

/* Shape before value, so that the worse verdict wins. */
static int request_alloc_names(const struct contig_msg_alloc *a,
			       struct error *why)
{
	int region = text_check(a->region, sizeof(a->region));
	int name = text_check(a->name, sizeof(a->name));

	if (region == TEXT_E_OPEN || name == TEXT_E_OPEN)
		return error_set(
			why, MALFORMED,
			"the %s name is not terminated and zero-filled",
			region == TEXT_E_OPEN ? "region" : "buffer");
	if (region || name)
		return error_set(why, ARGUMENT,
				 "the %s name is not printable ASCII",
				 region ? "region" : "buffer");
	return 0;
}

static int request_alloc(const union message *m, struct error *why)
{
	const struct contig_msg_alloc *a = &m->alloc;
	int r = request_alloc_names(a, why);

	if (r)
		return r;
	if (a->size_bytes < 1 || a->size_bytes > CONTIG_MSG_MAX_SIZE)
		return error_set(why, ARGUMENT,
				 "a size of %" PRIu64
				 " bytes is not within 1 to 2^63",
				 a->size_bytes);
	if (a->align_bytes && !is_power_of_two(a->align_bytes))
		return error_set(why, ARGUMENT,
				 "an alignment of %" PRIu64
				 " bytes is not a power of two",
				 a->align_bytes);
	if (a->boundary_bytes && !is_power_of_two(a->boundary_bytes))
		return error_set(why, ARGUMENT,
				 "a boundary of %" PRIu64
				 " bytes is not a power of two",
				 a->boundary_bytes);
	if (a->boundary_bytes && a->boundary_bytes < a->size_bytes)
		return error_set(why, ARGUMENT,
				 "%" PRIu64 " bytes always cross a boundary of "
				 "%" PRIu64 " bytes",
				 a->size_bytes, a->boundary_bytes);
	if (a->require & ~CONTIG_MSG_GUARANTEES)
		return error_set(why, ARGUMENT,
				 "guarantees %#" PRIx32 " are unknown",
				 a->require & ~CONTIG_MSG_GUARANTEES);
	if (a->count < 1 || a->count > CONTIG_MSG_MAX_BUFFERS)
		return error_set(why, ARGUMENT,
				 "%" PRIu32 " buffers are not within 1 to %d",
				 a->count, CONTIG_MSG_MAX_BUFFERS);
	return 0;
}

static int request_check(const union message *m, struct error *why)
{
	int r = text_check(m->check.region, sizeof(m->check.region));

	if (r == TEXT_E_OPEN)
		return error_set(why, MALFORMED,
				 "the region name is not terminated and "
				 "zero-filled");
	return r ? error_set(why, ARGUMENT,
			     "the region name is not printable ASCII")
		 : 0;
}

static int request_cpu(const union message *m, struct error *why)
{
	const struct contig_msg_cpu *c = &m->cpu;
	uint64_t end;
	int r = check_zero(c->zero, why);

	if (r)
		return r;
	if (!c->flags || c->flags & ~(CONTIG_MSG_READ | CONTIG_MSG_WRITE))
		return error_set(why, ARGUMENT,
				 "access %#" PRIx32
				 " is neither read nor write nor both",
				 c->flags);
	if (c->length_bytes < 1 ||
	    __builtin_add_overflow(c->offset_bytes, c->length_bytes, &end))
		return error_set(why, ARGUMENT,
				 "%" PRIu64 " bytes from offset %" PRIu64
				 " are not a range",
				 c->length_bytes, c->offset_bytes);
	return 0;
}

static int check_request_body(const union message *m, struct error *why)
{
	switch (m->header.opcode) {
	case CONTIG_MSG_HELLO:
		return request_hello(m, why);
	case CONTIG_MSG_OCCUPANCY:
		return request_occupancy(m, why);
	case CONTIG_MSG_ALLOC:
		return request_alloc(m, why);
	case CONTIG_MSG_CPU_BEGIN:
	case CONTIG_MSG_CPU_END:
		return request_cpu(m, why);
	case CONTIG_MSG_CHECK:
		return request_check(m, why);
	default: /* no field but keys, of which any value may be asked for */
		return 0;
	}
}

/* What requests and replies have in common: sixteen true bytes. */
static int check_header(const union message *m, size_t size, struct error *why)
{
	if (size < sizeof(m->header) || size > CONTIG_MSG_MAX_BYTES)
		return error_set(why, MALFORMED,
				 "a datagram of %zu bytes is no message", size);
	if (m->header.size != size)
		return error_set(why, MALFORMED,
				 "the header says %" PRIu32
				 " bytes, the datagram has %zu",
				 m->header.size, size);
	return check_zero(m->header.zero16 | m->header.zero32, why);
}

int validate_request(const union message *m, size_t size, struct error *why)
{
	const struct form *form;
	int r = check_header(m, size, why);

	if (r)
		return r;
	form = form_find(m->header.opcode);
	if (!form)
		return error_set(why, MALFORMED, "opcode %u is unknown",
				 m->header.opcode);
	if (!m->header.serial)
		r = error_set(why, MALFORMED, "the serial number is 0");
	else if (size != form->request_bytes)
		r = error_set(why, MALFORMED,
			      "%zu bytes are not the %" PRIu32
			      " of this request",
			      size, form->request_bytes);
	else
		r = check_request_body(m, why);
	return r ? error_prefix(why, r, "%s", form->name) : 0;
}

/* ---- replies ------------------------------------------------------------ */

static int reply_error(const union message *m, struct error *why)
{
	if (!m->error.reason)
		return error_set(why, MALFORMED, "the reason is 0");
	if (check_zero(m->error.zero, why))
		return MALFORMED;
	return check_text(m->error.text, sizeof(m->error.text), "text", why);
}

static int reply_hello(const union message *m, struct error *why)
{
	if (!m->hello_reply.version)
		return error_set(why, MALFORMED, "the version is 0");
	return check_zero(m->hello_reply.zero, why);
}

static int reply_occupancy(const union message *m, struct error *why)
{
	if (!m->occupancy_reply.cell_bytes)
		return error_set(why, MALFORMED, "a cell has 0 bytes");
	return check_zero(m->occupancy_reply.zero, why);
}

static int reply_check(const union message *m, struct error *why)
{
	const struct contig_msg_check_reply *c = &m->check_reply;

	if (c->more > 1 || (c->more && !c->last))
		return error_set(why, MALFORMED, "more follows nothing");
	if (c->count > c->checked)
		return error_set(why, MALFORMED,
				 "%" PRIu32 " are damaged of %" PRIu32
				 " that were checked",
				 c->count, c->checked);
	return 0;
}

static int check_reply_body(const union message *m, struct error *why)
{
	switch (m->header.opcode & ~CONTIG_MSG_REPLY) {
	case CONTIG_MSG_HELLO:
		return reply_hello(m, why);
	case CONTIG_MSG_STATUS:
		return check_text(m->status_reply.version,
				  sizeof(m->status_reply.version), "version",
				  why);
	case CONTIG_MSG_OCCUPANCY:
		return reply_occupancy(m, why);
	case CONTIG_MSG_CHECK:
		return reply_check(m, why);
	default:
		return 0;
	}
}

static int entry_backend(const struct contig_msg_backend *b, struct error *why)
{
	if (b->flags & ~CONTIG_MSG_BACKEND_SERVES ||
	    b->guarantees & ~CONTIG_MSG_GUARANTEES)
		return error_set(why, MALFORMED, "unknown flags");
	if (check_zero(b->zero, why) ||
	    check_text(b->name, sizeof(b->name), "name", why))
		return MALFORMED;
	return check_text(b->text, sizeof(b->text), "text", why);
}

static int entry_region(const struct contig_msg_region *r, struct error *why)
{
	uint64_t last;

	if (r->flags & ~(CONTIG_MSG_REGION_DEFAULT | CONTIG_MSG_REGION_USABLE |
			 CONTIG_MSG_REGION_BASE) ||
	    r->guarantees & ~CONTIG_MSG_GUARANTEES ||
	    r->cpu_access > CONTIG_MSG_CPU_BOUNCE)
		return error_set(why, MALFORMED, "unknown flags");
	if (check_zero(r->zero, why) ||
	    check_text(r->name, sizeof(r->name), "name", why) ||
	    check_text(r->backend, sizeof(r->backend), "backend", why))
		return MALFORMED;
	if (r->base && !(r->flags & CONTIG_MSG_REGION_BASE))
		return error_set(why, MALFORMED, "an address that is none");
	if (!is_power_of_two(r->granule_bytes))
		return error_set(why, MALFORMED,
				 "the granule is not a power of two");
	if (r->guard_bytes & (r->granule_bytes - 1))
		return error_set(why, MALFORMED,
				 "the guard is not of whole granules");
	if (!r->span_bytes ||
	    __builtin_add_overflow(r->base, r->span_bytes - 1, &last) ||
	    r->size_bytes > r->span_bytes || r->free_bytes > r->size_bytes ||
	    r->largest_free_bytes > r->free_bytes ||
	    r->reserved_bytes > r->size_bytes - r->free_bytes ||
	    r->guarding_bytes >
		    r->size_bytes - r->free_bytes - r->reserved_bytes ||
	    r->quarantined_bytes > r->size_bytes - r->free_bytes -
					   r->reserved_bytes -
					   r->guarding_bytes ||
	    r->dirty_bytes > r->free_bytes + r->reserved_bytes)
		return error_set(why, MALFORMED, "the sizes contradict");
	return 0;
}

static int entry_buffer(const struct contig_msg_buffer *b, bool lent_now,
			struct error *why)
{
	uint64_t last;

	if (b->flags & ~(CONTIG_MSG_BUFFER_PHYS | CONTIG_MSG_BUFFER_TOLD) ||
	    b->guarantees & ~CONTIG_MSG_GUARANTEES ||
	    b->cpu_access > CONTIG_MSG_CPU_BOUNCE ||
	    b->state < CONTIG_MSG_LENT || b->state > CONTIG_MSG_DRAINING)
		return error_set(why, MALFORMED, "unknown flags");
	if (!b->size_bytes ||
	    __builtin_add_overflow(b->phys, b->size_bytes - 1, &last))
		return error_set(why, MALFORMED, "the size is impossible");
	if (b->phys && !(b->flags & CONTIG_MSG_BUFFER_PHYS))
		return error_set(why, MALFORMED, "an address that is none");
	if (lent_now && b->state != CONTIG_MSG_LENT)
		return error_set(why, MALFORMED, "new, but not lent");
	if (!lent_now && b->token)
		return error_set(why, MALFORMED, "a token for a stranger");
	if (!lent_now && b->flags & CONTIG_MSG_BUFFER_TOLD)
		return error_set(why, MALFORMED, "a promise to a stranger");
	if (!b->region_id)
		return error_set(why, MALFORMED, "no region");
	if (check_text(b->region, sizeof(b->region), "region", why))
		return MALFORMED;
	return check_text(b->name, sizeof(b->name), "name", why);
}

static int entry_damage(const struct contig_msg_damage *d, struct error *why)
{
	uint64_t end, last;

	if (d->flags & ~CONTIG_MSG_BUFFER_PHYS)
		return error_set(why, MALFORMED, "unknown flags");
	if (!d->size_bytes || !d->differing_bytes ||
	    __builtin_add_overflow(d->first_bytes, d->differing_bytes, &end) ||
	    end > d->guard_bytes ||
	    __builtin_add_overflow(d->size_bytes, d->guard_bytes - 1, &last))
		return error_set(why, MALFORMED, "the sizes contradict");
	if (d->phys && !(d->flags & CONTIG_MSG_BUFFER_PHYS))
		return error_set(why, MALFORMED, "an address that is none");
	if (!d->neighbour_id && (d->neighbour_uid || d->neighbour_name[0]))
		return error_set(why, MALFORMED, "a neighbour that is none");
	if (!d->region_id)
		return error_set(why, MALFORMED, "no region");
	if (check_text(d->region, sizeof(d->region), "region", why) ||
	    check_text(d->name, sizeof(d->name), "name", why))
		return MALFORMED;
	return check_text(d->neighbour_name, sizeof(d->neighbour_name),
			  "neighbour's name", why);
}

static int check_entry(const struct form *form, const void *entry,
		       uint64_t *idp, struct error *why)
{
	const struct contig_msg_backend *backend = entry;
	const struct contig_msg_region *region = entry;
	const struct contig_msg_buffer *buffer = entry;
	const struct contig_msg_client *client = entry;
	const struct contig_msg_damage *damage = entry;

	switch (form->opcode) {
	case CONTIG_MSG_CHECK:
		*idp = damage->id;
		return entry_damage(damage, why);
	case CONTIG_MSG_LIST_BACKENDS:
		*idp = backend->id;
		return entry_backend(backend, why);
	case CONTIG_MSG_LIST_REGIONS:
		*idp = region->id;
		return entry_region(region, why);
	case CONTIG_MSG_LIST_CLIENTS:
		*idp = client->id;
		return check_zero(client->zero, why);
	case CONTIG_MSG_ALLOC:
		*idp = buffer->id;
		return entry_buffer(buffer, true, why);
	default:
		*idp = buffer->id;
		return entry_buffer(buffer, false, why);
	}
}

uint32_t validate_count(const struct form *form, const union message *reply)
{
	uint32_t count;

	if (!form->element_bytes)
		return 0;
	memcpy(&count, reply->bytes + form->count_offset, sizeof(count));
	return count;
}

/* The bytes of a cell need no judgement: any figure can be drawn. */
static int check_entries(const struct form *form, const union message *m,
			 uint32_t count, struct error *why)
{
	uint64_t id, last = 0;

	if (!form->element_bytes || form->opcode == CONTIG_MSG_OCCUPANCY)
		return 0;
	if (form->opcode != CONTIG_MSG_CHECK &&
	    m->list_reply.more > (form->paged && count ? 1 : 0))
		return error_set(why, MALFORMED, "more follows nothing");
	for (uint32_t i = 0; i < count; i++) {
		const void *entry = m->bytes + form_reply_bytes(form, i);
		int r = check_entry(form, entry, &id, why);

		if (!r && !id)
			r = error_set(why, MALFORMED, "the id is 0");
		if (!r && form->paged && id <= last)
			r = error_set(why, MALFORMED, "ids do not ascend");
		if (r)
			return error_prefix(why, r, "entry %" PRIu32, i);
		last = id;
	}
	if (form->opcode == CONTIG_MSG_CHECK && last > m->check_reply.last)
		return error_set(why, MALFORMED,
				 "an entry lies behind the last one");
	return 0;
}

/* Judges a reply whose fixed part is known to be there. */
static int check_reply(const struct form *form, const union message *m,
		       size_t size, size_t n_fds, struct error *why)
{
	uint32_t count = validate_count(form, m);
	int r;

	if (count < form->min_elements || count > form->max_elements)
		return error_set(why, MALFORMED,
				 "%" PRIu32 " entries are not within %" PRIu32
				 " to %" PRIu32,
				 count, form->min_elements, form->max_elements);
	if (size != form_reply_bytes(form, count))
		return error_set(why, MALFORMED,
				 "%zu bytes are not those of %" PRIu32
				 " entries",
				 size, count);
	if (n_fds != (form->descriptors ? count : 0))
		return error_set(why, MALFORMED,
				 "%zu descriptors came with %" PRIu32
				 " entries",
				 n_fds, count);
	r = check_reply_body(m, why);
	return r ? r : check_entries(form, m, count, why);
}

int validate_reply(const union message *m, size_t size, size_t n_fds,
		   struct error *why)
{
	const struct form *form;
	int r = check_header(m, size, why);

	if (r)
		return r;
	if (m->header.opcode == CONTIG_MSG_ERROR) {
		if (size != sizeof(m->error) || n_fds)
			r = error_set(why, MALFORMED,
				      "%zu bytes, %zu descriptors", size, n_fds);
		else
			r = reply_error(m, why);
		return r ? error_prefix(why, r, "ERROR") : 0;
	}
	form = m->header.opcode & CONTIG_MSG_REPLY
		       ? form_find(m->header.opcode & ~CONTIG_MSG_REPLY)
		       : NULL;
	if (!form || !form->reply_bytes)
		return error_set(why, MALFORMED, "opcode %#x is no reply",
				 m->header.opcode);
	if (!m->header.serial)
		r = error_set(why, MALFORMED, "the serial number is 0");
	else if (size < form->reply_bytes)
		r = error_set(why, MALFORMED, "%zu bytes are too few", size);
	else
		r = check_reply(form, m, size, n_fds, why);
	return r ? error_prefix(why, r, "reply to %s", form->name) : 0;
}
