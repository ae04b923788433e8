/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/stage.h"

/*
 * A daemon serves, and each allocation and system call that it makes for it
 * fails once.
 */

static struct stage stage;

static void before(void)
{
	stage_init(&stage, false);
}

static void after(void)
{
	stage_deinit(&stage);
}

static void sweep(const char *name,
		  enum sweep_end (*act)(void *data, struct error *why))
{
	const struct sweep what = {
		.name = name,
		.faults = &stage.faults,
		.renew = stage_renew,
		.act = act,
		.judge = stage_judge,
		.measure = stage_measure,
		.show = stage_show,
		.data = &stage,
	};

	ck_assert_uint_eq(sweep_run(&what), 0);
}

static struct contig *open_connection(struct stage_script *script)
{
	struct contig *contig;
	int r;

	do
		r = contig_open(&contig, stage.supervisor.socket);
	while (!stage_note(script, "contig_open", r, NULL) && !script->is_wrong);
	return r == 0 ? contig : NULL;
}

/* ---- lending -------------------------------------------------------------- */

#define TOGETHER 3

static size_t alloc(struct stage_script *script, struct contig *contig,
		    const char *region, size_t n, struct contig_buffer **buffers)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {.error = 0};
	int r;

	request.size_bytes = 10000;
	request.region = region;
	request.name = "test";
	r = contig_alloc_many(contig, &request, n, buffers, &failure);
	return stage_note(script, "contig_alloc", r, &failure) ? n : 0;
}

static void ask_about(struct stage_script *script, struct contig *contig,
		      const struct contig_buffer *buffer)
{
	struct contig_buffer_info info;
	struct contig_buffer *again;
	int r;

	r = contig_describe(contig, contig_fd(buffer), &info);
	(void)stage_note(script, "contig_describe", r, NULL);
	r = contig_import(contig, contig_fd(buffer), &again);
	if (stage_note(script, "contig_import", r, NULL))
		(void)contig_release(again);
}

static void list_all(struct stage_script *script, struct contig *contig)
{
	struct contig_backend_info *backends = NULL;
	struct contig_region_info *regions = NULL;
	struct contig_buffer_info *buffers = NULL;
	struct contig_client_info *clients = NULL;
	struct contig_status status;
	size_t n;

	(void)stage_note(script, "contig_get_status",
			 contig_get_status(contig, &status), NULL);
	(void)stage_note(script, "contig_list_backends",
			 contig_list_backends(contig, &backends, &n), NULL);
	(void)stage_note(script, "contig_list_regions",
			 contig_list_regions(contig, &regions, &n), NULL);
	(void)stage_note(script, "contig_list_buffers",
			 contig_list_buffers(contig, &buffers, &n), NULL);
	(void)stage_note(script, "contig_list_clients",
			 contig_list_clients(contig, &clients, &n), NULL);
	free(backends);
	free(regions);
	free(buffers);
	free(clients);
}

static void look_at(struct stage_script *script, struct contig *contig,
		    const char *region)
{
	struct contig_damage *damages = NULL;
	struct contig_check_result result;
	struct contig_cell cells[10];
	size_t n = 10;

	(void)stage_note(script, "contig_occupancy",
			 contig_occupancy(contig, region, cells, &n, NULL),
			 NULL);
	(void)stage_note(script, "contig_check",
			 contig_check(contig, region, &result, &damages, &n),
			 NULL);
	free(damages);
}

static enum sweep_end lend(void *data, struct error *why)
{
	struct stage_script script = {.stage = data, .why = why};
	struct contig_buffer *buffers[1 + TOGETHER] = {NULL};
	struct contig *contig = open_connection(&script);
	size_t n = 0;

	if (contig) {
		n += alloc(&script, contig, NULL, 1, buffers);
		n += alloc(&script, contig, "guarded", TOGETHER, buffers + n);
		if (n > 0)
			ask_about(&script, contig, buffers[0]);
		list_all(&script, contig);
		look_at(&script, contig, "guarded");
	}
	while (n > 0)
		(void)contig_release(buffers[--n]);
	(void)contig_close(contig);
	return stage_end(&script);
}

START_TEST(while_it_lends)
{
	sweep("lending", lend);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults_service");
	TCase *tcase = harness_case(suite, "faults_service");

	if (access(".libs/libfaults.so", R_OK) != 0)
		harness_skip("no libraries for preloading were built");
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, while_it_lends);
	return harness_run(suite);
}
