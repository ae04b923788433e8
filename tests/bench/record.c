/* SPDX-License-Identifier: MIT */
#include "tests/bench/record.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A record is a line with one JSON object of one member, "figure" or "point",
 * which has the fields of the struct under their names.  What is not known is
 * left out, because JSON has no word for NAN.
 *
 * json-c knows how names are escaped.  A line is printed at once, so that a
 * program that ends early has said what it had found until then.
 *
 * A program that measures has nobody to return an error to: what it cannot
 * record it has not measured, and its status says so.
 */
const char *const record_groups[] = {
	"allocator",  "fragmentation", "metadata",
	"round trip", "mapped buffer", "zeroing",
	"crowd",      "footprint",     "board",
	NULL,
};

static void fail(const char *name, const char *why)
{
	(void)fprintf(stderr, "bench: cannot record '%s': %s\n", name, why);
	exit(EXIT_FAILURE);
}

/* Takes value, which is NULL where there was no memory for it. */
static void add(json_object *object, const char *key, json_object *value)
{
	if (!value || json_object_object_add(object, key, value) < 0)
		fail(key, "out of memory");
}

static void add_text(json_object *object, const char *key, const char *text)
{
	if (!text || (!text[0] && strcmp(key, "unit") != 0))
		fail(key, "the text is missing");
	add(object, key, json_object_new_string(text));
}

static void add_number(json_object *object, const char *key, double number)
{
	if (!isfinite(number))
		fail(key, "the number is not finite");
	add(object, key, json_object_new_double(number));
}

static json_object *new_object(void)
{
	json_object *object = json_object_new_object();

	if (!object)
		fail("object", "out of memory");
	return object;
}

static void print_consume(const char *kind, json_object *body)
{
	json_object *record = new_object();
	const char *line;

	add(record, kind, body);
	line = json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN);
	if (!line || printf("%s\n", line) < 0 || fflush(stdout) != 0)
		fail(kind, "it cannot be printed");
	(void)json_object_put(record);
}

static bool is_group(const char *group)
{
	for (size_t i = 0; record_groups[i]; i++)
		if (group && strcmp(record_groups[i], group) == 0)
			return true;
	return false;
}

void record_figure(const struct bench_figure *figure)
{
	json_object *body = new_object();

	if (!is_group(figure->group))
		fail(figure->name, "there is no such group");
	add_text(body, "group", figure->group);
	add_text(body, "name", figure->name);
	add_number(body, "value", figure->value);
	add_text(body, "unit", figure->unit);
	if (!isnan(figure->target)) {
		add_number(body, "target", figure->target);
		add(body, "at_least", json_object_new_boolean(figure->at_least));
	}
	if (figure->peer)
		add_text(body, "peer", figure->peer);
	if (figure->peer && !isnan(figure->peer_value))
		add_number(body, "peer_value", figure->peer_value);
	print_consume("figure", body);
}

void record_point(const struct bench_point *point)
{
	json_object *body = new_object();

	add_text(body, "plot", point->plot);
	add_text(body, "series", point->series);
	add_number(body, "x", point->x);
	add_number(body, "y", point->y);
	print_consume("point", body);
}

bool record_is_quick(void)
{
	const char *quick = getenv("BENCH_QUICK");

	return quick && strcmp(quick, "1") == 0;
}
