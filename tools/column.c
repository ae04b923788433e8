/* SPDX-License-Identifier: MIT */
#include "tools/column.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "tools/facts.h"
#include "util/cleanup.h"
#include "util/format.h"

/*
 * Columns follow lsblk(8) and lsmem(1), so that hands which know those know
 * this: upper-case headings, -o LIST and -o +LIST, names in any case, sizes in
 * powers of 1024 with one decimal and as plain bytes with -b, "-" for what is
 * not known.
 */

static const struct column *column_find(const struct column *all,
					const char *name, size_t len)
{
	for (const struct column *c = all; c->name; c++)
		if (strlen(c->name) == len &&
		    strncasecmp(c->name, name, len) == 0)
			return c;
	return NULL;
}

/* Names every column there is, for who named one that is not. */
static int no_such_column(const struct column *all, const char *name,
			  size_t len, struct error *why)
{
	char known[ERROR_TEXT_BYTES] = "";

	for (const struct column *c = all; c->name; c++) {
		size_t used = strlen(known);

		(void)snprintf(known + used, sizeof(known) - used, "%s%s",
			       used ? ", " : "", c->name);
	}
	return error_set(why, -EINVAL, "there is no column '%.*s'; there are %s",
			 len < 32 ? (int)len : 32, name, known);
}

int column_select(const struct column *all, const char *list,
		  const struct column **selected, size_t max, struct error *why)
{
	size_t n = 0;

	if (!list || list[0] == '+')
		for (const struct column *c = all; c->name && n < max; c++)
			if (c->shown)
				selected[n++] = c;
	if (!list)
		return (int)n;
	list += list[0] == '+';
	for (;;) {
		size_t len = strcspn(list, ",");
		const struct column *c = column_find(all, list, len);

		if (!c)
			return no_such_column(all, list, len, why);
		if (n == max)
			return error_set(why, -EINVAL, "more than %zu columns",
					 max);
		selected[n++] = c;
		if (!list[len])
			return (int)n;
		list += len + 1;
	}
}

bool column_is_right_aligned(const struct column *column)
{
	switch (column->kind) {
	case COLUMN_NUMBER:
	case COLUMN_SIZE:
	case COLUMN_ADDRESS:
	case COLUMN_BASE:
	case COLUMN_DURATION:
		return true;
	case COLUMN_TEXT:
	case COLUMN_FLAG:
	case COLUMN_USER:
	case COLUMN_GROUP:
	case COLUMN_GUARANTEES:
		return false;
	}
	return false;
}

static char *print(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static char *print(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	return n < 0 ? NULL : text;
}

static char *size_text(uint64_t value, bool bytes)
{
	char buf[FORMAT_SIZE_BYTES];

	return bytes ? print("%" PRIu64, value)
		     : strdup(format_size(buf, value));
}

static char *duration_text(uint64_t value)
{
	char buf[FORMAT_DURATION_BYTES];

	return strdup(format_duration(buf, value));
}

static char *user_text(uint64_t uid)
{
	const struct passwd *user = getpwuid((uid_t)uid);

	return user ? strdup(user->pw_name) : print("%" PRIu64, uid);
}

static char *group_text(uint64_t gid)
{
	const struct group *group = getgrgid((gid_t)gid);

	return group ? strdup(group->gr_name) : print("%" PRIu64, gid);
}

static bool flag(json_object *facts, const char *key)
{
	json_object *value = NULL;

	return json_object_object_get_ex(facts, key, &value) &&
	       json_object_get_boolean(value);
}

static char *base_text(json_object *facts, uint64_t value)
{
	return flag(facts, "phys_known") ? print("0x%" PRIx64, value)
					 : print("(0x%" PRIx64 ")", value);
}

static char *guarantees_text(json_object *facts)
{
	char text[128] = "";

	for (const struct guarantee_name *g = guarantee_names; g->name; g++) {
		size_t used = strlen(text);

		if (flag(facts, g->name))
			(void)snprintf(text + used, sizeof(text) - used, "%s%s",
				       used ? "," : "", g->name);
	}
	return strdup(text[0] ? text : "-");
}

char *column_text(const struct column *column, json_object *facts, bool bytes)
{
	json_object *value = NULL;
	uint64_t number;

	if (column->kind == COLUMN_GUARANTEES)
		return guarantees_text(facts);
	if (!json_object_object_get_ex(facts, column->key, &value) || !value)
		return strdup("-");
	number = json_object_get_uint64(value);
	switch (column->kind) {
	case COLUMN_NUMBER:
		return print("%" PRIu64, number);
	case COLUMN_SIZE:
		return size_text(number, bytes);
	case COLUMN_ADDRESS:
		return print("0x%" PRIx64, number);
	case COLUMN_BASE:
		return base_text(facts, number);
	case COLUMN_FLAG:
		return strdup(json_object_get_boolean(value) ? "yes" : "no");
	case COLUMN_USER:
		return user_text(number);
	case COLUMN_GROUP:
		return group_text(number);
	case COLUMN_DURATION:
		return duration_text(number);
	case COLUMN_TEXT:
	case COLUMN_GUARANTEES:
		break;
	}
	return strdup(*json_object_get_string(value)
			      ? json_object_get_string(value)
			      : "-");
}

void column_help(const struct column *all, FILE *stream)
{
	int widest = 0;

	for (const struct column *c = all; c->name; c++)
		if ((int)strlen(c->name) > widest)
			widest = (int)strlen(c->name);
	for (const struct column *c = all; c->name; c++)
		(void)fprintf(stream, " %*s  %s\n", widest + 1, c->name,
			      c->help);
}
