/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/answers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/text.h"
#include "proto/validate.h"
#include "tests/fuzz/fuzz.h"
#include "util/cleanup.h"

/*
 * Right answers, for the fuzzer to bend: nearly right is where the library has
 * to look closely.  That they are right is asked of the validator each time,
 * so that they stay so when messages change.
 */

#define PAGE_BYTES 4096
#define TOKEN	   UINT64_C(0x0123456789abcdef)

static uint64_t round_up(uint64_t size_bytes)
{
	return (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void put_buffer(struct contig_msg_buffer *buffer, uint64_t id,
		       uint8_t seed)
{
	buffer->id = id;
	buffer->size_bytes = PAGE_BYTES;
	buffer->guarantees = CONTIG_MSG_ISOLATED;
	buffer->cpu_access = seed % 3;
	buffer->state = seed & 0x40 ? CONTIG_MSG_DRAINING : CONTIG_MSG_LENT;
	if (seed & 0x20) {
		buffer->guarantees |= CONTIG_MSG_PHYS_KNOWN;
		buffer->flags = CONTIG_MSG_BUFFER_PHYS;
		buffer->phys = 0x90000000 + id * PAGE_BYTES;
	}
	buffer->region_id = 1;
	text_put(buffer->region, sizeof(buffer->region), "camera");
	text_put(buffer->name, sizeof(buffer->name), "frame");
}

static void put_region(struct contig_msg_region *region, uint32_t id)
{
	region->id = id;
	region->flags = id == 1 ? CONTIG_MSG_REGION_DEFAULT : 0;
	region->flags |= CONTIG_MSG_REGION_BASE;
	text_put(region->name, sizeof(region->name),
		 id % 2 ? "camera" : "video");
	text_put(region->backend, sizeof(region->backend), "simulated");
	region->base = (uint64_t)id << 32;
	region->span_bytes = 64 * PAGE_BYTES;
	region->size_bytes = 60 * PAGE_BYTES;
	region->free_bytes = 30 * PAGE_BYTES;
	region->largest_free_bytes = 8 * PAGE_BYTES;
	region->dirty_bytes = PAGE_BYTES;
	region->granule_bytes = PAGE_BYTES;
}

static void put_backend(struct contig_msg_backend *backend, uint32_t id)
{
	backend->id = id;
	backend->flags = CONTIG_MSG_BACKEND_SERVES;
	text_put(backend->name, sizeof(backend->name), "simulated");
	text_put(backend->text, sizeof(backend->text), "isolated");
}

static void put_damage(struct contig_msg_damage *damage, uint64_t id,
		       uint8_t seed)
{
	damage->id = id;
	damage->size_bytes = PAGE_BYTES;
	damage->guard_bytes = PAGE_BYTES;
	damage->first_bytes = seed;
	damage->differing_bytes = 1;
	damage->region_id = 1;
	text_put(damage->region, sizeof(damage->region), "camera");
	text_put(damage->name, sizeof(damage->name), "frame");
	if (!(seed & 0x20))
		return;
	damage->neighbour_id = id + 1;
	text_put(damage->neighbour_name, sizeof(damage->neighbour_name),
		 "frame");
}

static void put_entry(uint16_t opcode, void *entry, uint64_t id, uint8_t seed)
{
	switch (opcode) {
	case CONTIG_MSG_LIST_BACKENDS:
		put_backend(entry, (uint32_t)id);
		break;
	case CONTIG_MSG_LIST_REGIONS:
		put_region(entry, (uint32_t)id);
		break;
	case CONTIG_MSG_LIST_CLIENTS:
		((struct contig_msg_client *)entry)->id = id;
		break;
	case CONTIG_MSG_CHECK:
		put_damage(entry, id, seed);
		break;
	case CONTIG_MSG_LIST_BUFFERS:
	case CONTIG_MSG_DESCRIBE:
		put_buffer(entry, id, seed);
		break;
	default:
		break;
	}
}

/* How many entries, and whether another page follows. */
static uint32_t choose_count(const struct form *form,
			     const union message *request, uint8_t seed,
			     bool *morep)
{
	uint32_t count = seed % 4;

	*morep = false;
	if (!form->element_bytes)
		return 0;
	if (form->opcode == CONTIG_MSG_OCCUPANCY)
		return request->occupancy.cells;
	if (!form->paged)
		return 1;
	if (request->list.after > UINT32_MAX - 10)
		return 0;
	if (seed & 0x80)
		count = form->max_elements;
	*morep = count > 0 && (seed & 0x10);
	return count;
}

static void add_descriptor(struct channel_fds *fds, uint64_t size_bytes,
			   const char *name)
{
	char full[64];
	int fd;

	(void)snprintf(full, sizeof(full), "contig-%016" PRIx64 "-%s", TOKEN,
		       name);
	fd = memfd_create(full, MFD_CLOEXEC);
	fuzz_assert(fd >= 0);
	(void)ftruncate(fd, (off_t)size_bytes);
	fds->fds[fds->count++] = fd;
}

static void lend(union message *answer, const struct contig_msg_alloc *alloc,
		 uint8_t seed, struct channel_fds *fds)
{
	const struct form *form = form_find(CONTIG_MSG_ALLOC);
	struct contig_msg_buffer *buffers = form_elements(form, answer);

	for (uint32_t i = 0; i < alloc->count; i++) {
		put_buffer(&buffers[i], alloc->header.serial * 100 + i,
			   seed & 0x2f);
		if (alloc->size_bytes < UINT64_C(1) << 40)
			buffers[i].size_bytes = round_up(alloc->size_bytes);
		if (buffers[i].cpu_access == CONTIG_MSG_CPU_BOUNCE)
			buffers[i].token = TOKEN;
		add_descriptor(fds, buffers[i].size_bytes, "frame");
	}
}

static void fill(union message *answer, const struct form *form,
		 const union message *request, uint8_t seed)
{
	uint32_t count = validate_count(form, answer);
	uint64_t after = form->paged ? request->list.after : 0;

	switch (form->opcode) {
	case CONTIG_MSG_HELLO:
		answer->hello_reply.version = CONTIG_PROTOCOL_VERSION;
		break;
	case CONTIG_MSG_STATUS:
		text_put(answer->status_reply.version,
			 sizeof(answer->status_reply.version), "1.2.3");
		break;
	case CONTIG_MSG_OCCUPANCY:
		answer->occupancy_reply.cell_bytes = PAGE_BYTES;
		break;
	case CONTIG_MSG_CHECK:
		answer->check_reply.checked = count;
		answer->check_reply.last = after + count;
		break;
	default:
		break;
	}
	for (uint32_t i = 0; i < count; i++)
		put_entry(form->opcode,
			  answer->bytes + form_reply_bytes(form, i),
			  after + i + 1, seed);
}

void answer_rightly(union message *answer, const union message *request,
		    uint8_t seed, struct channel_fds *fds)
{
	const struct form *form = form_find(request->header.opcode);
	struct error why = ERROR_INIT;
	uint32_t count;
	bool more;

	count = choose_count(form, request, seed, &more);
	if (form->opcode == CONTIG_MSG_ALLOC)
		count = request->alloc.count;
	memset(answer, 0, form_reply_bytes(form, count));
	answer->header.size = (uint32_t)form_reply_bytes(form, count);
	answer->header.opcode = form->opcode | CONTIG_MSG_REPLY;
	answer->header.serial = request->header.serial;
	if (form->element_bytes)
		memcpy(answer->bytes + form->count_offset, &count,
		       sizeof(count));
	if (form->paged)
		answer->list_reply.more = more;
	if (form->opcode == CONTIG_MSG_ALLOC)
		lend(answer, &request->alloc, seed, fds);
	else
		fill(answer, form, request, seed);
	if (validate_reply(answer, answer->header.size, fds->count, &why) != 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		fuzz_assert(!"a right answer is right");
	}
}

/* Some that are no buffers. */
static int open_other(uint8_t how)
{
	int ends[2];

	if (how & 1)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	fuzz_assert(pipe2(ends, O_CLOEXEC) == 0);
	(void)close(ends[0]);
	return ends[1];
}

void answer_bend_fds(struct channel_fds *fds, uint8_t how)
{
	size_t n = how & 0x0f;

	if (how & 0x80)
		for (; n > 0 && fds->count > 0; n--)
			(void)close(fds->fds[--fds->count]);
	for (; n > 0 && fds->count < CONTIG_MSG_MAX_BUFFERS; n--)
		fds->fds[fds->count++] = open_other(how >> 4);
	if ((how & 0x40) && fds->count > 0) {
		(void)close(fds->fds[0]);
		fds->fds[0] = open_other(how >> 4);
	}
}
