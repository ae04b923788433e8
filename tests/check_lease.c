/* SPDX-License-Identifier: MIT */
#include "daemon/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/holder.h"
#include "util/fd.h"

/*
 * The truth table of the evidence, one row a way of holding; the seals; and
 * what an O_PATH descriptor, which no count sees, can and cannot do.
 */

#define SIZE 8192

static int create(uint64_t size_bytes)
{
	struct error why = ERROR_INIT;
	int fd = lease_create("frame", size_bytes, NULL, &why);

	ck_assert_msg(fd >= 0, "%s", why.text);
	return fd;
}

START_TEST(nobody_holds_a_new_one)
{
	int fd = create(SIZE);

	ck_assert_int_eq(lease_held(fd), 0);
	ck_assert_int_eq(lease_held(fd), 0);
	(void)fd_close(fd);
}
END_TEST

START_TEST(held_in_every_way)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct holder holder;
	int fd = create(SIZE);

	holder_take(&holder, kind, lease_lend(fd), SIZE);
	ck_assert_msg(lease_held(fd) == 1, "%s", holder_name(kind));
	ck_assert_msg(lease_held(fd) == 1, "%s", holder_name(kind));
	holder_drop(&holder);
	ck_assert_msg(lease_held(fd) == 0, "%s", holder_name(kind));
	(void)fd_close(fd);
}
END_TEST

START_TEST(held_until_the_last_one)
{
	struct holder first, second;
	int fd = create(SIZE);

	holder_take(&first, HOLDER_MAPPING, lease_lend(fd), SIZE);
	holder_take(&second, HOLDER_IN_FLIGHT, lease_lend(fd), SIZE);
	holder_drop(&first);
	ck_assert_int_eq(lease_held(fd), 1);
	holder_drop(&second);
	ck_assert_int_eq(lease_held(fd), 0);
	(void)fd_close(fd);
}
END_TEST

START_TEST(reads_and_writes_within_the_file)
{
	char bytes[SIZE], back[SIZE];
	int fd = create(SIZE);

	memset(bytes, 'w', sizeof(bytes));
	ck_assert_int_eq(lease_write(fd, bytes, SIZE - 1, 1), 0);
	ck_assert_int_eq(lease_read(fd, back, SIZE, 0), 0);
	ck_assert_int_eq(back[0], 0);
	ck_assert_mem_eq(back + 1, bytes, SIZE - 1);
	ck_assert_int_eq(lease_write(fd, bytes, 0, SIZE), 0);
	ck_assert_int_eq(lease_read(fd, back, 0, SIZE), 0);
	ck_assert_int_eq(lease_write(fd, bytes, SIZE, 1), -EIO);
	ck_assert_int_eq(lease_read(fd, back, SIZE, 1), -EIO);
	ck_assert_int_eq(lease_write(fd, bytes, 1, SIZE), -EIO);
	ck_assert_int_eq(lease_read(fd, back, 1, SIZE), -EIO);
	/* and neither is seen as a holder */
	ck_assert_int_eq(lease_held(fd), 0);
	(void)fd_close(fd);
	ck_assert_int_eq(lease_write(-1, bytes, 1, 0), -EBADF);
	ck_assert_int_eq(lease_read(-1, back, 1, 0), -EBADF);
}
END_TEST

START_TEST(evidence_of_nothing_is_an_error)
{
	ck_assert_int_eq(lease_held(-1), -EBADF);
	ck_assert_int_lt(lease_lend(-1), 0);
}
END_TEST

START_TEST(size_is_exact_and_zero)
{
	char bytes[SIZE + 1], zero[SIZE] = {0};
	int fd = create(SIZE);

	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 0), SIZE);
	ck_assert_mem_eq(bytes, zero, SIZE);
	(void)fd_close(fd);
}
END_TEST

START_TEST(size_limits)
{
	struct error why = ERROR_INIT;

	ck_assert_int_eq(lease_create("x", 0, NULL, &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "no size"));
	ck_assert_int_eq(lease_create("x", UINT64_C(1) << 63, NULL, &why),
			 -EFBIG);
	ck_assert_ptr_nonnull(strstr(why.text, "9223372036854775808"));
	(void)fd_close(create(1));
	(void)fd_close(create(UINT64_C(1) << 40)); /* no page is touched */
	(void)fd_close(create(INT64_MAX));
}
END_TEST

START_TEST(name_limits)
{
	struct error why = ERROR_INIT;
	char name[LEASE_NAME_BYTES + 1];
	int fd;

	memset(name, 'n', LEASE_NAME_BYTES);
	name[LEASE_NAME_BYTES] = '\0';
	ck_assert_int_eq(lease_create(name, SIZE, NULL, &why), -EINVAL);
	name[LEASE_NAME_BYTES - 1] = '\0';
	fd = lease_create(name, SIZE, NULL, &why);
	ck_assert_msg(fd >= 0, "%s", why.text);
	(void)fd_close(fd);
	fd = lease_create("", SIZE, NULL, &why);
	ck_assert_msg(fd >= 0, "%s", why.text);
	(void)fd_close(fd);
}
END_TEST

START_TEST(holders_read_the_token)
{
	char link[64], path[256], expected[256];
	uint64_t token = 0, other = 0;
	int fd = lease_create("frame/0", SIZE, &token, NULL);
	int second = lease_create("frame/0", SIZE, &other, NULL);
	int lent = lease_lend(fd);
	ssize_t n;

	ck_assert_uint_ne(token, 0);
	ck_assert_uint_ne(token, other);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", lent);
	n = readlink(link, path, sizeof(path) - 1);
	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	(void)snprintf(expected, sizeof(expected),
		       "/memfd:contig-%016" PRIx64 "-frame/0 (deleted)", token);
	ck_assert_str_eq(path, expected);
	(void)fd_close(lent);
	(void)fd_close(second);
	(void)fd_close(fd);
}
END_TEST

START_TEST(seals_hold)
{
	int fd = create(SIZE), lent = lease_lend(fd);

	ck_assert_int_eq(ftruncate(lent, SIZE - 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(lent, SIZE + 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(fallocate(lent, 0, SIZE, 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(fcntl(lent, F_ADD_SEALS, F_SEAL_WRITE), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(lent, SIZE), 0);
	ck_assert(lease_is_sealed(fd) && lease_is_sealed(lent));
	(void)fd_close(lent);
	(void)fd_close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* knows no seals */
	ck_assert(!lease_is_sealed(fd));
	(void)fd_close(fd);
}
END_TEST

START_TEST(descriptors_close_on_exec)
{
	int fd = create(SIZE), lent = lease_lend(fd);

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(lent, F_GETFD), FD_CLOEXEC);
	(void)fd_close(lent);
	(void)fd_close(fd);
}
END_TEST

START_TEST(lent_file_is_the_same)
{
	struct stat own, lent_stat;
	int fd = create(SIZE), lent = lease_lend(fd);

	ck_assert_int_eq(fstat(fd, &own), 0);
	ck_assert_int_eq(fstat(lent, &lent_stat), 0);
	ck_assert_uint_eq(own.st_ino, lent_stat.st_ino);
	ck_assert_uint_eq(own.st_dev, lent_stat.st_dev);
	ck_assert_int_eq(pwrite(lent, "pixel", 5, 100), 5);
	(void)fd_close(lent);
	(void)fd_close(fd);
}
END_TEST

static atomic_bool stop_opening;

static void *open_again_and_again(void *data)
{
	const int *path_fd = data;

	while (!atomic_load(&stop_opening))
		(void)fd_close(fd_reopen(*path_fd, O_RDWR | O_NONBLOCK));
	return NULL;
}

/* Opening the file while the lease is taken must not cost the daemon its life:
 * without the choice of the signal, this process ends by SIGIO. */
START_TEST(breaking_the_lease_is_harmless)
{
	int fd = create(SIZE), path_fd = fd_reopen(fd, O_PATH);
	int granted = 0, refused = 0;
	pthread_t opener;

	ck_assert_int_ge(path_fd, 0);
	ck_assert_int_eq(
		pthread_create(&opener, NULL, open_again_and_again, &path_fd),
		0);
	while (granted < 500 || refused < 500) {
		int r = lease_held(fd);

		ck_assert_int_ge(r, 0);
		ck_assert_int_le(r, 1);
		granted += r == 0;
		refused += r == 1;
	}
	atomic_store(&stop_opening, true);
	ck_assert_int_eq(pthread_join(opener, NULL), 0);
	(void)fd_close(path_fd);
	(void)fd_close(fd);
}
END_TEST

START_TEST(lease_speaks_through_an_ignored_signal)
{
	struct holder holder;
	int fd = create(SIZE);

	ck_assert_int_eq(lease_held(fd), 0);
	holder_take(&holder, HOLDER_DESCRIPTOR, lease_lend(fd), SIZE);
	ck_assert_int_eq(lease_held(fd), 1);
	ck_assert_int_eq(fcntl(fd, F_GETSIG), SIGURG);
	holder_drop(&holder);
	(void)fd_close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lease");
	TCase *evidence = harness_case(suite, "evidence");
	TCase *object = harness_case(suite, "object");

	tcase_add_test(evidence, nobody_holds_a_new_one);
	tcase_add_loop_test(evidence, held_in_every_way, 0, HOLDER_KINDS);
	tcase_add_test(evidence, held_until_the_last_one);
	tcase_add_test(evidence, reads_and_writes_within_the_file);
	tcase_add_test(evidence, evidence_of_nothing_is_an_error);
	tcase_add_test(evidence, breaking_the_lease_is_harmless);
	tcase_add_test(evidence, lease_speaks_through_an_ignored_signal);
	tcase_add_test(object, size_is_exact_and_zero);
	tcase_add_test(object, size_limits);
	tcase_add_test(object, name_limits);
	tcase_add_test(object, holders_read_the_token);
	tcase_add_test(object, seals_hold);
	tcase_add_test(object, descriptors_close_on_exec);
	tcase_add_test(object, lent_file_is_the_same);
	return harness_run(suite);
}
