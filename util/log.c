/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

/*
 * One sink, one level.  The text is formatted here, once, into a bounded
 * buffer with control characters replaced: names in messages come from
 * devicetrees and clients, and a log line must stay one line.
 */

#define LOG_TEXT_BYTES 1024

static const struct {
	enum log_level level;
	const char *name;
} levels[] = {
	{LOG_LEVEL_ERR, "err"},
	{LOG_LEVEL_WARNING, "warning"},
	{LOG_LEVEL_INFO, "info"},
	{LOG_LEVEL_DEBUG, "debug"},
};

static void sink_stderr(enum log_level level, const struct log_fields *fields,
			const char *text)
{
	(void)fields;
	if (level == LOG_LEVEL_INFO)
		(void)fprintf(stderr, "contigd: %s\n", text);
	else
		for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
			if (levels[i].level == level)
				(void)fprintf(stderr, "contigd: %s: %s\n",
					      levels[i].name, text);
}

static atomic_int threshold = LOG_LEVEL_INFO;
static log_sink_fn *current_sink = sink_stderr;

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, level);
}

int log_level_from_name(const char *name, enum log_level *levelp)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (strcmp(levels[i].name, name) == 0) {
			*levelp = levels[i].level;
			return 0;
		}
	return -EINVAL;
}

void log_set_sink(log_sink_fn *sink)
{
	current_sink = sink ? sink : sink_stderr;
}

void log_message(enum log_level level, const struct log_fields *fields,
		 const char *format, ...)
{
	char text[LOG_TEXT_BYTES];
	int saved = errno;
	va_list args;

	if ((int)level > atomic_load(&threshold))
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	current_sink(level, fields, text);
	errno = saved;
}

bool log_ratelimit_pass(struct log_ratelimit *limit)
{
	uint64_t now = clock_ms();

	if (now - limit->window_start_ms >= limit->interval_ms) {
		uint64_t suppressed = limit->suppressed;

		limit->window_start_ms = now;
		limit->used = 0;
		limit->suppressed = 0;
		if (suppressed)
			log_info("%" PRIu64 " similar messages held back",
				 suppressed);
	}
	if (limit->used < limit->burst) {
		limit->used++;
		return true;
	}
	limit->suppressed++;
	return false;
}
