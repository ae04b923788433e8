/* SPDX-License-Identifier: MIT */
#include "tests/stage.h"

#include <string.h>

#include "proto/validate.h"
#include "tests/harness.h"
#include "util/log.h"

/*
 * What server.c and client.c do around a request, as far as it goes without a
 * connection.
 */

void stage_init(struct stage *stage)
{
	log_set_level(0);
	memset(stage, 0, sizeof(*stage));
	stage->reply.message = &stage->answer;
	config_init(&stage->config);
	policy_init(&stage->policy, &stage->config, STAGE_OWN_UID);
	ck_assert_int_eq(loop_new(&stage->loop), 0);
	ck_assert_int_eq(lender_new(&stage->lender, stage->loop), 0);
	service_init(&stage->service, stage->lender, &stage->policy);
}

void stage_deinit(struct stage *stage)
{
	ck_assert_uint_eq(stage->service.n_sessions, 0);
	stage->lender = lender_free(stage->lender);
	stage->loop = loop_free(stage->loop);
	config_deinit(&stage->config);
}

void stage_add_region(struct stage *stage, struct region *region)
{
	region->dirt.ticketp = &stage->lender->ticket;
	ck_assert_int_eq(lender_add_region_consume(stage->lender, region), 0);
}

static void ready(void *data)
{
	struct stage *stage = data;

	stage->n_ready++;
}

struct session *stage_connect(struct stage *stage, uint32_t uid)
{
	struct credentials credentials = {
		.uid = uid,
		.gid = STAGE_GID,
		.pid = 7,
	};
	struct session *session;

	ck_assert_int_eq(session_new_consume(&session, &stage->service,
					     &credentials, ready, stage),
			 0);
	session->greeted = true;
	return session;
}

void stage_disconnect(struct session **sessionp)
{
	if (*sessionp)
		*sessionp = session_free(*sessionp);
}

void stage_prepare(struct stage *stage, uint16_t opcode)
{
	uint32_t size = form_find(opcode)->request_bytes;

	memset(&stage->request, 0, size);
	stage->request.header.size = size;
	stage->request.header.opcode = opcode;
	stage->request.header.serial = STAGE_SERIAL;
}

enum request_outcome stage_handle(struct stage *stage, struct session *session)
{
	return request_handle(session, &stage->request,
			      stage->request.header.size, &stage->reply);
}

void stage_wait_for(struct stage *stage, struct session *session)
{
	while (!session_has_answer(session))
		ck_assert_int_eq(loop_turn(stage->loop, true), 0);
	request_resume(session, &stage->reply);
}

void stage_expect_reply(const struct stage *stage)
{
	const union message *answer = &stage->answer;
	struct error why = ERROR_INIT;

	ck_assert_msg(answer->header.opcode ==
			      (stage->request.header.opcode | CONTIG_MSG_REPLY),
		      "%s",
		      answer->header.opcode == CONTIG_MSG_ERROR
			      ? answer->error.text
			      : "another answer");
	ck_assert_uint_eq(answer->header.serial, STAGE_SERIAL);
	ck_assert_msg(validate_reply(answer, stage->reply.size_bytes,
				     stage->reply.n_fds, &why) == 0,
		      "%s", why.text);
}

void stage_expect_error(const struct stage *stage, uint32_t reason)
{
	ck_assert_uint_eq(stage->answer.header.opcode, CONTIG_MSG_ERROR);
	ck_assert_uint_eq(stage->answer.error.reason, reason);
	ck_assert_uint_eq(stage->answer.header.serial, STAGE_SERIAL);
}
