/* SPDX-License-Identifier: MIT */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The log of a program, not of a library.  Messages go to one sink, standard
 * error unless another is set, from any thread.
 *
 * Levels are chosen by meaning: err, the operator must act; warning,
 * unexpected and survived; info, life cycle; debug, the rest.
 */
enum log_level {
	LOG_LEVEL_ERR = 3, /* the numbers are syslog's priorities */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* What a message is about; a sink may store it apart from the text. */
struct log_fields {
	const char *region; /* or NULL */
	const char *buffer; /* name or NULL */
	bool has_uid;
	uint32_t uid;
};

typedef void log_sink_fn(enum log_level level, const struct log_fields *fields,
			 const char *text);

/* Messages above level are dropped; the default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* "err", "warning", "info" or "debug"; -EINVAL for any other name. */
int log_level_from_name(const char *name, enum log_level *levelp);

/* Replaces the sink; NULL restores standard error. Call before threads start. */
void log_set_sink(log_sink_fn *sink);

void log_message(enum log_level level, const struct log_fields *fields,
		 const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_err(...) log_message(LOG_LEVEL_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)

/*
 * What a client can trigger is limited: at most burst messages in
 * interval_ms, then silence, then one message that says how many were held
 * back.  Not safe from several threads at once.
 */
struct log_ratelimit {
	uint32_t interval_ms;
	uint32_t burst;
	uint64_t window_start_ms;
	uint32_t used;
	uint64_t suppressed;
};

#define LOG_RATELIMIT_INIT(interval, count)                                    \
	{                                                                      \
		.interval_ms = (interval), .burst = (count)                    \
	}

/* True where a message may be written now. */
bool log_ratelimit_pass(struct log_ratelimit *limit);

#endif
