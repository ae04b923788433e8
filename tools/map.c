/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/complain.h"
#include "tools/connection.h"
#include "tools/facts.h"
#include "tools/picture.h"
#include "tools/terminal.h"
#include "util/cleanup.h"
#include "util/format.h"
#include "util/parse.h"

/*
 * contigctl map: where in a region the lent memory lies.  The daemon counts
 * the bytes of each kind in equal cells; how many cells is chosen here, so
 * that they fill a few rows of the terminal and start at round addresses.
 */

#define ROWS	   4   /* of a region, where the terminal decides */
#define JSON_CELLS 256 /* where nothing is drawn */
#define CELLS_MAX  500 /* what contig_occupancy() gives at a time */

struct map {
	struct contig *contig; /* borrowed */
	const struct invocation *invocation;
	struct picture_style style;
	uint32_t cells;	    /* --cells; 0: what fits */
	json_object *array; /* borrowed; with --json */
};

/* As many cells as fit, of a size that is round: granules times a power of
 * two.  They cover the span, so that the daemon comes to the same size. */
static size_t round_cells(const struct contig_region_info *region, size_t fit)
{
	uint64_t cell = region->granule_bytes;

	if (!cell || !region->span_bytes)
		return 1; /* not a region that lends */
	while ((region->span_bytes - 1) / cell >= fit && !(cell >> 63))
		cell *= 2;
	return (region->span_bytes - 1) / cell + 1;
}

/* Whether what is drawn are addresses of memory, and not made up by the daemon
 * or counted from 0. */
static bool is_base_known(const struct contig_region_info *region)
{
	return region->has_base && region->guarantees & CONTIG_PHYS_KNOWN;
}

static size_t cells_wanted(const struct map *map,
			   const struct contig_region_info *region)
{
	size_t row;

	if (map->cells)
		return map->cells;
	if (map->invocation->json)
		return round_cells(region, JSON_CELLS);
	row = picture_row_cells(&map->style, region->base, region->span_bytes,
				is_base_known(region));
	return round_cells(region,
			   row < CELLS_MAX / ROWS ? row * ROWS : CELLS_MAX);
}

static json_object *cells_json(const struct picture *picture)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	for (size_t i = 0; i < picture->n_cells; i++) {
		const struct contig_cell *cell = &picture->cells[i];
		_cleanup_facts_ struct facts facts;

		facts_init(&facts);
		facts_add_number(&facts, "free", cell->free_bytes);
		facts_add_number(&facts, "dirty", cell->dirty_bytes);
		facts_add_number(&facts, "lent", cell->lent_bytes);
		facts_add_number(&facts, "draining", cell->draining_bytes);
		if (facts_append(&facts, array) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

static int add_json(json_object *array, const struct contig_region_info *region,
		    const struct picture *picture)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "name", region->name);
	if (region->has_base)
		facts_add_number(&facts, "base", region->base);
	else
		facts_add_null(&facts, "base");
	facts_add_number(&facts, "span", region->span_bytes);
	facts_add_number(&facts, "cell", picture->cell_bytes);
	facts_add_flag(&facts, "phys_known",
		       region->guarantees & CONTIG_PHYS_KNOWN);
	facts_add(&facts, "cells", cells_json(picture));
	return facts_append(&facts, array);
}

static void draw(const struct map *map, const struct contig_region_info *region,
		 const struct picture *picture)
{
	char size[FORMAT_SIZE_BYTES], lent[FORMAT_SIZE_BYTES];
	char free_bytes[FORMAT_SIZE_BYTES], largest[FORMAT_SIZE_BYTES];
	char draining[FORMAT_SIZE_BYTES], cell[FORMAT_SIZE_BYTES];
	char reserved[FORMAT_SIZE_BYTES], quarantined[FORMAT_SIZE_BYTES];

	printf("%s: %s, %s lent, %s draining, %s free (longest run %s)"
	       "%s%s%s%s; one cell is %s\n",
	       region->name, format_size(size, region->size_bytes),
	       format_size(lent, region->lent_bytes),
	       format_size(draining, region->draining_bytes),
	       format_size(free_bytes, region->free_bytes),
	       format_size(largest, region->largest_free_bytes),
	       region->reserved_bytes ? ", reserved for others " : "",
	       region->reserved_bytes
		       ? format_size(reserved, region->reserved_bytes)
		       : "",
	       region->quarantined_bytes ? ", quarantined " : "",
	       region->quarantined_bytes
		       ? format_size(quarantined, region->quarantined_bytes)
		       : "",
	       format_size(cell, picture->cell_bytes));
	picture_draw(stdout, &map->style, picture);
}

static int show_region(const struct map *map,
		       const struct contig_region_info *region)
{
	struct contig_cell cells[CELLS_MAX];
	struct picture picture = {
		.base = region->base,
		.base_known = is_base_known(region),
		.cells = cells,
		.n_cells = cells_wanted(map, region),
	};
	int r = contig_occupancy(map->contig, region->name, cells,
				 &picture.n_cells, &picture.cell_bytes);

	if (r < 0)
		return r;
	if (map->array)
		return add_json(map->array, region, &picture);
	draw(map, region, &picture);
	return 0;
}

/* Whether a region is among the arguments, or there are none. */
static bool is_wanted(const struct invocation *invocation, const char *name)
{
	for (int i = 0; i < invocation->argc; i++)
		if (strcmp(invocation->argv[i], name) == 0)
			return true;
	return invocation->argc == 0;
}

/* The first argument that names no region, or NULL. */
static const char *find_stranger(const struct invocation *invocation,
				 const struct contig_region_info *regions,
				 size_t n_regions)
{
	for (int i = 0; i < invocation->argc; i++) {
		size_t j = 0;

		while (j < n_regions &&
		       strcmp(invocation->argv[i], regions[j].name) != 0)
			j++;
		if (j == n_regions)
			return invocation->argv[i];
	}
	return NULL;
}

static int show(struct map *map)
{
	_cleanup_free_ struct contig_region_info *regions = NULL;
	const char *stranger;
	size_t n_regions;
	int r = contig_list_regions(map->contig, &regions, &n_regions);

	if (r < 0)
		return connection_failed("list regions", r);
	stranger = find_stranger(map->invocation, regions, n_regions);
	if (stranger) {
		complain("there is no region '%.64s'", stranger);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < n_regions; i++) {
		if (!is_wanted(map->invocation, regions[i].name))
			continue;
		r = show_region(map, &regions[i]);
		if (r < 0)
			return connection_failed("see what is lent", r);
	}
	if (!map->array && n_regions)
		picture_legend(stdout, &map->style);
	return EXIT_SUCCESS;
}

static int print_json(struct map *map)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	_cleanup_facts_ struct facts facts;
	int status;

	facts_init(&facts);
	map->array = array;
	status = array ? show(map) : connection_failed("show", -ENOMEM);
	if (status != EXIT_SUCCESS)
		return status;
	facts_add(&facts, "regions", TAKE_PTR(array));
	return command_print_json(facts.object);
}

static int run(struct invocation *invocation)
{
	struct map map = {.invocation = invocation};
	const char *cells = NULL;
	const struct option_row rows[] = {
		{'c', "cells", OPTION_TEXT, &cells, "N",
		 "cut a region into at most N cells, 1 to 500;\n"
		 "otherwise up to four rows, or 256 in JSON"},
	};
	struct error why = {"0 is too few"};
	_cleanup_contig_ struct contig *contig = NULL;

	if (!command_parse(invocation, rows, 1))
		return invocation->status;
	if (cells &&
	    (parse_u32(cells, CELLS_MAX, &map.cells, &why) < 0 || !map.cells))
		return command_usage(invocation, "--cells: %s", why.text);
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	map.contig = contig;
	terminal_look(STDOUT_FILENO, &map.style);
	return invocation->json ? print_json(&map) : show(&map);
}

const struct command command_map = {
	.name = "map",
	.arguments = "[REGION...]",
	.summary = "Draw where the lent memory lies",
	.flags = COMMAND_JSON,
	.run = run,
};
