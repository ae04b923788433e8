/* SPDX-License-Identifier: MIT */
#include "tools/terminal.h"

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"

/* A pseudo-terminal of our own, and a pipe's end that is none. */

static int terminal_fd = -1, controller_fd = -1, other_fd = -1;

static void setup(void)
{
	controller_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(controller_fd, 0);
	ck_assert_int_eq(grantpt(controller_fd), 0);
	ck_assert_int_eq(unlockpt(controller_fd), 0);
	terminal_fd =
		open(ptsname(controller_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(terminal_fd, 0);
	other_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(other_fd, 0);
	ck_assert_int_eq(unsetenv("COLUMNS"), 0);
	ck_assert_int_eq(unsetenv("NO_COLOR"), 0);
	ck_assert_int_eq(setenv("TERM", "xterm", 1), 0);
}

static void teardown(void)
{
	terminal_fd = fd_close(terminal_fd);
	controller_fd = fd_close(controller_fd);
	other_fd = fd_close(other_fd);
}

static unsigned int width(int fd)
{
	struct picture_style style;

	terminal_look(fd, &style);
	return style.width;
}

static bool colours(int fd)
{
	struct picture_style style;

	terminal_look(fd, &style);
	return style.colours;
}

static void set_width(unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};

	ck_assert_int_eq(ioctl(terminal_fd, TIOCSWINSZ, &size), 0);
}

START_TEST(width_of_a_terminal)
{
	set_width(132);
	ck_assert_uint_eq(width(terminal_fd), 132);
	ck_assert_int_eq(setenv("COLUMNS", "100", 1), 0);
	ck_assert_uint_eq(width(terminal_fd), 132);
	set_width(0); /* a serial line does not know */
	ck_assert_uint_eq(width(terminal_fd), 100);
	set_width(1000);
	ck_assert_uint_eq(width(terminal_fd), 1000);
	set_width(1001);
	ck_assert_uint_eq(width(terminal_fd), 1000);
}
END_TEST

START_TEST(width_of_a_pipe)
{
	ck_assert_uint_eq(width(other_fd), 80);
	ck_assert_int_eq(setenv("COLUMNS", "1000", 1), 0);
	ck_assert_uint_eq(width(other_fd), 1000);
	ck_assert_int_eq(setenv("COLUMNS", "1001", 1), 0);
	ck_assert_uint_eq(width(other_fd), 80);
	ck_assert_int_eq(setenv("COLUMNS", "0", 1), 0);
	ck_assert_uint_eq(width(other_fd), 80);
	ck_assert_int_eq(setenv("COLUMNS", "many", 1), 0);
	ck_assert_uint_eq(width(other_fd), 80);
}
END_TEST

START_TEST(colours_are_for_terminals)
{
	ck_assert(colours(terminal_fd));
	ck_assert(!colours(other_fd));
	ck_assert_int_eq(setenv("NO_COLOR", "", 1), 0);
	ck_assert(colours(terminal_fd));
	ck_assert_int_eq(setenv("NO_COLOR", "0", 1), 0);
	ck_assert(!colours(terminal_fd));
	ck_assert_int_eq(unsetenv("NO_COLOR"), 0);
	ck_assert_int_eq(setenv("TERM", "dumb", 1), 0);
	ck_assert(!colours(terminal_fd));
	ck_assert_int_eq(unsetenv("TERM"), 0);
	ck_assert(!colours(terminal_fd));
}
END_TEST

START_TEST(blocks_need_utf8)
{
	struct picture_style style;

	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C"));
	terminal_look(other_fd, &style);
	ck_assert(!style.unicode);
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return; /* a C library without it: nothing more to see */
	terminal_look(other_fd, &style);
	ck_assert(style.unicode);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("terminal");
	TCase *tcase = harness_case(suite, "terminal");

	if (access("/dev/ptmx", R_OK | W_OK) < 0)
		harness_skip("there are no pseudo-terminals");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, width_of_a_terminal);
	tcase_add_test(tcase, width_of_a_pipe);
	tcase_add_test(tcase, colours_are_for_terminals);
	tcase_add_test(tcase, blocks_need_utf8);
	return harness_run(suite);
}
