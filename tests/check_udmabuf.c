/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/*
 * What needs no /dev/udmabuf: refusals, the judgement of releases, and the
 * module's limits, for which a folder stands in.
 */

#define MIB (UINT64_C(1) << 20)

static char directory[64];

static void put(const char *file, const char *text)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	(void)fd_close(fd);
}

static void drop(const char *file)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, file);
	(void)unlink(path);
}

static void make_directory(void)
{
	(void)snprintf(directory, sizeof(directory),
		       "/tmp/check_udmabuf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	put("size_limit_mb", "64\n");
	put("list_limit", "1024\n");
}

static void drop_directory(void)
{
	drop("size_limit_mb");
	drop("list_limit");
	ck_assert_int_eq(rmdir(directory), 0);
}

static const struct kernel_release old = {6, 14, 99}, new = {6, 15, 0};

static void assert_limits(uint64_t size_bytes, uint64_t pieces)
{
	struct udmabuf_limits limits;

	ck_assert_int_eq(udmabuf_limits_read(directory, &limits), 0);
	ck_assert_uint_eq(limits.size_bytes, size_bytes);
	ck_assert_uint_eq(limits.pieces, pieces);
}

static int raise(const struct kernel_release *release, uint64_t size_bytes,
		 uint64_t pieces, struct error *why)
{
	const struct udmabuf_limits wanted = {size_bytes, pieces};

	return udmabuf_limits_raise(directory, release, &wanted, why);
}

START_TEST(open_says_why_not)
{
	struct error why = ERROR_INIT;

	ck_assert_int_eq(udmabuf_open("/dev/no-such-udmabuf", &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "/dev/no-such-udmabuf"));
	ck_assert_ptr_nonnull(strstr(why.text, "CONFIG_UDMABUF"));
	ck_assert_int_eq(udmabuf_open("/dev/null/udmabuf", &why), -ENOTDIR);
}
END_TEST

START_TEST(other_devices_make_none)
{
	const struct frames_piece pieces[] = {{0, 4096}, {8192, 4096}};
	struct error why = ERROR_INIT;
	int fd = udmabuf_open("/dev/null", &why);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(udmabuf_create(fd, fd, pieces, 1, &why), -ENOTTY);
	ck_assert_ptr_nonnull(strstr(why.text, "of 1 pieces"));
	ck_assert_int_eq(udmabuf_create(fd, fd, pieces, 2, &why), -ENOTTY);
	ck_assert_int_eq(udmabuf_create(fd, fd, pieces, 0, &why), -EINVAL);
	(void)fd_close(fd);
	ck_assert_int_eq(udmabuf_create(-1, -1, pieces, 1, &why), -EBADF);
}
END_TEST

START_TEST(releases_are_judged)
{
	static const struct {
		struct kernel_release release;
		enum udmabuf_vmap vmap;
	} cases[] = {
		{{6, 1, 192}, UDMABUF_VMAP_WORKS},
		{{6, 10, 99}, UDMABUF_VMAP_WORKS},
		{{6, 11, 0}, UDMABUF_VMAP_WRONG},
		{{6, 12, 107}, UDMABUF_VMAP_WRONG},
		{{6, 13, 0}, UDMABUF_VMAP_REFUSED},
		{{6, 16, 0}, UDMABUF_VMAP_REFUSED},
		{{6, 16, 1}, UDMABUF_VMAP_WORKS},
		{{6, 17, 0}, UDMABUF_VMAP_WORKS},
		{{7, 2, 12}, UDMABUF_VMAP_WORKS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_int_eq(udmabuf_vmap_of(&cases[i].release),
				 cases[i].vmap);
}
END_TEST

START_TEST(limits_are_read)
{
	struct udmabuf_limits limits;

	assert_limits(64 * MIB, 1024);
	put("size_limit_mb", "-1\n");
	ck_assert_int_lt(udmabuf_limits_read(directory, &limits), 0);
	drop("size_limit_mb");
	ck_assert_int_eq(udmabuf_limits_read(directory, &limits), -ENOENT);
}
END_TEST

START_TEST(limits_rise_by_need)
{
	ck_assert_int_eq(raise(&new, 64 * MIB, 1024, NULL), 0);
	assert_limits(64 * MIB, 1024);
	ck_assert_int_eq(raise(&new, 1, 1, NULL), 0);
	assert_limits(64 * MIB, 1024);
	ck_assert_int_eq(raise(&new, 64 * MIB + 1, 1024, NULL), 0);
	assert_limits(65 * MIB, 1024);
	ck_assert_int_eq(raise(&new, 64 * MIB, 1025, NULL), 0);
	assert_limits(65 * MIB, 1025);
}
END_TEST

/* A size that the kernel would compute wrongly is worse than a low one. */
START_TEST(limits_stay_where_the_kernel_counts)
{
	ck_assert_int_eq(raise(&old, 2048 * MIB, 1, NULL), 0);
	assert_limits(2047 * MIB, 1024);
	ck_assert_int_eq(raise(&new, 2048 * MIB, 1, NULL), 0);
	assert_limits(2048 * MIB, 1024);
	ck_assert_int_eq(raise(&new, UINT64_MAX, UINT64_MAX, NULL), 0);
	assert_limits(INT32_MAX * MIB, INT32_MAX);
}
END_TEST

START_TEST(limits_that_cannot_rise)
{
	struct error why = ERROR_INIT;
	char path[128];

	/* where there is nothing to read, nothing is written */
	drop("list_limit");
	ck_assert_int_lt(raise(&new, MIB, 2048, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.text, "cannot read"));
	put("list_limit", "7\n");
	(void)snprintf(path, sizeof(path), "%s/list_limit", directory);
	ck_assert_int_eq(chmod(path, 0400), 0);
	if (access(path, W_OK) == 0)
		return; /* root, who may do all with a plain file */
	ck_assert_int_eq(raise(&new, MIB, 2048, &why), -EACCES);
	ck_assert_ptr_nonnull(strstr(why.text, "list_limit to 2048"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udmabuf");
	TCase *device = harness_case(suite, "device");
	TCase *limits = harness_case(suite, "limits");

	tcase_add_test(device, open_says_why_not);
	tcase_add_test(device, other_devices_make_none);
	tcase_add_test(device, releases_are_judged);
	tcase_add_checked_fixture(limits, make_directory, drop_directory);
	tcase_add_test(limits, limits_are_read);
	tcase_add_test(limits, limits_rise_by_need);
	tcase_add_test(limits, limits_stay_where_the_kernel_counts);
	tcase_add_test(limits, limits_that_cannot_rise);
	return harness_run(suite);
}
