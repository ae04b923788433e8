/* SPDX-License-Identifier: MIT */
#include "util/parse.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"

/*
 * What people type.  For every text that is refused: the right number, words
 * that name the text, and a value that was left alone.
 */

#define UNTOUCHED UINT64_C(0x5555555555555555)

struct number {
	const char *text;
	int result;
	uint64_t value;
};

static const struct number integers[] = {
	{"0", 0, 0},
	{"1", 0, 1},
	{"010", 0, 10}, /* no octal: people pad with zeros */
	{"0x0", 0, 0},
	{"0xfF", 0, 255},
	{"0XfF", 0, 255},
	{"18446744073709551615", 0, UINT64_MAX},
	{"0xffffffffffffffff", 0, UINT64_MAX},
	{"000018446744073709551615", 0, UINT64_MAX},
	{"18446744073709551616", -ERANGE, 0},
	{"0x10000000000000000", -ERANGE, 0},
	{"99999999999999999999999", -ERANGE, 0},
	{"", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"+1", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"0x", -EINVAL, 0},
	{"0xg", -EINVAL, 0},
	{"x1", -EINVAL, 0},
	{"ff", -EINVAL, 0},
	{"1K", -EINVAL, 0},
	{"1.5", -EINVAL, 0},
};

static const struct number sizes[] = {
	{"0", 0, 0},
	{"1", 0, 1},
	{"1B", 0, 1},
	{"1b", 0, 1},
	{"1K", 0, UINT64_C(1) << 10},
	{"1k", 0, UINT64_C(1) << 10},
	{"1KiB", 0, UINT64_C(1) << 10},
	{"1kib", 0, UINT64_C(1) << 10},
	{"3M", 0, UINT64_C(3) << 20},
	{"1G", 0, UINT64_C(1) << 30},
	{"1T", 0, UINT64_C(1) << 40},
	{"1P", 0, UINT64_C(1) << 50},
	{"1PiB", 0, UINT64_C(1) << 50},
	{"0x10", 0, 16},
	{"0x10K", 0, 16384},
	{"0K", 0, 0},
	{"18446744073709551615", 0, UINT64_MAX},
	{"18446744073709551615B", 0, UINT64_MAX},
	{"18014398509481983K", 0, UINT64_MAX - 1023},
	{"18014398509481984K", -ERANGE, 0},
	{"16383P", 0, UINT64_C(16383) << 50},
	{"16384P", -ERANGE, 0},
	{"18446744073709551616", -ERANGE, 0},
	{"18446744073709551616K", -ERANGE, 0},
	{"", -EINVAL, 0},
	{"K", -EINVAL, 0},
	{"-1K", -EINVAL, 0},
	{" 1K", -EINVAL, 0},
	{"1 K", -EINVAL, 0},
	{"1K ", -EINVAL, 0},
	{"1KB", -EINVAL, 0}, /* 1000 or 1024? nobody can tell */
	{"1Ki", -EINVAL, 0},
	{"1KK", -EINVAL, 0},
	{"1iB", -EINVAL, 0},
	{"1BiB", -EINVAL, 0},
	{"1E", -EINVAL, 0},
	{"1.5M", -EINVAL, 0},
};

static void compare(const struct number *want, int result, uint64_t value,
		    const struct error *why)
{
	ck_assert_msg(result == want->result, "'%s' gives %d, not %d",
		      want->text, result, want->result);
	if (result == 0) {
		ck_assert_msg(value == want->value, "'%s' is %ju", want->text,
			      (uintmax_t)value);
		ck_assert_str_eq(why->text, "");
	} else {
		ck_assert_msg(value == UNTOUCHED, "'%s' wrote", want->text);
		ck_assert_msg(strstr(why->text, want->text) != NULL,
			      "'%s' is not in: %s", want->text, why->text);
	}
}

START_TEST(integer)
{
	struct error why = ERROR_INIT;
	uint64_t value = UNTOUCHED;
	int result = parse_u64(integers[_i].text, &value, &why);

	compare(&integers[_i], result, value, &why);
}
END_TEST

START_TEST(size)
{
	struct error why = ERROR_INIT;
	uint64_t value = UNTOUCHED;
	int result = parse_size(sizes[_i].text, &value, &why);

	compare(&sizes[_i], result, value, &why);
}
END_TEST

START_TEST(bounded_integer)
{
	struct error why = ERROR_INIT;
	uint32_t value = 7;

	ck_assert_int_eq(parse_u32("64", 64, &value, &why), 0);
	ck_assert_uint_eq(value, 64);
	ck_assert_int_eq(parse_u32("65", 64, &value, &why), -ERANGE);
	ck_assert_str_eq(why.text, "'65' is more than 64");
	ck_assert_uint_eq(value, 64);
	ck_assert_int_eq(parse_u32("0", 0, &value, &why), 0);
	ck_assert_int_eq(parse_u32("1", 0, &value, &why), -ERANGE);
	ck_assert_int_eq(parse_u32("4294967295", UINT32_MAX, &value, &why), 0);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(parse_u32("4294967296", UINT32_MAX, &value, &why),
			 -ERANGE);
	ck_assert_int_eq(parse_u32("x", UINT32_MAX, &value, &why), -EINVAL);
	ck_assert_uint_eq(value, UINT32_MAX);
}
END_TEST

START_TEST(boolean)
{
	static const char *const yes[] = {"yes", "true", "on", "1", "YES"};
	static const char *const no[] = {"no", "false", "off", "0", "Off"};
	static const char *const neither[] = {"", "y", "yess", "2", " no"};
	struct error why = ERROR_INIT;
	bool value;

	for (int i = 0; i < 5; i++) {
		value = false;
		ck_assert_int_eq(parse_bool(yes[i], &value, &why), 0);
		ck_assert(value);
		ck_assert_int_eq(parse_bool(no[i], &value, &why), 0);
		ck_assert(!value);
		value = true;
		ck_assert_int_eq(parse_bool(neither[i], &value, &why), -EINVAL);
		ck_assert(value);
	}
	ck_assert_str_eq(why.text, "' no' is neither yes nor no");
}
END_TEST

START_TEST(nobody_listens)
{
	uint64_t value;
	bool flag;

	ck_assert_int_eq(parse_u64("x", &value, NULL), -EINVAL);
	ck_assert_int_eq(parse_size("x", &value, NULL), -EINVAL);
	ck_assert_int_eq(parse_bool("x", &flag, NULL), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parse");
	TCase *tcase = harness_case(suite, "parse");

	tcase_add_loop_test(tcase, integer, 0,
			    sizeof(integers) / sizeof(*integers));
	tcase_add_loop_test(tcase, size, 0, sizeof(sizes) / sizeof(*sizes));
	tcase_add_test(tcase, bounded_integer);
	tcase_add_test(tcase, boolean);
	tcase_add_test(tcase, nobody_listens);
	return harness_run(suite);
}
