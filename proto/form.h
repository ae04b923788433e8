/* SPDX-License-Identifier: MIT */
#ifndef PROTO_FORM_H
#define PROTO_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

/*
 * The outward form of each message: one row an opcode, for both sides.
 */
struct form {
	const char *name;	/* "ALLOC", for messages to people */
	uint16_t opcode;	/* of the request */
	uint32_t request_bytes; /* exact size of the request */
	uint32_t reply_bytes;	/* size of the reply before its elements;
				   0: the request is not answered */
	uint32_t count_offset;	/* of the reply's uint32_t count of elements */
	uint32_t element_bytes; /* 0: the reply has no elements */
	uint32_t min_elements;
	uint32_t max_elements;
	bool paged;	  /* elements come in pages, ids ascending */
	bool descriptors; /* the reply carries one for each element */
};

/* Room for any message, aligned for all of them. */
union message {
	struct contig_msg_header header;
	struct contig_msg_error error;
	struct contig_msg_hello hello;
	struct contig_msg_hello_reply hello_reply;
	struct contig_msg_plain plain;
	struct contig_msg_status_reply status_reply;
	struct contig_msg_list list;
	struct contig_msg_list_reply list_reply;
	struct contig_msg_occupancy occupancy;
	struct contig_msg_occupancy_reply occupancy_reply;
	struct contig_msg_alloc alloc;
	struct contig_msg_describe describe;
	struct contig_msg_cpu cpu;
	struct contig_msg_check check;
	struct contig_msg_check_reply check_reply;
	struct contig_msg_release release;
	unsigned char bytes[CONTIG_MSG_MAX_BYTES];
};

/* The row of a request's opcode, or NULL where there is none. */
const struct form *form_find(uint16_t opcode);

/* Size of a whole reply that has count elements. */
static inline size_t form_reply_bytes(const struct form *form, uint32_t count)
{
	return form->reply_bytes + (size_t)form->element_bytes * count;
}

/* Where the elements of a reply start; they are aligned for their type. */
static inline void *form_elements(const struct form *form, union message *reply)
{
	return reply->bytes + form->reply_bytes;
}

#endif
