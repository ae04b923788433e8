/* SPDX-License-Identifier: MIT */
#include "config/configuration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/sections.h"
#include "tests/harness.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * Whole files, each named after what is wrong with it.  A file says itself, in
 * lines that begin with ";! ", which complaints it must draw, all of them and
 * in this order; whatever is wrong with it, the region "good" is the one that
 * must come out of it.
 */

#define _cleanup_config_ _cleanup_(config_deinit)

static const char *const defects[] = {
	"bad-heading",	  "bad-name",
	"bad-value",	  "byte-order-mark-and-crlf",
	"duplicate-key",  "duplicate-name",
	"line-too-long",  "missing-size",
	"no-equals-sign", "no-section",
	"nul-byte",	  "uneven-size",
	"unknown-key",	  "unknown-section",
	"unknown-user",
};

#define N_DEFECTS ((int)(sizeof(defects) / sizeof(*defects)))

struct complaints {
	char text[4096]; /* "LINE: REASON\n" each */
	int n;
	const char *path;
};

static void handle_complaint(void *data, const char *text)
{
	struct complaints *complaints = data;
	size_t len = strlen(complaints->text);
	size_t path_len = strlen(complaints->path);

	ck_assert_int_eq(strncmp(text, complaints->path, path_len), 0);
	ck_assert_int_eq(text[path_len], ':');
	(void)snprintf(complaints->text + len, sizeof(complaints->text) - len,
		       "%s\n", text + path_len + 1);
	complaints->n++;
}

static const char *source_folder(void)
{
	const char *source = getenv("srcdir");

	return source ? source : ".";
}

static char *fixture_path(const char *name)
{
	char *path;

	ck_assert_int_ge(asprintf(&path, "%s/tests/configuration/%s.conf",
				  source_folder(), name),
			 0);
	return path;
}

/* The complaints that a file says it draws. */
static void expected_complaints(const char *path, char *text, size_t size)
{
	_cleanup_free_ char *content = NULL;
	size_t len;
	char *line, *rest;

	ck_assert_int_eq(fd_read_file(path, 65536, &content, &len), 0);
	text[0] = '\0';
	/* One fixture has a NUL byte: what is expected stands behind it. */
	for (size_t i = 0; i < len; i++)
		if (content[i] == '\0')
			content[i] = ' ';
	rest = content;
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, ";! ", 3) == 0) {
			size_t used = strlen(text);

			(void)snprintf(text + used, size - used, "%s\n",
				       line + 3);
		}
}

START_TEST(defect)
{
	_cleanup_free_ char *path = fixture_path(defects[_i]);
	_cleanup_config_ struct configuration config;
	struct complaints complaints = {.path = path};
	struct error why = ERROR_INIT;
	char expected[4096];
	int r;

	config_init(&config);
	expected_complaints(path, expected, sizeof(expected));
	r = config_read_file(&config, path, handle_complaint, &complaints, &why);
	ck_assert_msg(r >= 0, "%s", why.text);
	ck_assert_str_eq(complaints.text, expected);
	ck_assert_int_eq(r, complaints.n);
	ck_assert_uint_eq(config.n_regions, 1);
	ck_assert_str_eq(config.regions[0].name, "good");
	ck_assert_uint_eq(config.regions[0].size_bytes, 4096);
}
END_TEST

static void read_complete(struct configuration *config)
{
	_cleanup_free_ char *path = fixture_path("complete");
	struct complaints complaints = {.path = path};
	int r = config_read_file(config, path, handle_complaint, &complaints,
				 NULL);

	ck_assert_str_eq(complaints.text, "");
	ck_assert_int_eq(r, 0);
}

START_TEST(complete)
{
	_cleanup_config_ struct configuration config;

	config_init(&config);
	read_complete(&config);
	ck_assert_str_eq(config.socket, "/run/contigd/other.sock");
	ck_assert(config.has_socket_group);
	ck_assert_uint_eq(config.socket_group, 44);
	ck_assert(config.has_user);
	ck_assert_uint_eq(config.user.uid, 0);
	ck_assert_str_eq(config.default_region, "camera");
	ck_assert(config.has_log_level);
	ck_assert_int_eq(config.log_level, LOG_LEVEL_DEBUG);
	ck_assert(config.nothing_ahead);
	ck_assert(config.allow_corrupting_kernel);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].n_uids, 2);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].uids[0], 1000);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].uids[1], 0);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].n_gids, 1);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].gids[0], 44);
	ck_assert_uint_eq(config.access.rights[CONFIG_ADMIN].n_uids, 0);
	ck_assert_uint_eq(config.access.rights[CONFIG_ADMIN].gids[0], 0);
}
END_TEST

START_TEST(complete_regions)
{
	_cleanup_config_ struct configuration config;
	const struct config_region *region;

	config_init(&config);
	read_complete(&config);
	ck_assert_uint_eq(config.n_regions, 6);
	region = &config.regions[0];
	ck_assert_int_eq(region->kind, CONFIG_REGION);
	ck_assert_str_eq(region->name, "camera");
	ck_assert_str_eq(region->node, "camera@90000000");
	ck_assert_str_eq(region->backend, "u_dma_buf");
	ck_assert(!region->adopt);
	ck_assert_uint_eq(region->granule_bytes, 65536);
	ck_assert_uint_eq(region->guard_bytes, 131072);
	ck_assert_uint_eq(region->line, 17);
	ck_assert_str_eq(config.regions[1].name, "isp");
	ck_assert(config.regions[1].adopt);
	ck_assert_ptr_null(config.regions[1].node);
	region = &config.regions[2];
	ck_assert_int_eq(region->kind, CONFIG_POOL);
	ck_assert_uint_eq(region->size_bytes, UINT64_C(256) << 20);
	ck_assert_uint_eq(region->page_bytes, UINT64_C(32) << 20);
	ck_assert_uint_eq(region->granule_bytes, 128 << 10);
	ck_assert_uint_eq(config.regions[3].page_bytes, 2 << 20);
	ck_assert_uint_eq(config.regions[3].guard_bytes, 0);
	region = &config.regions[4];
	ck_assert_int_eq(region->kind, CONFIG_SIMULATE);
	ck_assert_uint_eq(region->granule_bytes, 4096);
	ck_assert_uint_eq(region->access.rights[CONFIG_USE].gids[0], 44);
	ck_assert_uint_eq(region->access.rights[CONFIG_USE].uids[0], 0);
	ck_assert(region->access.rights[CONFIG_PHYS].given);
	ck_assert_uint_eq(region->access.rights[CONFIG_PHYS].n_uids, 0);
	ck_assert_uint_eq(region->access.rights[CONFIG_ADMIN].uids[0], 1001);
	ck_assert(!config.regions[2].access.rights[CONFIG_USE].given);
	ck_assert_uint_eq(region->reservations.n, 3);
	ck_assert_str_eq(region->reservations.items[1].name, "@44");
	ck_assert_uint_eq(region->reservations.items[2].size_bytes, 4096);
	ck_assert_uint_eq(strlen(config.regions[5].name), 63);
	ck_assert_ptr_eq(config_find_region(&config, "test"), region);
	ck_assert_ptr_null(config_find_region(&config, "tes"));
}
END_TEST

START_TEST(complete_quotas)
{
	_cleanup_config_ struct configuration config;

	config_init(&config);
	read_complete(&config);
	ck_assert_str_eq(config.file, "complete.conf");
	ck_assert(config.access.rights[CONFIG_USE].everybody);
	ck_assert_uint_eq(config.n_quotas, 3);
	ck_assert_int_eq(config.quotas[0].holder, CONFIG_EACH);
	ck_assert_uint_eq(config.quotas[0].limits[CONFIG_BUFFERS].value, 100);
	ck_assert_str_eq(config.quotas[1].name, "root");
	ck_assert_uint_eq(config.quotas[1].limits[CONFIG_BYTES].value,
			  CONFIG_UNLIMITED);
	ck_assert_uint_eq(config.quotas[1].limits[CONFIG_BUFFERS].line, 0);
	ck_assert_int_eq(config.quotas[2].holder, CONFIG_GROUP);
	ck_assert_uint_eq(config.quotas[2].id, 44);
	ck_assert_uint_ne(config.quotas[2].limits[CONFIG_CONNECTIONS].line, 0);
}
END_TEST

START_TEST(on_top)
{
	_cleanup_config_ struct configuration config;

	config_init(&config);
	ck_assert(!config.has_log_level);
	ck_assert_ptr_null(config.socket);
	ck_assert_int_eq(config_add_simulated(&config, "first=4K", NULL), 0);
	read_complete(&config);
	ck_assert_uint_eq(config.n_regions, 7);
	ck_assert_str_eq(config.regions[0].name, "first");
	config_deinit(&config);
	ck_assert_uint_eq(config.n_regions, 0);
	ck_assert_ptr_null(config.socket);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].n_uids, 0);
	read_complete(&config);
}
END_TEST

/* Takes out the "#" of what may be set; what explains keeps it. */
static size_t uncomment(char *text)
{
	size_t n = 0;
	char *to = text;

	for (const char *from = text; *from; from++) {
		bool line_start = from == text || from[-1] == '\n';

		if (line_start && from[0] == '#' && from[1] != ' ' &&
		    from[1] != '\n')
			n++;
		else
			*to++ = *from;
	}
	*to = '\0';
	return n;
}

/* The sample says nothing as it is, and everything right once it is made to
 * speak. */
START_TEST(sample)
{
	_cleanup_config_ struct configuration config;
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct complaints complaints = {.path = ""};
	struct sections_file file;
	size_t len;

	config_init(&config);
	ck_assert_int_ge(asprintf(&path, "%s/config/contigd.conf.sample",
				  source_folder()),
			 0);
	complaints.path = path;
	ck_assert_int_eq(config_read_file(&config, path, handle_complaint,
					  &complaints, NULL),
			 0);
	ck_assert_uint_eq(config.n_regions, 0);
	ck_assert_ptr_null(config.socket);
	ck_assert_int_eq(fd_read_file(path, 65536, &text, &len), 0);
	ck_assert_uint_ge(uncomment(text), 29);
	file = (struct sections_file){path, text, strlen(text)};
	ck_assert_int_eq(
		sections_read(&config, &file, handle_complaint, &complaints),
		0);
	ck_assert_str_eq(complaints.text, "");
	ck_assert_uint_eq(config.n_regions, 3);
	ck_assert_uint_eq(config.n_quotas, 2);
	ck_assert_uint_eq(config.regions[0].reservations.n, 2);
}
END_TEST

START_TEST(unreadable)
{
	_cleanup_config_ struct configuration config;
	struct complaints complaints = {.path = ""};
	struct error why = ERROR_INIT;

	config_init(&config);
	ck_assert_int_eq(config_read_file(&config, "/nowhere/c.conf",
					  handle_complaint, &complaints, &why),
			 -ENOENT);
	ck_assert_str_eq(why.text,
			 "/nowhere/c.conf: No such file or directory");
	ck_assert_int_eq(config_read_file(&config, "/", handle_complaint,
					  &complaints, &why),
			 -EISDIR);
	ck_assert_int_eq(config_read_file(&config, "/dev/zero",
					  handle_complaint, &complaints, &why),
			 -EFBIG);
	ck_assert_int_eq(config_read_file(&config, "/dev/null",
					  handle_complaint, &complaints, &why),
			 0);
	ck_assert_int_eq(complaints.n, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("configuration");
	TCase *tcase = harness_case(suite, "configuration");

	tcase_add_loop_test(tcase, defect, 0, N_DEFECTS);
	tcase_add_test(tcase, complete);
	tcase_add_test(tcase, complete_regions);
	tcase_add_test(tcase, complete_quotas);
	tcase_add_test(tcase, on_top);
	tcase_add_test(tcase, sample);
	tcase_add_test(tcase, unreadable);
	return harness_run(suite);
}
