/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include <stdint.h>

#include "config/configuration.h"
#include "daemon/lender.h"
#include "daemon/loop.h"
#include "daemon/policy.h"
#include "daemon/region.h"
#include "daemon/reply.h"
#include "daemon/request.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "proto/form.h"

#define STAGE_OWN_UID 999 /* the daemon's: an administrator */
#define STAGE_GID     50  /* of everybody */
#define STAGE_SERIAL  5	  /* of every request */

/* The daemon without sockets: sessions that make requests, and whose answers
 * are judged as the library would judge them. */
struct stage {
	struct loop *loop;
	struct lender *lender;
	struct configuration config; /* the default one */
	struct policy policy;
	struct service service;
	int n_ready; /* how often session_fn was called */

	union message request;
	union message answer;
	struct reply reply; /* which is the answer */
};

/* Nothing is logged from then on. */
void stage_init(struct stage *stage);
/* Every session must have ended. */
void stage_deinit(struct stage *stage);
void stage_add_region(struct stage *stage, struct region *region);

/* A session that has said HELLO. */
struct session *stage_connect(struct stage *stage, uint32_t uid);
/* Ends it where it has not ended yet. */
void stage_disconnect(struct session **sessionp);

/* Begins a request, of zeroes. */
void stage_prepare(struct stage *stage, uint16_t opcode);
enum request_outcome stage_handle(struct stage *stage, struct session *session);
/* Waits for an answer that was not ready at once. */
void stage_wait_for(struct stage *stage, struct session *session);

/* The answer must be one to the request, and sound. */
void stage_expect_reply(const struct stage *stage);
void stage_expect_error(const struct stage *stage, uint32_t reason);

#endif
