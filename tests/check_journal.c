/* SPDX-License-Identifier: MIT */
#include "daemon/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"

static void set_stream(unsigned long long device, unsigned long long inode)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%llu:%llu", device, inode);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", text, 1), 0);
}

START_TEST(connected_is_what_standard_error_is)
{
	struct stat st;

	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	ck_assert(!journal_is_connected());
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	set_stream(st.st_dev, st.st_ino);
	ck_assert(journal_is_connected());
	set_stream(st.st_dev, st.st_ino + 1);
	ck_assert(!journal_is_connected());
	set_stream(st.st_dev + 1, st.st_ino);
	ck_assert(!journal_is_connected());
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "8", 1), 0);
	ck_assert(!journal_is_connected());
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "", 1), 0);
	ck_assert(!journal_is_connected());
}
END_TEST

/* Every field at once and the longest text; with no journal it is dropped. */
START_TEST(sink_takes_everything)
{
	const struct log_fields all = {
		.region = "camera",
		.buffer = "frame",
		.has_uid = true,
		.uid = UINT32_MAX,
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'x';
	text[sizeof(text) - 1] = '\0';
	journal_sink(LOG_LEVEL_ERR, &all, text);
	journal_sink(LOG_LEVEL_DEBUG, NULL, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	/* libsystemd keeps its socket to the journal open */
	TCase *tcase = tcase_create("journal");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, connected_is_what_standard_error_is);
	tcase_add_test(tcase, sink_takes_everything);
	return harness_run(suite);
}
