/* SPDX-License-Identifier: MIT */
#include "util/broken.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/log.h"

static char seen[512];

static void sink_seen(enum log_level level, const struct log_fields *fields,
		      const char *text)
{
	(void)fields;
	if (level == LOG_LEVEL_ERR)
		strncpy(seen, text, sizeof(seen) - 1);
}

/* Turns the abort into an exit status that depends on the text. */
static void handle_abort(int number)
{
	(void)number;
	_exit(strcmp(seen, "broken invariant: bit 7 is set") == 0 ? 7 : 1);
}

START_TEST(aborts)
{
	broken("nothing");
}
END_TEST

START_TEST(says_what)
{
	log_set_sink(sink_seen);
	(void)signal(SIGABRT, handle_abort);
	broken("bit %d is set", 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broken");
	TCase *tcase = harness_case(suite, "broken");

	tcase_add_test_raise_signal(tcase, aborts, SIGABRT);
	tcase_add_exit_test(tcase, says_what, 7);
	return harness_run(suite);
}
