/* SPDX-License-Identifier: MIT */
#include "daemon/request.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "daemon/request_alloc.h"
#include "daemon/request_check.h"
#include "daemon/request_cpu.h"
#include "daemon/request_list.h"
#include "proto/validate.h"
#include "util/clock.h"
#include "util/log.h"

#include "config.h"

/*
 * From a datagram to its handler.  Form is judged first, by the pure functions
 * that both sides of the wire share, so that handlers see values in range only.
 *
 * A message that is not this protocol ends the connection, here and nowhere
 * else: a client that is wrong about one message is wrong about the next, and
 * its serials can no longer be trusted to match.  A value out of range is
 * merely refused.
 */

typedef enum request_outcome request_fn(struct session *session,
					const union message *request,
					struct reply *reply);

static enum request_outcome handle_hello(struct session *session,
					 const union message *request,
					 struct reply *reply)
{
	const struct contig_msg_hello *hello = &request->hello;

	if (session->greeted) {
		reply_error(reply, session->serial, CONTIG_MSG_R_MALFORMED,
			    "HELLO was said before");
		return REQUEST_ENDS;
	}
	if (hello->version_min > CONTIG_PROTOCOL_VERSION ||
	    hello->version_max < CONTIG_PROTOCOL_VERSION) {
		reply_error(reply, session->serial, CONTIG_MSG_R_VERSION,
			    "the client speaks protocol versions %u to %u, "
			    "the daemon only %u",
			    hello->version_min, hello->version_max,
			    CONTIG_PROTOCOL_VERSION);
		return REQUEST_ENDS;
	}
	session->greeted = true;
	reply_begin(reply, CONTIG_MSG_HELLO, session->serial);
	reply->message->hello_reply.version = CONTIG_PROTOCOL_VERSION;
	return REQUEST_ANSWERED;
}

static enum request_outcome handle_status(struct session *session,
					  const union message *request,
					  struct reply *reply)
{
	const struct service *service = session->service;
	const struct lender *lender = service->lender;
	struct contig_msg_status_reply *status;
	const struct region *region;

	(void)request;
	reply_begin(reply, CONTIG_MSG_STATUS, session->serial);
	status = &reply->message->status_reply;
	static_assert(sizeof(PACKAGE_VERSION) <= sizeof(status->version),
		      "the version fits its field");
	memcpy(status->version, PACKAGE_VERSION, sizeof(PACKAGE_VERSION));
	status->uptime_ms = clock_ms() - service->started_ms;
	list_for_each (region, &lender->regions, link) {
		status->total_bytes += region_size_bytes(region);
		status->free_bytes += region_free_bytes(region);
		status->lent_bytes += region->lent_bytes;
		status->draining_bytes += region->draining_bytes;
		status->dirty_bytes += region->dirt.bytes;
		status->quarantined_bytes += region->quarantined_bytes;
	}
	status->allocations = lender->allocations;
	status->refusals = lender->refusals;
	status->pid = (uint32_t)getpid();
	status->regions = (uint32_t)lender->n_regions;
	status->buffers = (uint32_t)lender->registry.n_buffers;
	status->clients = (uint32_t)service->n_sessions;
	return REQUEST_ANSWERED;
}

/* Only a hint: whoever gives it, the kernel's evidence decides.  A buffer that
 * is not known any more was returned already, which is what was asked for. */
static enum request_outcome handle_release(struct session *session,
					   const union message *request,
					   struct reply *reply)
{
	struct lender *lender = session->service->lender;
	struct buffer *buffer =
		registry_find(&lender->registry, request->release.buffer_id);

	(void)reply;
	if (buffer)
		lender_hint(lender, buffer, session_owns(session, buffer));
	return REQUEST_SILENT;
}

/* By opcode; validate_request() has made sure that there is one. */
static request_fn *const handlers[] = {
	[CONTIG_MSG_HELLO] = handle_hello,
	[CONTIG_MSG_STATUS] = handle_status,
	[CONTIG_MSG_LIST_BACKENDS] = request_list_backends,
	[CONTIG_MSG_LIST_REGIONS] = request_list_regions,
	[CONTIG_MSG_LIST_BUFFERS] = request_list_buffers,
	[CONTIG_MSG_LIST_CLIENTS] = request_list_clients,
	[CONTIG_MSG_OCCUPANCY] = request_occupancy,
	[CONTIG_MSG_ALLOC] = request_alloc,
	[CONTIG_MSG_DESCRIBE] = request_describe,
	[CONTIG_MSG_CPU_BEGIN] = request_cpu,
	[CONTIG_MSG_CPU_END] = request_cpu,
	[CONTIG_MSG_CHECK] = request_check,
	[CONTIG_MSG_RELEASE] = handle_release,
};

static_assert(sizeof(handlers) / sizeof(*handlers) == CONTIG_MSG_RELEASE + 1,
	      "one handler an opcode");

/* A client can do this as often as it likes, so it is not logged that often. */
static void log_fault(const struct session *session, const char *text)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 5);
	const struct log_fields fields = {
		.has_uid = true,
		.uid = session->credentials.uid,
	};

	if (log_ratelimit_pass(&limit))
		log_message(LOG_LEVEL_INFO, &fields,
			    "client of uid %u broke the protocol and was "
			    "disconnected: %s",
			    session->credentials.uid, text);
}

enum request_outcome request_handle(struct session *session,
				    const union message *request,
				    size_t size_bytes, struct reply *reply)
{
	struct error why = ERROR_INIT;
	enum request_outcome outcome;
	int r;

	r = validate_request(request, size_bytes, &why);
	session->serial = size_bytes >= sizeof(request->header)
				  ? request->header.serial
				  : 0;
	if (r == CONTIG_MSG_R_MALFORMED) {
		log_fault(session, why.text);
		reply_error(reply, session->serial, (uint32_t)r, "%s", why.text);
		return REQUEST_ENDS;
	}
	session->opcode = request->header.opcode;
	if (!session->greeted && session->opcode != CONTIG_MSG_HELLO) {
		log_fault(session, "a request came before HELLO");
		reply_error(reply, session->serial, CONTIG_MSG_R_MALFORMED,
			    "HELLO must come first");
		return REQUEST_ENDS;
	}
	if (r) {
		reply_error(reply, session->serial, (uint32_t)r, "%s", why.text);
		return REQUEST_ANSWERED;
	}
	/* an allocation does so where it finds too little */
	if (session->opcode != CONTIG_MSG_ALLOC)
		(void)lender_catch_up(session->service->lender);
	outcome = handlers[session->opcode](session, request, reply);
	if (outcome == REQUEST_WAITS && !session->waiting) {
		request_resume(session, reply); /* it was decided at once */
		outcome = REQUEST_ANSWERED;
	}
	return outcome;
}

void request_resume(struct session *session, struct reply *reply)
{
	if (session->loan)
		request_alloc_resume(session, reply);
	else if (session->patrol)
		request_check_resume(session, reply);
	else
		request_cpu_resume(session, reply);
}

void request_finish(struct session *session)
{
	if (session->loan)
		session->loan = loan_free(session->loan);
}
