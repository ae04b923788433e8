/* SPDX-License-Identifier: MIT */
#include "tests/bench/record.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"

/* What was printed is read again by json-c, and its layout as it is written. */

static const struct bench_figure whole = {
	.group = "round trip",
	.name = "allocate, \"median\"\n\\",
	.value = 12.5,
	.unit = "µs",
	.target = 15,
	.peer = "libevent echo",
	.peer_value = 10.25,
};

/* Calls print() with its record, and copies what came to standard output. */
static void printed(void (*print)(const void *), const void *record, char *text,
		    size_t size)
{
	_cleanup_fd_ int file = memfd_create("printed", MFD_CLOEXEC);
	_cleanup_fd_ int before = dup(STDOUT_FILENO);
	ssize_t n;

	ck_assert_int_ge(file, 0);
	ck_assert_int_ge(before, 0);
	(void)fflush(stdout);
	ck_assert_int_eq(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
	print(record);
	/* flushed by the call alone */
	n = pread(file, text, size - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	ck_assert_int_eq(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
}

static void print_figure(const void *record)
{
	record_figure(record);
}

static void print_point(const void *record)
{
	record_point(record);
}

START_TEST(one_line_of_json_has_everything)
{
	char text[512];
	json_object *object, *body, *value;

	printed(print_figure, &whole, text, sizeof(text));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	object = json_tokener_parse(text);
	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(json_object_object_length(object), 1);
	ck_assert(json_object_object_get_ex(object, "figure", &body));
	ck_assert_int_eq(json_object_object_length(body), 8);
	ck_assert(json_object_object_get_ex(body, "name", &value));
	ck_assert_str_eq(json_object_get_string(value), whole.name);
	ck_assert(json_object_object_get_ex(body, "unit", &value));
	ck_assert_str_eq(json_object_get_string(value), "µs");
	ck_assert(json_object_object_get_ex(body, "peer_value", &value));
	ck_assert(json_object_get_double(value) == 10.25);
	ck_assert(json_object_object_get_ex(body, "at_least", &value));
	ck_assert(!json_object_get_boolean(value));
	(void)json_object_put(object);
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
	struct bench_figure figure = {
		.group = "metadata",
		.name = "bits",
		.value = 1.5,
		.unit = "",
		.target = NAN,
		.peer_value = 3,
	};
	char text[512];

	printed(print_figure, &figure, text, sizeof(text));
	ck_assert_str_eq(text, "{\"figure\":{\"group\":\"metadata\",\"name\":"
			       "\"bits\",\"value\":1.5,\"unit\":\"\"}}\n");
	figure.target = 2;
	figure.at_least = true;
	figure.peer = "TLSF";
	figure.peer_value = NAN;
	printed(print_figure, &figure, text, sizeof(text));
	ck_assert_str_eq(text,
			 "{\"figure\":{\"group\":\"metadata\",\"name\":"
			 "\"bits\",\"value\":1.5,\"unit\":\"\",\"target\":2.0,"
			 "\"at_least\":true,\"peer\":\"TLSF\"}}\n");
}
END_TEST

START_TEST(a_point_is_a_line_too)
{
	struct bench_point point = {"sizes", "contigd", 4096, 0.5};
	char text[512];

	printed(print_point, &point, text, sizeof(text));
	ck_assert_str_eq(text, "{\"point\":{\"plot\":\"sizes\",\"series\":"
			       "\"contigd\",\"x\":4096.0,\"y\":0.5}}\n");
}
END_TEST

START_TEST(every_group_is_taken)
{
	char text[512];

	for (size_t i = 0; record_groups[i]; i++) {
		struct bench_figure figure = whole;

		figure.group = record_groups[i];
		printed(print_figure, &figure, text, sizeof(text));
		ck_assert_ptr_nonnull(strstr(text, record_groups[i]));
	}
}
END_TEST

/* Each ends the program with status 1. */
static const struct {
	const char *group, *name;
	double value;
	const char *unit;
	double target;
} wrong[] = {
	{"round  trip", "x", 1, "", NAN}, {NULL, "x", 1, "", NAN},
	{"board", "", 1, "", NAN},	  {"board", "x", NAN, "", NAN},
	{"board", "x", INFINITY, "", 1},  {"board", "x", 1, "", INFINITY},
	{"board", "x", 1, NULL, NAN},
};

START_TEST(a_record_against_the_rules_ends_the_program)
{
	struct bench_figure figure = {
		.group = wrong[_i].group,
		.name = wrong[_i].name,
		.value = wrong[_i].value,
		.unit = wrong[_i].unit,
		.target = wrong[_i].target,
	};

	record_figure(&figure);
	_exit(0);
}
END_TEST

START_TEST(a_record_that_cannot_be_printed_ends_the_program)
{
	ck_assert_ptr_nonnull(freopen("/dev/full", "we", stdout));
	record_figure(&whole);
	_exit(0);
}
END_TEST

START_TEST(quick_is_what_the_environment_says)
{
	ck_assert_int_eq(unsetenv("BENCH_QUICK"), 0);
	ck_assert(!record_is_quick());
	ck_assert_int_eq(setenv("BENCH_QUICK", "0", 1), 0);
	ck_assert(!record_is_quick());
	ck_assert_int_eq(setenv("BENCH_QUICK", "1", 1), 0);
	ck_assert(record_is_quick());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = harness_case(suite, "record");
	TCase *ending = tcase_create("ending");

	tcase_add_test(tcase, one_line_of_json_has_everything);
	tcase_add_test(tcase, what_is_not_known_is_left_out);
	tcase_add_test(tcase, a_point_is_a_line_too);
	tcase_add_test(tcase, every_group_is_taken);
	tcase_add_test(tcase, quick_is_what_the_environment_says);
	suite_add_tcase(suite, ending);
	tcase_add_loop_exit_test(ending,
				 a_record_against_the_rules_ends_the_program, 1,
				 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_exit_test(
		ending, a_record_that_cannot_be_printed_ends_the_program, 1);
	return harness_run(suite);
}
