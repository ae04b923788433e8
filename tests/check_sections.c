/* SPDX-License-Identifier: MIT */
#include "config/sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "tests/harness.h"
#include "util/cleanup.h"

#define _cleanup_config_ _cleanup_(config_deinit)

static void append_complaint(void *data, const char *text)
{
	char *all = data;

	(void)strcat(strcat(all, text), "\n");
}

/* Reads text, called "f"; the complaints must be these. */
static void read_text(struct configuration *config, const char *text,
		      const char *complaints)
{
	_cleanup_free_ char *copy = strdup(text);
	const struct sections_file file = {
		.path = "f",
		.text = copy,
		.len = strlen(text),
	};
	char seen[1024] = "";
	int n = 0, r;

	ck_assert_ptr_nonnull(copy);
	config_init(config);
	r = sections_read(config, &file, append_complaint, seen);
	ck_assert_str_eq(seen, complaints);
	for (const char *c = seen; *c; c++)
		n += *c == '\n';
	ck_assert_int_eq(r, n);
}

START_TEST(empty)
{
	_cleanup_config_ struct configuration config;

	read_text(&config, "", "");
	ck_assert_uint_eq(config.n_regions, 0);
}
END_TEST

/* A section may stand several times; what it says adds up. */
START_TEST(again)
{
	_cleanup_config_ struct configuration config;

	read_text(&config,
		  "[daemon]\nsocket=/a\n[access]\nphys=1\n[daemon]\n"
		  "log-level=err\n[access]\nphys=2\nphys=3\n",
		  "");
	ck_assert_str_eq(config.socket, "/a");
	ck_assert_int_eq(config.log_level, LOG_LEVEL_ERR);
	ck_assert_uint_eq(config.access.rights[CONFIG_PHYS].n_uids, 3);
}
END_TEST

/* A region with anything wrong in it is left out, and its name is free. */
START_TEST(wrong_region)
{
	_cleanup_config_ struct configuration config;

	read_text(&config,
		  "[simulate a]\nsize=4K\ngranul=4K\n[simulate a]\nsize=8K\n"
		  "[region\tb]\nadopt\n",
		  "f:3: unknown key 'granul'\n"
		  "f:7: neither [section] nor key = value\n");
	ck_assert_uint_eq(config.n_regions, 1);
	ck_assert_uint_eq(config.regions[0].size_bytes, 8192);
	ck_assert_uint_eq(config.regions[0].line, 4);
}
END_TEST

/* A wrong entry of a list gives nobody anything, and takes no region away. */
START_TEST(wrong_entries)
{
	_cleanup_config_ struct configuration config;
	const struct config_region *region;

	read_text(&config,
		  "[simulate a]\nsize=4M\nuse=1000,no-such-user-here\n"
		  "reserve=1000:1M,oops\nadmin=\n",
		  "f:3: there is no user 'no-such-user-here'\n"
		  "f:4: 'oops' is not NAME:SIZE\n");
	ck_assert_uint_eq(config.n_regions, 1);
	region = &config.regions[0];
	ck_assert_uint_eq(region->access.rights[CONFIG_USE].n_uids, 1);
	ck_assert_uint_eq(region->access.rights[CONFIG_USE].line, 3);
	ck_assert(region->access.rights[CONFIG_ADMIN].given);
	ck_assert_uint_eq(region->reservations.n, 1);
	ck_assert_uint_eq(region->reservations.items[0].line, 4);
	ck_assert_str_eq(config.file, "f");
}
END_TEST

START_TEST(quotas)
{
	_cleanup_config_ struct configuration config;

	read_text(&config,
		  "[quota *]\nbytes=1M\nbyte=2M\n[quota]\nbytes=3M\n"
		  "[quota no-such-user-here]\nbytes=4M\n[quota *]\nbytes=5M\n"
		  "[quota 1000]\nuse=1\nbuffers=x\n",
		  "f:3: unknown key 'byte'\n"
		  "f:4: the name is missing\n"
		  "f:6: there is no user 'no-such-user-here'\n"
		  "f:8: there is a quota of '*' already, from line 1\n"
		  "f:11: unknown key 'use'\n"
		  "f:12: buffers is 0 now: 'x' is not a number\n");
	ck_assert_uint_eq(config.n_quotas, 2);
	ck_assert_uint_eq(config.quotas[0].limits[CONFIG_BYTES].value, 1 << 20);
	ck_assert_uint_eq(config.quotas[1].limits[CONFIG_BUFFERS].line, 12);
	ck_assert_uint_eq(config.quotas[1].limits[CONFIG_BUFFERS].value, 0);
}
END_TEST

/* Lists of rights stand where they mean something, and nowhere else. */
START_TEST(lists_elsewhere)
{
	_cleanup_config_ struct configuration config;

	read_text(&config, "[daemon]\nuse=1\n[access]\nreserve=1:1\n",
		  "f:2: unknown key 'use'\nf:4: unknown key 'reserve'\n");
	ck_assert(!config.access.rights[CONFIG_USE].given);
}
END_TEST

/* What is wrong elsewhere does not take a region with it. */
START_TEST(wrong_elsewhere)
{
	_cleanup_config_ struct configuration config;

	read_text(&config, "junk\n[daemon]\njunk\n[region a]\n",
		  "f:1: neither [section] nor key = value\n"
		  "f:3: neither [section] nor key = value\n");
	ck_assert_uint_eq(config.n_regions, 1);
}
END_TEST

START_TEST(socket_length)
{
	const int limit = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	struct configuration config;
	char text[256];

	(void)snprintf(text, sizeof(text), "[daemon]\nsocket=/%0*d", limit - 2,
		       0);
	read_text(&config, text, "");
	ck_assert_uint_eq(strlen(config.socket), limit - 1);
	config_deinit(&config);
	(void)snprintf(text, sizeof(text), "[daemon]\nsocket=/%0*d", limit - 1,
		       0);
	read_text(&config, text,
		  "f:2: socket: '/00000000000000000000000000000000000000000000"
		  "0000000000000000000...' is longer than the 107 bytes that a "
		  "socket's path may have\n");
	ck_assert_ptr_null(config.socket);
	config_deinit(&config);
}
END_TEST

/* The command line's regions have no line to speak of. */
START_TEST(name_from_command_line)
{
	_cleanup_config_ struct configuration config;
	char text[] = "[region a]", seen[256] = "";
	const struct sections_file file = {
		.path = "f",
		.text = text,
		.len = strlen(text),
	};

	config_init(&config);
	ck_assert_int_eq(config_add_simulated(&config, "a=4K", NULL), 0);
	ck_assert_int_eq(sections_read(&config, &file, append_complaint, seen),
			 1);
	ck_assert_str_eq(seen, "f:1: there is a region 'a' already\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sections");
	TCase *tcase = harness_case(suite, "sections");

	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, again);
	tcase_add_test(tcase, wrong_region);
	tcase_add_test(tcase, wrong_entries);
	tcase_add_test(tcase, quotas);
	tcase_add_test(tcase, lists_elsewhere);
	tcase_add_test(tcase, wrong_elsewhere);
	tcase_add_test(tcase, socket_length);
	tcase_add_test(tcase, name_from_command_line);
	return harness_run(suite);
}
