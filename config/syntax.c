/* SPDX-License-Identifier: MIT */
#include "config/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"

/*
 * Lines, headings and entries of an INI file.  libinih takes the entries apart
 * (separators, blanks, comments), but gets one line at a time and no headings,
 * because of what it does with a whole file:
 *
 * - it tells the line of the first error only, and no line with an entry;
 * - it never mentions a section without entries, and cuts a heading at 49
 *   bytes without a word;
 * - it reads into a buffer of fixed size (200 bytes as Debian builds it) and
 *   takes the rest of a longer line for a line of its own.
 *
 * How large that buffer is, the reader callback is told; a line that does not
 * fit is an error here instead.
 */

/* One line on its way through libinih. */
struct pass {
	const struct syntax_events *events;
	void *data;
	unsigned int line;
	const char *text; /* NULL once it was read */
	size_t limit;	  /* 0, or what the line is too long for */
};

/* As fgets() does, of a file of one line. */
static char *read_line(char *buffer, int size, void *stream)
{
	struct pass *pass = stream;
	size_t len;

	if (!pass->text)
		return NULL;
	len = strlen(pass->text);
	if (len >= (size_t)size) {
		pass->limit = (size_t)size - 1;
		return NULL;
	}
	memcpy(buffer, pass->text, len + 1);
	pass->text = NULL;
	return buffer;
}

static int handle_entry(void *stream, const char *section, const char *key,
			const char *value)
{
	struct pass *pass = stream;

	(void)section;
	pass->events->entry(pass->data, pass->line, key, value);
	return 1;
}

static int read_entry(const struct syntax_events *events, void *data,
		      unsigned int line, const char *text)
{
	struct pass pass = {
		.events = events,
		.data = data,
		.line = line,
		.text = text,
	};
	int r = ini_parse_stream(read_line, &pass, handle_entry, &pass);

	if (pass.limit) {
		struct error why;

		error_write(&why, "the line is longer than %zu bytes",
			    pass.limit);
		events->complain(data, line, why.text);
	} else if (r > 0) {
		events->complain(data, line,
				 "neither [section] nor key = value");
	}
	return r == -2 ? -ENOMEM : 0;
}

static char *skip_blanks(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool is_comment(const char *text)
{
	return *text == ';' || *text == '#';
}

static void read_heading(const struct syntax_events *events, void *data,
			 unsigned int line, char *text)
{
	char *heading = skip_blanks(text + 1);
	char *end = strchr(heading, ']');
	char *rest = end ? skip_blanks(end + 1) : NULL;

	if (!rest || (*rest && !is_comment(rest))) {
		events->heading(data, line, NULL);
		events->complain(data, line,
				 rest ? "there is something after the heading"
				      : "the heading has no ]");
		return;
	}
	while (end > heading && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	events->heading(data, line, heading);
}

static int read_one(const struct syntax_events *events, void *data,
		    unsigned int line, char *text, size_t len)
{
	if (strlen(text) != len) {
		events->complain(data, line, "there is a NUL byte in the line");
		return 0;
	}
	text = skip_blanks(text);
	if (*text == '\0' || is_comment(text))
		return 0;
	if (*text != '[')
		return read_entry(events, data, line, text);
	read_heading(events, data, line, text);
	return 0;
}

int syntax_read(char *text, size_t len, const struct syntax_events *events,
		void *data)
{
	char *const end = text + len;
	unsigned int line = 0;

	if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* as some editors begin */
		text += 3;
	while (text < end) {
		char *stop = memchr(text, '\n', (size_t)(end - text));
		int r;

		if (!stop)
			stop = end;
		*stop = '\0';
		r = read_one(events, data, ++line, text, (size_t)(stop - text));
		if (r < 0)
			return r;
		text = stop + 1;
	}
	return 0;
}
