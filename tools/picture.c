/* SPDX-License-Identifier: MIT */
#include "tools/picture.h"

#include <inttypes.h>
#include <string.h>

/*
 * Occupancy as a row of characters, one for each cell of a region's span.  A
 * cell covers many granules, so a character tells a share: the height of a
 * block in Unicode, one of three marks in ASCII.  Two rules make the picture
 * honest: a single lent granule is never drawn as free, and only a cell that
 * is lent to the last byte is drawn full.
 *
 * Colour repeats what the characters say and never says more, so that nothing
 * is lost on paper, in a log, or to eyes that do not tell green from yellow.
 */

#define LEVELS 8 /* of a partly lent cell; the last one is full */

enum mark {
	MARK_GAP,
	MARK_FREE,
	MARK_DIRTY,
	MARK_DRAINING,
	MARK_LENT, /* and LEVELS - 1 more */
	MARKS = MARK_LENT + LEVELS,
};

static const char *const unicode_marks[MARKS] = {
	" ", "·", "░", "▒", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█",
};

static const char *const ascii_marks[MARKS] = {
	" ", ".", ",", "~", ":", ":", ":", "+", "+", "+", "+", "#",
};

/* Select Graphic Rendition: dim, cyan, yellow, green. */
static const char *mark_colour(enum mark mark)
{
	switch (mark) {
	case MARK_GAP:
		return "0";
	case MARK_FREE:
		return "0;2";
	case MARK_DIRTY:
		return "0;36";
	case MARK_DRAINING:
		return "0;33";
	default:
		return "0;32";
	}
}

static enum mark cell_mark(const struct contig_cell *cell)
{
	uint64_t used = cell->lent_bytes + cell->draining_bytes;
	uint64_t total = used + cell->free_bytes + cell->dirty_bytes;
	uint64_t share, level;

	if (!total)
		return MARK_GAP;
	if (!used)
		return cell->dirty_bytes ? MARK_DIRTY : MARK_FREE;
	if (cell->draining_bytes > cell->lent_bytes)
		return MARK_DRAINING;
	if (used == total)
		return MARK_LENT + LEVELS - 1;
	share = total / LEVELS + (total % LEVELS != 0);
	level = (used - 1) / share;
	return MARK_LENT + (level < LEVELS - 1 ? (enum mark)level : LEVELS - 2);
}

/* Columns of the widest address in a span. */
static int address_width(uint64_t base, uint64_t span_bytes, bool known)
{
	uint64_t last = base + (span_bytes ? span_bytes - 1 : 0);

	return snprintf(NULL, 0, "0x%" PRIx64, last) + (known ? 0 : 2);
}

size_t picture_row_cells(const struct picture_style *style, uint64_t base,
			 uint64_t span_bytes, bool base_known)
{
	/* a blank before the address and behind it, a bar at either end */
	unsigned int around =
		(unsigned int)address_width(base, span_bytes, base_known) + 4;

	unsigned int cells = style->width > around ? style->width - around : 1;

	return cells > 8 ? cells - cells % 8 : cells;
}

static void draw_address(FILE *stream, uint64_t address, bool known, int width)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%s0x%" PRIx64 "%s",
		       known ? "" : "(", address, known ? "" : ")");
	(void)fprintf(stream, " %*s ", width, text);
}

static void draw_row(FILE *stream, const struct picture_style *style,
		     const struct contig_cell *cells, size_t n_cells)
{
	const char *const *marks = style->unicode ? unicode_marks : ascii_marks;
	const char *colour = "0";

	(void)fputs(style->unicode ? "│" : "|", stream);
	for (size_t i = 0; i < n_cells; i++) {
		enum mark mark = cell_mark(&cells[i]);

		if (style->colours && strcmp(colour, mark_colour(mark)) != 0) {
			colour = mark_colour(mark);
			(void)fprintf(stream, "\033[%sm", colour);
		}
		(void)fputs(marks[mark], stream);
	}
	if (strcmp(colour, "0") != 0)
		(void)fputs("\033[0m", stream);
	(void)fputs(style->unicode ? "│\n" : "|\n", stream);
}

void picture_draw(FILE *stream, const struct picture_style *style,
		  const struct picture *picture)
{
	uint64_t span = picture->cell_bytes * picture->n_cells;
	size_t row = picture_row_cells(style, picture->base, span,
				       picture->base_known);
	int width = address_width(picture->base, span, picture->base_known);

	for (size_t i = 0; i < picture->n_cells; i += row) {
		size_t left = picture->n_cells - i;

		draw_address(stream, picture->base + i * picture->cell_bytes,
			     picture->base_known, width);
		draw_row(stream, style, picture->cells + i,
			 left < row ? left : row);
	}
}

/* One entry of the legend: a mark, or the range that two marks bound. */
static void explain(FILE *stream, const struct picture_style *style,
		    enum mark low, enum mark high, const char *meaning)
{
	const char *const *marks = style->unicode ? unicode_marks : ascii_marks;

	(void)fprintf(stream, " %s%s%s%s%s", style->colours ? "\033[" : "",
		      style->colours ? mark_colour(low) : "",
		      style->colours ? "m" : "", marks[low],
		      low != high ? marks[high] : "");
	(void)fprintf(stream, "%s %s ", style->colours ? "\033[0m" : "",
		      meaning);
}

void picture_legend(FILE *stream, const struct picture_style *style)
{
	const enum mark full = MARK_LENT + LEVELS - 1;

	explain(stream, style, full, full, "lent");
	explain(stream, style, MARK_LENT, full - 1, "partly lent");
	explain(stream, style, MARK_DRAINING, MARK_DRAINING, "draining");
	explain(stream, style, MARK_DIRTY, MARK_DIRTY, "free, not yet zeroed");
	explain(stream, style, MARK_FREE, MARK_FREE, "free");
	(void)fputs(" (blank) gap or quarantined\n", stream);
}
