/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_STAGE_H
#define TESTS_FUZZ_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/configuration.h"
#include "daemon/lender.h"
#include "daemon/loop.h"
#include "daemon/policy.h"
#include "daemon/server.h"
#include "daemon/service.h"

/*
 * The daemon's own loop, lender, policy, service and server in this process,
 * with simulated memory and with bounced memory whose /dev/mem is a memfd.
 */
struct stage {
	struct configuration config;
	struct policy policy;
	struct service service;
	struct backend_options options;
	struct loop *loop;
	struct lender *lender;
	struct server *server;
	int listen_fd; /* on which nothing ever comes */
	int mem_fd;
	char mem_path[32];
};

/* Users: nobody in particular, and those with rights. */
#define STAGE_PLAIN_UID 1000
#define STAGE_PHYS_UID	1001
#define STAGE_ADMIN_UID 1002

void stage_init(struct stage *stage);
/* Everybody must have gone and let go of everything.  Then nothing is lent any
 * more, and all memory is free; waits for that as long as it takes. */
void stage_expect_empty(struct stage *stage);
void stage_deinit(struct stage *stage);

/* One end of a connection of that user; the other one is the server's. */
int stage_connect(struct stage *stage, uint32_t uid);

/* Lets the daemon do what it can do now. */
void stage_turn(struct stage *stage);

#endif
