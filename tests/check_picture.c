/* SPDX-License-Identifier: MIT */
#include "tools/picture.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

/* Pictures of cells, compared to the character. */

#define K UINT64_C(1024)

static const struct picture_style ascii = {80, false, false};
static const struct picture_style blocks = {80, true, false};

static char *drawn(const struct picture_style *style,
		   const struct picture *picture)
{
	char *text;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	picture_draw(stream, style, picture);
	ck_assert_int_eq(fclose(stream), 0);
	return text;
}

static void draws(const struct picture_style *style, struct contig_cell cell,
		  const char *expected)
{
	const struct picture picture = {0x10000, true, 64 * K, &cell, 1};
	_cleanup_free_ char *text = drawn(style, &picture);
	char row[64];

	(void)snprintf(row, sizeof(row),
		       style->unicode ? " 0x10000 │%s│\n" : " 0x10000 |%s|\n",
		       expected);
	ck_assert_str_eq(text, row);
}

START_TEST(each_kind)
{
	const struct contig_cell gap = {0, 0, 0, 0};
	const struct contig_cell clean = {64 * K, 0, 0, 0};
	const struct contig_cell dirty = {60 * K, 4 * K, 0, 0};
	const struct contig_cell lent = {0, 0, 64 * K, 0};
	const struct contig_cell draining = {56 * K, 0, 0, 8 * K};
	const struct contig_cell more_lent = {0, 0, 33 * K, 31 * K};
	const struct contig_cell more_draining = {0, 0, 31 * K, 33 * K};

	draws(&ascii, gap, " ");
	draws(&ascii, clean, ".");
	draws(&ascii, dirty, ",");
	draws(&ascii, lent, "#");
	draws(&ascii, draining, "~");
	draws(&ascii, more_lent, "#");
	draws(&ascii, more_draining, "~");
	draws(&blocks, gap, " ");
	draws(&blocks, clean, "·");
	draws(&blocks, dirty, "░");
	draws(&blocks, lent, "█");
	draws(&blocks, draining, "▒");
}
END_TEST

START_TEST(height_tells_the_share)
{
	static const char *const heights[] = {"▁", "▂", "▃", "▄",
					      "▅", "▆", "▇"};

	for (unsigned int i = 0; i < 7; i++) {
		struct contig_cell least = {64 * K - i * 8 * K - 1, 0,
					    i * 8 * K + 1, 0};
		struct contig_cell most = {64 * K - (i + 1) * 8 * K, 0,
					   (i + 1) * 8 * K, 0};

		draws(&blocks, least, heights[i]);
		draws(&blocks, most, heights[i]);
	}
}
END_TEST

START_TEST(full_means_full)
{
	const struct contig_cell last_byte = {1, 0, 64 * K - 1, 0};
	const struct contig_cell first_byte = {64 * K - 1, 0, 1, 0};
	const struct contig_cell huge = {1, 0, UINT64_MAX - 1, 0};
	const struct contig_cell tiny = {0, 0, 1, 0};

	draws(&blocks, last_byte, "▇");
	draws(&ascii, last_byte, "+");
	draws(&blocks, first_byte, "▁");
	draws(&ascii, first_byte, ":");
	draws(&blocks, huge, "▇");
	draws(&blocks, tiny, "█");
}
END_TEST

START_TEST(rows_carry_addresses)
{
	const struct picture_style narrow = {16, false, false};
	const struct contig_cell cells[5] = {
		{0, 0, K, 0}, {0, 0, K, 0}, {K, 0, 0, 0},
		{K, 0, 0, 0}, {0, 0, 0, K},
	};
	const struct picture picture = {0xfff000, true, K, cells, 5};
	const struct picture made_up = {0xff000, false, 4 * K, cells, 5};
	_cleanup_free_ char *text = drawn(&narrow, &picture);
	_cleanup_free_ char *other = drawn(&narrow, &made_up);

	/* the last byte has one digit more than the first one */
	ck_assert_str_eq(text, "  0xfff000 |##.|\n"
			       "  0xfffc00 |.~|\n");
	ck_assert_str_eq(other, "  (0xff000) |##|\n"
				" (0x101000) |..|\n"
				" (0x103000) |~|\n");
}
END_TEST

START_TEST(row_fits_the_width)
{
	struct picture_style style = {80, false, false};

	/* 14 columns go to " 0x90000000 |" and "|", the rest to eights */
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 1 << 20, true),
			  64);
	style.width = 14 + 64;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 1 << 20, true),
			  64);
	ck_assert_uint_eq(picture_row_cells(&style, 0xfffff000, 4096, true), 64);
	style.width--;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 1 << 20, true),
			  56);
	style.width = 16 + 64;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 1 << 20, false),
			  64);
	style.width = 14 + 64;
	ck_assert_uint_eq(picture_row_cells(&style, 0xfffff000, 4097, true), 56);
	style.width = 14 + 9;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 4096, true), 8);
	style.width = 14 + 7;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 4096, true), 7);
	style.width = 15;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 4096, true), 1);
	style.width = 14;
	ck_assert_uint_eq(picture_row_cells(&style, 0x90000000, 4096, true), 1);
	style.width = 0;
	ck_assert_uint_eq(picture_row_cells(&style, 0, 0, true), 1);
}
END_TEST

START_TEST(colours_change_with_the_kind)
{
	const struct picture_style colours = {80, false, true};
	const struct contig_cell cells[6] = {
		{0, 0, 0, 0}, {K, 0, 0, 0}, {K, 0, 0, 0},
		{0, 0, K, 0}, {1, 0, K, 0}, {0, K, 0, 0},
	};
	const struct picture picture = {0, true, K, cells, 6};
	const struct picture only_gap = {0, true, K, cells, 1};
	_cleanup_free_ char *text = drawn(&colours, &picture);
	_cleanup_free_ char *plain = drawn(&colours, &only_gap);

	ck_assert_str_eq(text, "    0x0 | \033[0;2m..\033[0;32m#+\033[0;36m,"
			       "\033[0m|\n");
	ck_assert_str_eq(plain, "   0x0 | |\n");
}
END_TEST

START_TEST(legend_has_every_mark)
{
	char *text;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	picture_legend(stream, &ascii);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_str_eq(text, " # lent  :+ partly lent  ~ draining  "
			       ", free, not yet zeroed  . free  (blank) gap or quarantined\n");
	free(text);
	stream = open_memstream(&text, &len);
	picture_legend(stream, &blocks);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_str_eq(text, " █ lent  ▁▇ partly lent  ▒ draining  "
			       "░ free, not yet zeroed  · free  (blank) gap or quarantined\n");
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("picture");
	TCase *tcase = harness_case(suite, "picture");

	tcase_add_test(tcase, each_kind);
	tcase_add_test(tcase, height_tells_the_share);
	tcase_add_test(tcase, full_means_full);
	tcase_add_test(tcase, rows_carry_addresses);
	tcase_add_test(tcase, row_fits_the_width);
	tcase_add_test(tcase, colours_change_with_the_kind);
	tcase_add_test(tcase, legend_has_every_mark);
	return harness_run(suite);
}
