/* SPDX-License-Identifier: MIT */
#include "util/format.h"

#include <inttypes.h>
#include <string.h>

#include "tests/harness.h"

/* Sizes and durations as people read them, at every place where the text
 * changes. */

#define K UINT64_C(1024)
#define M (K * 1024)
#define G (M * 1024)
#define T (G * 1024)
#define P (T * 1024)
#define E (P * 1024)

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{0, "0B"},
	{1, "1B"},
	{1023, "1023B"},
	{K, "1K"},
	/* A twentieth of a unit and more makes the first decimal. */
	{K + 51, "1K"},
	{K + 52, "1.1K"},
	{K + K / 2, "1.5K"},
	{4096, "4K"},
	{10 * K - 52, "9.9K"},
	{10 * K - 51, "10K"},
	/* The unit changes with the rounded figure, not before. */
	{M - 52, "1023.9K"},
	{M - 51, "1M"},
	{M - 1, "1M"},
	{M, "1M"},
	/* The bytes below the next smaller unit count too. */
	{M + 52428, "1M"},
	{M + 52429, "1.1M"},
	{5308416, "5.1M"},
	{G - 1, "1G"},
	{G, "1G"},
	{T - 1, "1T"},
	{T, "1T"},
	{P - 1, "1P"},
	{P, "1P"},
	{E - 1, "1E"},
	{E, "1E"},
	{E + E / 2, "1.5E"},
	{15 * E, "15E"},
	{UINT64_MAX - E / 20, "15.9E"},
	{UINT64_MAX, "16E"},
};

START_TEST(as_people_read)
{
	char buf[FORMAT_SIZE_BYTES];

	ck_assert_msg(
		strcmp(format_size(buf, sizes[_i].bytes), sizes[_i].text) == 0,
		"%" PRIu64 " is written %s, not %s", sizes[_i].bytes, buf,
		sizes[_i].text);
}
END_TEST

static const struct {
	uint64_t ms;
	const char *text;
} durations[] = {
	{0, "0.0s"},	      {99, "0.0s"},
	{100, "0.1s"},	      {999, "0.9s"},
	{1000, "1s"},	      {59999, "59s"},
	{60000, "1m00s"},     {192000, "3m12s"},
	{3599999, "59m59s"},  {3600000, "1h00m"},
	{86399999, "23h59m"}, {86400000, "1d00h"},
	{446400000, "5d04h"}, {UINT64_MAX, "213503982334d14h"},
};

START_TEST(as_people_tell_time)
{
	char buf[FORMAT_DURATION_BYTES];

	ck_assert_str_eq(format_duration(buf, durations[_i].ms),
			 durations[_i].text);
}
END_TEST

START_TEST(returns_its_buffer)
{
	char buf[FORMAT_SIZE_BYTES];
	char duration[FORMAT_DURATION_BYTES];

	ck_assert_ptr_eq(format_size(buf, 1), buf);
	ck_assert_ptr_eq(format_duration(duration, 1), duration);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("format");
	TCase *tcase = harness_case(suite, "format");

	tcase_add_loop_test(tcase, as_people_read, 0,
			    sizeof(sizes) / sizeof(*sizes));
	tcase_add_loop_test(tcase, as_people_tell_time, 0,
			    sizeof(durations) / sizeof(*durations));
	tcase_add_test(tcase, returns_its_buffer);
	return harness_run(suite);
}
