/* SPDX-License-Identifier: MIT */
#include "daemon/deed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sealed.h"
#include "tests/harness.h"
#include "util/fd.h"

/*
 * The form's fields by their offsets, as deed.c lays them out: a test that used
 * the same struct would not notice if it changed.
 */
#define AT_ID	   0
#define AT_FLAGS   4
#define AT_NAME	   8
#define AT_BACKEND 72
#define AT_SECTION 104
#define AT_BASE	   168
#define AT_SIZE	   176
#define AT_GRANULE 184
#define AT_PAGE	   192
#define AT_GUARD   200
#define AT_WORDS   208
#define FORM	   216

#define N_WORDS 3
#define LENGTH	(FORM + 8 * N_WORDS)

static struct error why;
static struct tract *tract;
static struct parcel parcel;
static unsigned char bytes[LENGTH + 8];

static struct tract_description describe(void)
{
	return (struct tract_description){
		.id = 9,
		.name = "camera",
		.backend = "devmem",
		.section = "cameras",
		.public_base = true,
		.memory.base = UINT64_C(1) << 32,
		.memory.size_bytes = UINT64_C(1) << 20,
		.memory.granule_bytes = 65536,
		.memory.page_bytes = 2 << 20,
		.memory.guard_bytes = 65536,
	};
}

static void before(void)
{
	const struct tract_description description = describe();

	ck_assert_int_eq(tract_new(&tract, &description, &why), 0);
	parcel_init(&parcel);
	parcel.words = calloc(N_WORDS, sizeof(*parcel.words));
	parcel.n_words = N_WORDS;
	for (size_t i = 0; i < N_WORDS; i++)
		parcel.words[i] = i + 100;
}

static void after(void)
{
	tract = tract_free(tract);
	parcel_deinit(&parcel);
}

/* What deed_write() puts into its record. */
static void take_bytes(void)
{
	int fd = deed_write(tract, &parcel, &why);

	ck_assert_msg(fd >= 0, "%s", why.text);
	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 32), LENGTH);
	(void)fd_close(fd);
}

static void set_word(size_t at, uint64_t value)
{
	memcpy(bytes + at, &value, sizeof(value));
}

static int decode(size_t length)
{
	struct tract *found = NULL;
	struct parcel words;
	int r;

	parcel_init(&words);
	why.text[0] = '\0';
	r = deed_decode(bytes, length, &found, &words, &why);
	ck_assert((r == 0) == (found != NULL));
	(void)tract_free(found);
	parcel_deinit(&words);
	return r;
}

/* With this change it is refused, and so says why; without, it is not. */
static void refuse_word(size_t at, uint64_t value, const char *said)
{
	take_bytes();
	set_word(at, value);
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	ck_assert_msg(strstr(why.text, said), "'%s' lacks '%s'", why.text, said);
}

START_TEST(comes_back_as_it_was)
{
	int fd = deed_write(tract, &parcel, &why);
	struct tract *found;
	struct parcel words;

	parcel_init(&words);
	ck_assert_int_eq(deed_read(fd, &found, &words, &why), 0);
	ck_assert_uint_eq(found->id, 9);
	ck_assert_str_eq(found->name, "camera");
	ck_assert_str_eq(found->section, "cameras");
	ck_assert_ptr_eq(found->backend, &backend_devmem);
	ck_assert(found->public_base && !found->wants_default);
	ck_assert_uint_eq(found->spec.base, UINT64_C(1) << 32);
	ck_assert_uint_eq(found->spec.size_bytes, UINT64_C(1) << 20);
	ck_assert_uint_eq(found->spec.granule_bytes, 65536);
	ck_assert_uint_eq(found->spec.page_bytes, 2 << 20);
	ck_assert_uint_eq(found->spec.guard_bytes, 65536);
	ck_assert_uint_eq(words.n_words, N_WORDS);
	ck_assert_mem_eq(words.words, parcel.words, 8 * N_WORDS);
	(void)tract_free(found);
	parcel_deinit(&words);
	(void)fd_close(fd);
}
END_TEST

START_TEST(names_are_judged)
{
	take_bytes();
	ck_assert_int_eq(decode(LENGTH), 0);
	memset(bytes + AT_NAME, 'x', 63); /* the longest there is */
	ck_assert_int_eq(decode(LENGTH), 0);
	bytes[AT_NAME + 63] = 'x'; /* and one beyond */
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	refuse_word(AT_NAME, 0, "the name is none");
	take_bytes();
	bytes[AT_NAME + 2] = ' ';
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	take_bytes();
	bytes[AT_NAME + 60] = 'x'; /* behind the end */
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	take_bytes();
	bytes[AT_BACKEND + 31] = 'x';
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	take_bytes();
	bytes[AT_SECTION + 63] = 'x';
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	take_bytes();
	bytes[AT_SECTION + 2] = ' ';
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);
	ck_assert_ptr_nonnull(strstr(why.text, "the section's name is none"));
	take_bytes();
	memset(bytes + AT_SECTION, 0, 64); /* the one of its name */
	ck_assert_int_eq(decode(LENGTH), 0);
	take_bytes();
	bytes[AT_BACKEND] = 'x'; /* of a version that knows more */
	ck_assert_int_eq(decode(LENGTH), -ENOENT);
	ck_assert_str_eq(why.text, "there is no backend 'xevmem'");
}
END_TEST

START_TEST(numbers_are_judged)
{
	refuse_word(AT_ID, 0, "out of range");
	refuse_word(AT_ID, UINT64_C(0x80000000), "out of range");
	take_bytes();
	set_word(AT_ID, UINT64_C(0x7fffffff));
	ck_assert_int_eq(decode(LENGTH), 0);
	refuse_word(AT_ID, UINT64_C(4) << 32 | 1, "out of range"); /* a flag */
	take_bytes();
	set_word(AT_ID, UINT64_C(3) << 32 | 1);
	ck_assert_int_eq(decode(LENGTH), 0);

	refuse_word(AT_SIZE, 0, "no range");
	refuse_word(AT_SIZE, UINT64_MAX, "no range");
	take_bytes();
	set_word(AT_SIZE, UINT64_MAX - (UINT64_C(1) << 32) + 1);
	ck_assert_int_eq(decode(LENGTH), 0);
	set_word(AT_SIZE, UINT64_MAX - (UINT64_C(1) << 32) + 2);
	ck_assert_int_eq(decode(LENGTH), SEALED_E_DAMAGED);

	refuse_word(AT_GRANULE, 0, "the granule");
	refuse_word(AT_GRANULE, 2048, "the granule");
	refuse_word(AT_GRANULE, 65535, "the granule");
	refuse_word(AT_PAGE, 3, "the page size");
	refuse_word(AT_GUARD, 4096, "the guard");
	refuse_word(AT_GUARD, UINT64_C(1) << 63, "the guard");
}
END_TEST

START_TEST(lengths_are_judged)
{
	take_bytes();
	for (size_t n = 0; n <= LENGTH + 8; n++)
		ck_assert_int_eq(decode(n),
				 n == LENGTH ? 0 : SEALED_E_DAMAGED);
	refuse_word(AT_WORDS, N_WORDS + 1, "length is wrong");
	refuse_word(AT_WORDS, N_WORDS - 1, "length is wrong");
	/* whose product with 8 is N_WORDS * 8 in 64 bits */
	refuse_word(AT_WORDS, (UINT64_C(1) << 61) + N_WORDS, "length is wrong");
	take_bytes();
	set_word(AT_WORDS, 0);
	ck_assert_int_eq(decode(FORM), 0);
}
END_TEST

/* Whatever byte is changed to whatever: an answer, and no harm. */
START_TEST(any_byte_may_be_wrong)
{
	for (size_t at = 0; at < LENGTH; at++)
		for (unsigned int value = 0; value < 256; value += 15) {
			int r;

			take_bytes();
			bytes[at] = (unsigned char)value;
			r = decode(LENGTH);
			ck_assert(r == 0 || r == SEALED_E_DAMAGED ||
				  r == -ENOENT);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deed");
	TCase *tcase = harness_case(suite, "deed");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, comes_back_as_it_was);
	tcase_add_test(tcase, names_are_judged);
	tcase_add_test(tcase, numbers_are_judged);
	tcase_add_test(tcase, lengths_are_judged);
	tcase_add_test(tcase, any_byte_may_be_wrong);
	return harness_run(suite);
}
