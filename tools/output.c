/* SPDX-License-Identifier: MIT */
#include "tools/output.h"

#include <errno.h>
#include <stdlib.h>

#include <libsmartcols.h>

#include "tools/facts.h"
#include "util/cleanup.h"

/*
 * The two forms in which facts leave the tool.  Tables go through
 * libsmartcols, which is what lsblk(8) prints with: it knows the widths of
 * characters, and writes what could upset a terminal as \x.. .  No other file
 * knows that library.
 */

static void table_freep(struct libscols_table **tablep)
{
	scols_unref_table(*tablep);
}

static int finish(FILE *stream)
{
	errno = 0;
	if (fflush(stream) == 0 && !ferror(stream))
		return 0;
	return errno ? -errno : -EIO;
}

static int table_add_columns(struct libscols_table *table,
			     const struct column *const *columns,
			     size_t n_columns)
{
	for (size_t i = 0; i < n_columns; i++) {
		int flags = column_is_right_aligned(columns[i]) ? SCOLS_FL_RIGHT
								: 0;

		if (!scols_table_new_column(table, columns[i]->name, 0, flags))
			return -ENOMEM;
	}
	return 0;
}

static int table_add_row(struct libscols_table *table,
			 const struct column *const *columns, size_t n_columns,
			 json_object *facts, bool bytes)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < n_columns; i++) {
		_cleanup_free_ char *text =
			column_text(columns[i], facts, bytes);

		if (!text || scols_line_set_data(line, i, text) < 0)
			return -ENOMEM;
	}
	return 0;
}

int output_table(FILE *stream, const struct output_style *style,
		 const struct column *const *columns, size_t n_columns,
		 json_object *rows)
{
	_cleanup_(table_freep) struct libscols_table *table = scols_new_table();
	int r;

	if (!table)
		return -ENOMEM;
	scols_table_set_stream(table, stream);
	scols_table_enable_noheadings(table, style->noheadings);
	scols_table_enable_raw(table, style->raw);
	r = table_add_columns(table, columns, n_columns);
	for (size_t i = 0; r == 0 && i < json_object_array_length(rows); i++)
		r = table_add_row(table, columns, n_columns,
				  json_object_array_get_idx(rows, i),
				  style->bytes);
	if (r < 0)
		return r;
	r = scols_print_table(table);
	return r < 0 ? r : finish(stream);
}

int output_json(FILE *stream, json_object *value)
{
	const char *text = json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			       JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return -ENOMEM;
	(void)fprintf(stream, "%s\n", text);
	return finish(stream);
}

static void copy_fact(struct facts *to, json_object *from, const char *key)
{
	json_object *value = NULL;

	if (!json_object_object_get_ex(from, key, &value))
		return;
	if (value)
		facts_add(to, key, json_object_get(value));
	else
		facts_add_null(to, key);
}

/* The facts of one row that are asked for, in the order of the columns. */
static int reduce(json_object *facts, const struct column *const *columns,
		  size_t n_columns, json_object *array)
{
	_cleanup_facts_ struct facts reduced;

	facts_init(&reduced);
	for (size_t i = 0; i < n_columns; i++)
		if (columns[i]->kind == COLUMN_GUARANTEES)
			for (const struct guarantee_name *g = guarantee_names;
			     g->name; g++)
				copy_fact(&reduced, facts, g->name);
		else
			copy_fact(&reduced, facts, columns[i]->key);
	return facts_append(&reduced, array);
}

static int reduce_all(json_object *rows, const struct column *const *columns,
		      size_t n_columns, json_object *array)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(rows); i++)
		r = reduce(json_object_array_get_idx(rows, i), columns,
			   n_columns, array);
	return r;
}

json_object *output_reduce(const struct column *const *columns,
			   size_t n_columns, json_object *rows)
{
	_cleanup_json_ json_object *list = NULL;

	if (n_columns == 0)
		return json_object_get(rows);
	list = json_object_new_array();
	if (!list || reduce_all(rows, columns, n_columns, list) < 0)
		return NULL;
	return TAKE_PTR(list);
}

int output_json_list(FILE *stream, const char *name,
		     const struct column *const *columns, size_t n_columns,
		     json_object *rows)
{
	_cleanup_facts_ struct facts top = {NULL};
	json_object *list = output_reduce(columns, n_columns, rows);

	if (!list)
		return -ENOMEM;
	facts_init(&top);
	facts_add(&top, name, list);
	return top.object ? output_json(stream, top.object) : -ENOMEM;
}
