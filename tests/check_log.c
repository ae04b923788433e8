/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"

/* The log, seen by a sink of our own and, for the default one, by a pipe. */

static struct {
	int count;
	enum log_level level;
	const struct log_fields *fields;
	char text[2048];
} seen;

static void sink(enum log_level level, const struct log_fields *fields,
		 const char *text)
{
	seen.count++;
	seen.level = level;
	seen.fields = fields;
	(void)snprintf(seen.text, sizeof(seen.text), "%s", text);
	errno = EDOM; /* the caller's must survive what a sink does */
}

static void setup(void)
{
	memset(&seen, 0, sizeof(seen));
	log_set_sink(sink);
	log_set_level(LOG_LEVEL_INFO);
}

START_TEST(level_is_a_threshold)
{
	log_debug("dropped");
	ck_assert_int_eq(seen.count, 0);
	log_info("kept %d", 1);
	ck_assert_int_eq(seen.count, 1);
	ck_assert_int_eq(seen.level, LOG_LEVEL_INFO);
	ck_assert_str_eq(seen.text, "kept 1");
	log_set_level(LOG_LEVEL_ERR);
	log_warning("dropped");
	ck_assert_int_eq(seen.count, 1);
	log_err("kept");
	ck_assert_int_eq(seen.level, LOG_LEVEL_ERR);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("kept");
	ck_assert_int_eq(seen.level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(seen.count, 3);
}
END_TEST

START_TEST(level_names)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{"err", LOG_LEVEL_ERR},
		{"warning", LOG_LEVEL_WARNING},
		{"info", LOG_LEVEL_INFO},
		{"debug", LOG_LEVEL_DEBUG},
	};
	enum log_level level;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(log_level_from_name(names[i].name, &level), 0);
		ck_assert_int_eq(level, names[i].level);
	}
	ck_assert_int_eq(log_level_from_name("", &level), -EINVAL);
	ck_assert_int_eq(log_level_from_name("Info", &level), -EINVAL);
	ck_assert_int_eq(log_level_from_name("errr", &level), -EINVAL);
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(fields_reach_the_sink)
{
	struct log_fields fields = {.region = "camera"};

	log_message(LOG_LEVEL_WARNING, &fields, "%s", "x");
	ck_assert_ptr_eq(seen.fields, &fields);
	log_warning("y");
	ck_assert_ptr_null(seen.fields);
}
END_TEST

START_TEST(one_message_is_one_line)
{
	log_info("a\nb\tc\x1b[31m\x7f %s", "\xc3\xa9");
	ck_assert_str_eq(seen.text, "a?b?c?[31m? \xc3\xa9");
}
END_TEST

START_TEST(long_text_is_cut)
{
	char text[1025];

	memset(text, 'a', sizeof(text));
	text[1023] = '\0';
	log_info("%s", text);
	ck_assert_str_eq(seen.text, text);
	text[1023] = 'a';
	text[1024] = '\0';
	log_info("%s", text);
	ck_assert_uint_eq(strlen(seen.text), 1023);
}
END_TEST

START_TEST(errno_survives)
{
	errno = ENOSPC;
	log_info("x");
	ck_assert_int_eq(errno, ENOSPC);
	log_debug("x");
	ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

START_TEST(standard_error_is_the_default)
{
	_cleanup_free_ char *text = NULL;
	int ends[2], saved;
	size_t len;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	log_set_sink(NULL);
	log_set_level(LOG_LEVEL_DEBUG);
	log_err("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	fd_close(saved);
	fd_close(ends[1]);
	ck_assert_int_eq(fd_read_all(ends[0], 4096, &text, &len), 0);
	fd_close(ends[0]);
	ck_assert_str_eq(text, "contigd: err: a\n"
			       "contigd: warning: b\n"
			       "contigd: c\n"
			       "contigd: debug: d\n");
	ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(ratelimit)
{
	/* an interval that no test run outlasts */
	struct log_ratelimit limit = LOG_RATELIMIT_INIT(UINT32_MAX, 3);

	/* the window opens with the first message */
	limit.window_start_ms = UINT64_MAX - UINT32_MAX;
	for (int i = 0; i < 3; i++)
		ck_assert(log_ratelimit_pass(&limit));
	for (int i = 0; i < 5; i++)
		ck_assert(!log_ratelimit_pass(&limit));
	ck_assert_int_eq(seen.count, 0);

	/* as if the interval had passed */
	limit.window_start_ms -= UINT32_MAX;
	ck_assert(log_ratelimit_pass(&limit));
	ck_assert_int_eq(seen.count, 1);
	ck_assert_str_eq(seen.text, "5 similar messages held back");
	ck_assert(log_ratelimit_pass(&limit));
	ck_assert(log_ratelimit_pass(&limit));
	ck_assert(!log_ratelimit_pass(&limit));
	ck_assert_int_eq(seen.count, 1);
}
END_TEST

START_TEST(ratelimit_says_nothing_of_nothing)
{
	struct log_ratelimit limit = LOG_RATELIMIT_INIT(UINT32_MAX, 1);

	limit.window_start_ms = UINT64_MAX - UINT32_MAX;
	ck_assert(log_ratelimit_pass(&limit));
	limit.window_start_ms -= UINT32_MAX;
	ck_assert(log_ratelimit_pass(&limit));
	ck_assert_int_eq(seen.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = harness_case(suite, "log");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, level_is_a_threshold);
	tcase_add_test(tcase, level_names);
	tcase_add_test(tcase, fields_reach_the_sink);
	tcase_add_test(tcase, one_message_is_one_line);
	tcase_add_test(tcase, long_text_is_cut);
	tcase_add_test(tcase, errno_survives);
	tcase_add_test(tcase, standard_error_is_the_default);
	tcase_add_test(tcase, ratelimit);
	tcase_add_test(tcase, ratelimit_says_nothing_of_nothing);
	return harness_run(suite);
}
