/* SPDX-License-Identifier: MIT */
#include "tools/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/parse.h"

/*
 * What the other end of standard output can show.  A pipe shows what its
 * reader does, so it gets no escape sequences, and 80 columns unless COLUMNS
 * is exported; a terminal is asked.  NO_COLOR is the convention of
 * no-color.org: any value but the empty one switches colours off.
 */

#define WIDTH_DEFAULT 80
#define WIDTH_MAX     1000 /* beyond that somebody jokes with stty */

static unsigned int width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint32_t value;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
	if (columns && parse_u32(columns, WIDTH_MAX, &value, NULL) == 0 && value)
		return value;
	return WIDTH_DEFAULT;
}

static bool colours(int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fd) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

void terminal_look(int fd, struct picture_style *style)
{
	style->width = width(fd);
	style->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	style->colours = colours(fd);
}
