/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/buffers.h"
#include "tools/command.h"
#include "tools/complain.h"
#include "tools/connection.h"
#include "tools/facts.h"
#include "tools/order.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/parse.h"

/*
 * contigctl alloc: borrows buffers, tells of them, and holds them until it is
 * interrupted or its time is over.  There is nothing to clean up then: the
 * memory goes back because nobody holds it any more, however this ends.
 *
 * What is printed is flushed before holding, so that a script can read the
 * line and know that the memory is there.  The signals that end the holding
 * are blocked before that line is out: who has read it may send one at once
 * and gets an ordinary exit.
 */

struct holding {
	struct contig_buffer **buffers;
	size_t n_buffers;
};

static void holding_deinit(struct holding *holding)
{
	for (size_t i = 0; i < holding->n_buffers; i++)
		(void)contig_release(holding->buffers[i]);
	free(holding->buffers);
}

static int parse_line(struct invocation *invocation, struct order *order,
		      struct contig_request *wanted)
{
	const struct option_row rows[] = {
		{'c', "count", OPTION_NUMBER, &order->count, "N",
		 "that many equal buffers, all or none; default 1"},
		{'a', "align", OPTION_SIZE, &order->align_bytes, "A",
		 "address a multiple of A, a power of two"},
		{'m', "max-address", OPTION_NUMBER, &order->max_phys, "A",
		 "no byte above address A, as a device's DMA mask"},
		{'\0', "boundary", OPTION_SIZE, &order->boundary_bytes, "B",
		 "no multiple of B, a power of two, inside a buffer"},
		{'\0', "require", OPTION_TEXT, &order->require, "LIST",
		 "memory must be all of contiguous, isolated, dma-buf,\n"
		 "cached, phys-known"},
		{'R', "region", OPTION_TEXT, &order->region, "R",
		 "from this region and no other"},
		{'N', "name", OPTION_TEXT, &order->name, "S",
		 "name of the buffers, for lists"},
		{'H', "hold", OPTION_TEXT, &order->hold, "SECONDS",
		 "return after that time; default: hold until\n"
		 "interrupted (SIGINT, SIGTERM, SIGHUP)"},
	};
	struct error why = ERROR_INIT;

	if (!command_parse(invocation, rows, sizeof(rows) / sizeof(*rows)) ||
	    !command_takes_arguments(invocation, 1))
		return -EINVAL;
	if (invocation->argc == 0)
		error_write(&why, "SIZE is missing");
	else if (parse_size(invocation->argv[0], &order->size_bytes, &why) < 0)
		error_write_prefix(&why, "SIZE");
	else if (order_check(order, wanted, &why) == 0)
		return 0;
	invocation->status = command_usage(invocation, "%s", why.text);
	return -EINVAL;
}

static int allocate(struct contig *contig, const struct order *order,
		    const struct contig_request *wanted, struct holding *holding)
{
	struct contig_failure failure = {0};
	char size[FORMAT_SIZE_BYTES];
	int r;

	holding->buffers = calloc(order->count, sizeof(*holding->buffers));
	if (!holding->buffers)
		return connection_failed("allocate", -ENOMEM);
	r = contig_alloc_many(contig, wanted, order->count, holding->buffers,
			      &failure);
	if (r == 0) {
		holding->n_buffers = order->count;
		return EXIT_SUCCESS;
	}
	format_size(size, wanted->size_bytes);
	if (order->count == 1)
		complain("cannot allocate %s: %s", size,
			 *failure.text ? failure.text : strerror(-r));
	else
		complain("cannot allocate %" PRIu64 " buffers of %s: %s",
			 order->count, size,
			 *failure.text ? failure.text : strerror(-r));
	return EXIT_FAILURE;
}

static int tell(const struct invocation *invocation,
		const struct holding *holding)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	for (size_t i = 0; i < holding->n_buffers; i++) {
		struct contig_buffer_info info;
		int r;

		contig_info(holding->buffers[i], &info);
		r = buffer_facts(array, &info);
		if (r < 0)
			return connection_failed("tell what is held", r);
	}
	return command_print_list(invocation, "buffers", array);
}

static void endings(sigset_t *signals)
{
	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGHUP);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Waits for one of the signals; with seconds no longer than those.  A wait may
 * be cut short without either, for instance by SIGSTOP and SIGCONT. */
static void hold(const char *seconds)
{
	uint64_t hold_ns = 0, end_ns = now_ns();
	sigset_t signals;

	endings(&signals);
	if (!seconds) {
		while (sigwaitinfo(&signals, NULL) < 0 && errno == EINTR)
			;
		return;
	}
	(void)order_parse_hold(seconds, &hold_ns, NULL); /* checked before */
	end_ns += hold_ns;
	for (uint64_t now = now_ns(); now < end_ns; now = now_ns()) {
		struct timespec left = {
			.tv_sec = (time_t)((end_ns - now) / 1000000000),
			.tv_nsec = (long)((end_ns - now) % 1000000000),
		};

		if (sigtimedwait(&signals, NULL, &left) >= 0)
			return;
	}
}

static int run(struct invocation *invocation)
{
	_cleanup_contig_ struct contig *contig = NULL;
	_cleanup_(holding_deinit) struct holding holding = {NULL, 0};
	struct order order = ORDER_INIT;
	struct contig_request wanted;
	sigset_t signals;
	int status;

	if (parse_line(invocation, &order, &wanted) < 0)
		return invocation->status;
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	status = allocate(contig, &order, &wanted, &holding);
	if (status != EXIT_SUCCESS)
		return status;
	endings(&signals);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	status = tell(invocation, &holding);
	if (status == EXIT_SUCCESS)
		hold(order.hold);
	return status;
}

const struct command command_alloc = {
	.name = "alloc",
	.arguments = "SIZE",
	.summary = "Borrow buffers and hold them",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = buffer_columns,
	.run = run,
};
