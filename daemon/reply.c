/* SPDX-License-Identifier: MIT */
#include "daemon/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/text.h"

/*
 * Answers are put together by the table of forms: sizes and counts cannot be
 * forgotten, and every byte that nobody sets is zero, so nothing of the
 * daemon's memory leaves with a padding.
 */

void reply_begin(struct reply *reply, uint16_t opcode, uint32_t serial)
{
	const struct form *form = form_find(opcode);
	struct contig_msg_header *header = &reply->message->header;

	memset(reply->message, 0, form->reply_bytes);
	reply->size_bytes = form->reply_bytes;
	reply->fds = NULL;
	reply->n_fds = 0;
	header->size = form->reply_bytes;
	header->opcode = opcode | CONTIG_MSG_REPLY;
	header->serial = serial;
}

void *reply_add(struct reply *reply)
{
	struct contig_msg_header *header = &reply->message->header;
	const struct form *form =
		form_find(header->opcode & (uint16_t)~CONTIG_MSG_REPLY);
	void *element = reply->message->bytes + reply->size_bytes;
	uint32_t count;

	memcpy(&count, reply->message->bytes + form->count_offset,
	       sizeof(count));
	if (count == form->max_elements)
		return NULL;
	count++;
	memcpy(reply->message->bytes + form->count_offset, &count,
	       sizeof(count));
	memset(element, 0, form->element_bytes);
	reply->size_bytes += form->element_bytes;
	header->size = (uint32_t)reply->size_bytes;
	return element;
}

void reply_refuse(struct reply *reply, uint32_t serial,
		  const struct refusal *refusal)
{
	struct contig_msg_error *error = &reply->message->error;

	memset(error, 0, sizeof(*error));
	reply->size_bytes = sizeof(*error);
	reply->fds = NULL;
	reply->n_fds = 0;
	error->header.size = sizeof(*error);
	error->header.opcode = CONTIG_MSG_ERROR;
	error->header.serial = serial;
	error->reason = refusal->reason;
	error->requested_bytes = refusal->requested_bytes;
	error->free_bytes = refusal->free_bytes;
	error->largest_free_bytes = refusal->largest_free_bytes;
	error->draining_bytes = refusal->draining_bytes;
	text_put(error->text, sizeof(error->text), refusal->text);
}

void reply_error(struct reply *reply, uint32_t serial, uint32_t reason,
		 const char *format, ...)
{
	struct refusal refusal = {.reason = reason};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(refusal.text, sizeof(refusal.text), format, args);
	va_end(args);
	reply_refuse(reply, serial, &refusal);
}
