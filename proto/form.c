/* SPDX-License-Identifier: MIT */
#include "proto/form.h"

/*
 * The table of opcodes.  Daemon and library read sizes, counts and descriptors
 * from here and nowhere else, so that neither can take a message for what the
 * other did not send.  Every size is exact: there is no optional tail, and a
 * message that grows gets a new opcode or a new protocol version.
 *
 * Lists fill a datagram as far as it goes; the next page starts behind the
 * last entry.  CHECK looks at as many buffers as an ALLOC can make.  ALLOC stays
 * at CONTIG_MSG_MAX_BUFFERS although more buffers would fit the datagram, because
 * each takes a descriptor and the kernel passes no more than 253 of those at once.
 */

#define PAGE_OF(type)                                                    \
	((CONTIG_MSG_MAX_BYTES - sizeof(struct contig_msg_list_reply)) / \
	 sizeof(type))

#define LIST(type)                                                     \
	.request_bytes = sizeof(struct contig_msg_list),               \
	.reply_bytes = sizeof(struct contig_msg_list_reply),           \
	.count_offset = offsetof(struct contig_msg_list_reply, count), \
	.element_bytes = sizeof(type), .max_elements = PAGE_OF(type),  \
	.paged = true

static const struct form forms[] = {
	{
		.name = "HELLO",
		.opcode = CONTIG_MSG_HELLO,
		.request_bytes = sizeof(struct contig_msg_hello),
		.reply_bytes = sizeof(struct contig_msg_hello_reply),
	},
	{
		.name = "STATUS",
		.opcode = CONTIG_MSG_STATUS,
		.request_bytes = sizeof(struct contig_msg_plain),
		.reply_bytes = sizeof(struct contig_msg_status_reply),
	},
	{
		.name = "LIST_BACKENDS",
		.opcode = CONTIG_MSG_LIST_BACKENDS,
		LIST(struct contig_msg_backend),
	},
	{
		.name = "LIST_REGIONS",
		.opcode = CONTIG_MSG_LIST_REGIONS,
		LIST(struct contig_msg_region),
	},
	{
		.name = "LIST_BUFFERS",
		.opcode = CONTIG_MSG_LIST_BUFFERS,
		LIST(struct contig_msg_buffer),
	},
	{
		.name = "LIST_CLIENTS",
		.opcode = CONTIG_MSG_LIST_CLIENTS,
		LIST(struct contig_msg_client),
	},
	{
		.name = "OCCUPANCY",
		.opcode = CONTIG_MSG_OCCUPANCY,
		.request_bytes = sizeof(struct contig_msg_occupancy),
		.reply_bytes = sizeof(struct contig_msg_occupancy_reply),
		.count_offset =
			offsetof(struct contig_msg_occupancy_reply, count),
		.element_bytes = sizeof(struct contig_msg_cell),
		.min_elements = 1,
		.max_elements = CONTIG_MSG_MAX_CELLS,
	},
	{
		.name = "ALLOC",
		.opcode = CONTIG_MSG_ALLOC,
		.request_bytes = sizeof(struct contig_msg_alloc),
		.reply_bytes = sizeof(struct contig_msg_list_reply),
		.count_offset = offsetof(struct contig_msg_list_reply, count),
		.element_bytes = sizeof(struct contig_msg_buffer),
		.min_elements = 1,
		.max_elements = CONTIG_MSG_MAX_BUFFERS,
		.descriptors = true,
	},
	{
		.name = "DESCRIBE",
		.opcode = CONTIG_MSG_DESCRIBE,
		.request_bytes = sizeof(struct contig_msg_describe),
		.reply_bytes = sizeof(struct contig_msg_list_reply),
		.count_offset = offsetof(struct contig_msg_list_reply, count),
		.element_bytes = sizeof(struct contig_msg_buffer),
		.min_elements = 1,
		.max_elements = 1,
	},
	{
		.name = "CPU_BEGIN",
		.opcode = CONTIG_MSG_CPU_BEGIN,
		.request_bytes = sizeof(struct contig_msg_cpu),
		.reply_bytes = sizeof(struct contig_msg_plain),
	},
	{
		.name = "CPU_END",
		.opcode = CONTIG_MSG_CPU_END,
		.request_bytes = sizeof(struct contig_msg_cpu),
		.reply_bytes = sizeof(struct contig_msg_plain),
	},
	{
		.name = "CHECK",
		.opcode = CONTIG_MSG_CHECK,
		.request_bytes = sizeof(struct contig_msg_check),
		.reply_bytes = sizeof(struct contig_msg_check_reply),
		.count_offset = offsetof(struct contig_msg_check_reply, count),
		.element_bytes = sizeof(struct contig_msg_damage),
		.max_elements = CONTIG_MSG_MAX_BUFFERS,
		.paged = true,
	},
	{
		.name = "RELEASE",
		.opcode = CONTIG_MSG_RELEASE,
		.request_bytes = sizeof(struct contig_msg_release),
	},
};

#define N_FORMS (sizeof(forms) / sizeof(*forms))

/* Opcodes are dense from 1, so a row is found by its number. */
static_assert(N_FORMS == CONTIG_MSG_RELEASE, "one row an opcode");

const struct form *form_find(uint16_t opcode)
{
	return opcode >= 1 && opcode <= N_FORMS ? &forms[opcode - 1] : NULL;
}
