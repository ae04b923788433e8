/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/sections.h"
#include "daemon/client.h"
#include "daemon/region.h"
#include "daemon/setup.h"
#include "daemon/usable.h"
#include "tests/fuzz/fuzz.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * Set up as main.c does it, without a process of its own: the fuzzer sees which
 * way every byte takes, and afterwards the daemon's books lie open.
 *
 * Each input gets a stage of its own.  That costs a thread and some descriptors
 * each time, but buffers and connections are numbered alike in every run, so
 * an input that breaks something does so again.
 *
 * Connections do not come through a listener, which would take the uid of this
 * process: they are socket pairs, admitted with a uid of the target's choice.
 */

#define MAX_FILES     4096
#define BOUNCED_BASE  4096
#define BOUNCED_BYTES (64 * 4096)
#define LIMIT_MS      20000

static const char configuration[] = "[access]\n"
				    "phys = 1001, 1002\n"
				    "admin = 1002\n"
				    "[quota *]\n"
				    "connections = 3\n"
				    "buffers = 90\n"
				    "bytes = 7M\n"
				    "[quota 1002]\n"
				    "bytes = unlimited\n"
				    "[simulate test]\n"
				    "size = 8M\n"
				    "granule = 4K\n"
				    "reserve = 1001:1M\n"
				    "[simulate coarse]\n"
				    "size = 1M\n"
				    "granule = 64K\n"
				    "use = 1001, 1002\n"
				    "guard = 64K\n";

static void refuse_complaint(void *data, const char *text)
{
	(void)data;
	(void)fprintf(stderr, "%s\n", text);
	fuzz_assert(!"the configuration is right");
}

static void configure(struct stage *stage)
{
	char text[sizeof(configuration)];
	const struct sections_file file = {
		.path = "stage",
		.text = text,
		.len = sizeof(text) - 1,
	};

	memcpy(text, configuration, sizeof(text));
	config_init(&stage->config);
	fuzz_assert(sections_read(&stage->config, &file, refuse_complaint,
				  NULL) == 0);
}

static void make_regions(struct stage *stage)
{
	const struct tract_description bounced = {
		.name = "bounced",
		.backend = "devmem",
		.public_base = true,
		.memory.base = BOUNCED_BASE,
		.memory.size_bytes = BOUNCED_BYTES,
		.memory.granule_bytes = 4096,
	};
	struct setup setup;

	stage->mem_fd = memfd_create("mem", MFD_CLOEXEC);
	fuzz_assert(stage->mem_fd >= 0);
	fuzz_assert(ftruncate(stage->mem_fd, BOUNCED_BASE + BOUNCED_BYTES) == 0);
	(void)snprintf(stage->mem_path, sizeof(stage->mem_path),
		       "/proc/self/fd/%d", stage->mem_fd);
	stage->options.devmem_path = stage->mem_path;
	stage->options.udmabuf_path = "/nonexistent";
	probes_run(&stage->service.probes, &stage->options);
	setup_init(&setup, &stage->config, &stage->options,
		   &stage->service.probes);
	setup_configured(&setup);
	fuzz_assert(setup_add(&setup, &bounced));
	setup_open(&setup);
	setup_make_regions(&setup, stage->lender);
	setup_deinit(&setup);
}

void stage_init(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	log_set_level(0);
	configure(stage);
	policy_init(&stage->policy, &stage->config, 0);
	fuzz_assert(loop_new(&stage->loop) == 0);
	fuzz_assert(lender_new(&stage->lender, stage->loop) == 0);
	service_init(&stage->service, stage->lender, &stage->policy);
	make_regions(stage);
	stage->listen_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz_assert(stage->listen_fd >= 0);
	fuzz_assert(server_new(&stage->server, stage->loop, &stage->service,
			       stage->listen_fd, MAX_FILES) == 0);
}

void stage_deinit(struct stage *stage)
{
	stage->server = server_free(stage->server);
	stage->lender = lender_free(stage->lender);
	stage->loop = loop_free(stage->loop);
	stage->listen_fd = fd_close(stage->listen_fd);
	stage->mem_fd = fd_close(stage->mem_fd);
	config_deinit(&stage->config);
}

int stage_connect(struct stage *stage, uint32_t uid)
{
	struct credentials credentials = {.uid = uid, .gid = uid, .pid = 1};
	struct client *client;
	int pair[2];

	fuzz_assert(socketpair(AF_UNIX,
			       SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			       pair) == 0);
	fuzz_assert(client_new_consume(&client, stage->server, pair[1],
				       &credentials) == 0);
	turns_add(&stage->server->turns, &client->turn);
	return pair[0];
}

void stage_turn(struct stage *stage)
{
	fuzz_assert(loop_turn(stage->loop, false) == 0);
}

/* Buffers on their way back are in no list but that of their region, and
 * connections are charged until they are closed, which may be beside the loop. */
static bool is_empty(const struct stage *stage)
{
	const struct lender *lender = stage->lender;
	const struct region *region;

	list_for_each (region, &lender->regions, link)
		if (region->n_buffers > 0)
			return false;
	return stage->server->n_clients == 0 &&
	       stage->server->closer.n_hang_ups == 0 &&
	       list_empty(&lender->bounces) &&
	       list_empty(&lender->warden.patrols);
}

static void expect_region_free(const struct region *region)
{
	fuzz_assert(region->lent_bytes == 0);
	fuzz_assert(region->draining_bytes == 0);
	fuzz_assert(region_free_bytes(region) == region_size_bytes(region));
}

void stage_expect_empty(struct stage *stage)
{
	uint64_t limit = clock_ms() + LIMIT_MS;
	const struct region *region;

	for (int i = 0; !is_empty(stage); i++) {
		fuzz_assert(loop_turn(stage->loop, i >= 32) == 0);
		fuzz_assert(clock_ms() < limit);
	}
	fuzz_assert(stage->lender->registry.n_buffers == 0);
	fuzz_assert(list_empty(&stage->lender->parked));
	fuzz_assert(stage->service.n_sessions == 0);
	fuzz_assert(RB_EMPTY(&stage->lender->accounts.tree));
	list_for_each (region, &stage->lender->regions, link)
		expect_region_free(region);
}
