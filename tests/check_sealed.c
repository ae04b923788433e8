/* SPDX-License-Identifier: MIT */
#include "daemon/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

#define LIMIT  64
#define HEADER 32

static const struct sealed_kind kind = {"test record", 7, 3, LIMIT};
static const struct sealed_kind other = {"other record", 8, 3, LIMIT};
static const struct sealed_kind older = {"test record", 7, 2, LIMIT};
static const struct sealed_kind newer = {"test record", 7, 4, LIMIT};

static struct error why;

static int write_record(const char *text)
{
	int fd = sealed_write(&kind, text, strlen(text), &why);

	ck_assert_msg(fd >= 0, "%s", why.text);
	return fd;
}

/* Reading fd as a record of that kind gives r, and says so. */
static void expect(const struct sealed_kind *as, int fd, int r, const char *said)
{
	char *bytes = NULL;
	size_t length;

	why.text[0] = '\0';
	ck_assert_int_eq(sealed_read(as, fd, &bytes, &length, &why), r);
	ck_assert_msg(strstr(why.text, said), "'%s' lacks '%s'", why.text, said);
	ck_assert_ptr_null(bytes);
}

/* A memfd of these bytes, sealed. */
static int forge(const char *bytes, size_t length)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(fd_write_all(fd, bytes, length), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	return fd;
}

START_TEST(comes_back_as_it_was)
{
	int fd = write_record("all of it");
	size_t length;
	char *bytes;

	for (int i = 0; i < 2; i++) { /* as often as wanted */
		ck_assert_int_eq(sealed_read(&kind, fd, &bytes, &length, &why),
				 0);
		ck_assert_uint_eq(length, 9);
		ck_assert_str_eq(bytes, "all of it");
		free(bytes);
	}
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 1), -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)fd_close(fd);
}
END_TEST

START_TEST(may_be_empty_or_full)
{
	char full[LIMIT + 1] = "";
	size_t length = 1;
	char *bytes;
	int fd = sealed_write(&kind, full, 0, &why);

	ck_assert_int_eq(sealed_read(&kind, fd, &bytes, &length, &why), 0);
	ck_assert_uint_eq(length, 0);
	free(bytes);
	(void)fd_close(fd);
	fd = sealed_write(&kind, full, LIMIT, &why);
	ck_assert_int_eq(sealed_read(&kind, fd, &bytes, &length, &why), 0);
	ck_assert_uint_eq(length, LIMIT);
	free(bytes);
	(void)fd_close(fd);
	ck_assert_int_eq(sealed_write(&kind, full, LIMIT + 1, &why), -EFBIG);
}
END_TEST

START_TEST(versions_are_told_apart)
{
	int fd = write_record("text");

	expect(&older, fd, SEALED_E_NEWER,
	       "a test record is of version 3, this contigd knows 2");
	expect(&newer, fd, SEALED_E_DAMAGED, "never was such a version");
	expect(&other, fd, SEALED_E_DAMAGED, "something else");
	(void)fd_close(fd);
}
END_TEST

START_TEST(any_damage_shows)
{
	int fd = write_record("text");
	char bytes[HEADER + 5] = "";
	size_t length = HEADER + 4;

	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 0), (ssize_t)length);
	for (size_t bit = 0; bit < 8 * length; bit++) {
		char *damaged = NULL;
		size_t n;
		int forged;

		bytes[bit / 8] ^= (char)(1 << bit % 8);
		forged = forge(bytes, length);
		ck_assert_int_gt(sealed_read(&kind, forged, &damaged, &n, &why),
				 0);
		(void)fd_close(forged);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t n = 0; n <= length + 1; n++) {
		int forged = forge(bytes, n);

		if (n != length)
			expect(&kind, forged, SEALED_E_DAMAGED,
			       n < HEADER ? "too short" : "length is wrong");
		(void)fd_close(forged);
	}
	(void)fd_close(fd);
}
END_TEST

START_TEST(others_are_refused)
{
	char long_one[HEADER + LIMIT + 1] = "";
	int fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	expect(&kind, fd, SEALED_E_DAMAGED, "not sealed");
	(void)fd_close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	expect(&kind, fd, SEALED_E_DAMAGED, "not sealed");
	(void)fd_close(fd);
	fd = forge(long_one, sizeof(long_one));
	expect(&kind, fd, SEALED_E_DAMAGED, "too long");
	(void)fd_close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sealed");
	TCase *tcase = harness_case(suite, "sealed");

	tcase_add_test(tcase, comes_back_as_it_was);
	tcase_add_test(tcase, may_be_empty_or_full);
	tcase_add_test(tcase, versions_are_told_apart);
	tcase_add_test(tcase, any_damage_shows);
	tcase_add_test(tcase, others_are_refused);
	return harness_run(suite);
}
