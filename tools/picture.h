/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "contig.h"

/* How a picture is drawn. */
struct picture_style {
	unsigned int width; /* columns of the terminal */
	bool unicode;	    /* block characters; else ASCII */
	bool colours;
};

/* A region's span, cut into equal cells. */
struct picture {
	uint64_t base;
	bool base_known; /* else what is drawn is made up, or counted from 0,
			    and in parentheses */
	uint64_t cell_bytes;
	const struct contig_cell *cells; /* borrowed */
	size_t n_cells;
};

/* Cells of one row behind the addresses of a span: what fits, at least 1, cut
 * to a multiple of 8 so that rows start at round addresses. */
size_t picture_row_cells(const struct picture_style *style, uint64_t base,
			 uint64_t span_bytes, bool base_known);

/* Draws rows of cells, each behind the address of its first one. */
void picture_draw(FILE *stream, const struct picture_style *style,
		  const struct picture *picture);

/* Explains the characters. */
void picture_legend(FILE *stream, const struct picture_style *style);

#endif
