/* SPDX-License-Identifier: MIT */
#include "daemon/request_cpu.h"

#include <string.h>

/*
 * CPU_BEGIN and CPU_END of a bounce buffer.  Whoever knows the token may ask:
 * it can be read off the descriptor, so its holders know it, whichever process
 * they got the descriptor from, and nobody else does.  The owner has to know it
 * like everybody: his uid is not his buffer.
 *
 * CPU_BEGIN copies what devices wrote also for a CPU that will only write: it
 * may leave bytes of the range unwritten, and CPU_END copies all of the range
 * back.  Without the first copy those bytes would be old ones.  CPU_END of a
 * CPU that only read has nothing to do.
 */

static void on_copied(struct bounce *bounce, int result)
{
	struct session *session = bounce->data;

	session->waiting = false;
	session->result = result;
	session->ready(session->data);
}

/* The buffer, where it may be touched like this, or NULL with the reply set. */
static struct buffer *find_buffer(struct session *session,
				  const struct contig_msg_cpu *cpu,
				  struct reply *reply)
{
	struct registry *registry = &session->service->lender->registry;
	struct buffer *buffer = registry_find(registry, cpu->buffer_id);
	uint64_t end;

	if (!buffer || cpu->token == 0 || buffer->object->token != cpu->token) {
		reply_error(reply, session->serial, CONTIG_MSG_R_NO_BUFFER,
			    "there is no buffer %llu with this token",
			    (unsigned long long)cpu->buffer_id);
		return NULL;
	}
	if (__builtin_add_overflow(cpu->offset_bytes, cpu->length_bytes, &end) ||
	    end > buffer_bytes(buffer)) {
		reply_error(reply, session->serial, CONTIG_MSG_R_ARGUMENT,
			    "%llu bytes at offset %llu are not within the "
			    "buffer's %llu",
			    (unsigned long long)cpu->length_bytes,
			    (unsigned long long)cpu->offset_bytes,
			    (unsigned long long)buffer_bytes(buffer));
		return NULL;
	}
	return buffer;
}

enum request_outcome request_cpu(struct session *session,
				 const union message *request,
				 struct reply *reply)
{
	const struct contig_msg_cpu *cpu = &request->cpu;
	bool begin = cpu->header.opcode == CONTIG_MSG_CPU_BEGIN;
	struct buffer *buffer = find_buffer(session, cpu, reply);
	const struct bounce what = {
		.direction = begin ? BOUNCE_TO_CLIENT : BOUNCE_FROM_CLIENT,
		.offset_bytes = cpu->offset_bytes,
		.length_bytes = cpu->length_bytes,
		.done = on_copied,
		.data = session,
	};

	if (!buffer)
		return REQUEST_ANSWERED;
	if (buffer->region->memory->cpu_access != CONTIG_MSG_CPU_BOUNCE ||
	    (!begin && !(cpu->flags & CONTIG_MSG_WRITE))) {
		reply_begin(reply, session->opcode, session->serial);
		return REQUEST_ANSWERED;
	}
	session->bounce = lender_bounce(session->service->lender, buffer, &what);
	if (!session->bounce) {
		reply_error(reply, session->serial, CONTIG_MSG_R_RESOURCE,
			    "the daemon is out of memory");
		return REQUEST_ANSWERED;
	}
	session->waiting = true;
	return REQUEST_WAITS;
}

void request_cpu_resume(struct session *session, struct reply *reply)
{
	session->bounce =
		lender_bounce_free(session->service->lender, session->bounce);
	if (session->result < 0)
		reply_error(reply, session->serial, CONTIG_MSG_R_BACKEND,
			    "the copy failed: %s", strerror(-session->result));
	else
		reply_begin(reply, session->opcode, session->serial);
}
