/* SPDX-License-Identifier: MIT */
#include "daemon/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include "proto/channel.h"
#include "tests/harness.h"
#include "tests/lingering.h"
#include "util/fd.h"

static struct loop *loop;
static struct accounts accounts;
static struct account *account;
static struct closer closer;
static int near, far; /* the connection, and what its peer has */

static void before(void)
{
	int pair[2];

	ck_assert_int_eq(loop_new(&loop), 0);
	accounts_init(&accounts);
	account = account_get_ref(&accounts, 1000);
	ck_assert_ptr_nonnull(account);
	closer_init(&closer, true, loop, &accounts);
	ck_assert_int_eq(socketpair(AF_UNIX,
				    SOCK_SEQPACKET | SOCK_CLOEXEC |
					    SOCK_NONBLOCK,
				    0, pair),
			 0);
	near = pair[0];
	far = pair[1];
}

static void after(void)
{
	far = fd_close(far);
	closer_deinit(&closer);
	ck_assert_uint_eq(account->n_clients, 0);
	account = account_unref(&accounts, account);
	loop = loop_free(loop);
}

static void hang_up(int fd)
{
	closer_hang_up_consume(&closer, fd, account);
}

static void expect_end(int fd)
{
	char byte;

	errno = 0;
	ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
	ck_assert(errno == 0 || errno == ECONNRESET);
}

static void wait_for(size_t n_hang_ups)
{
	while (closer.n_hang_ups > n_hang_ups)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(closer.n_hang_ups, n_hang_ups);
	ck_assert_uint_eq(account->n_clients, n_hang_ups);
}

START_TEST(closes_here_where_the_kernel_refuses_descriptors)
{
	closer.wary = false;
	ck_assert_int_eq(channel_send(far, "unread", 6, NULL, 0), 0);
	hang_up(near);
	ck_assert_uint_eq(closer.n_hang_ups, 0);
	expect_end(far);
}
END_TEST

START_TEST(closes_here_what_has_an_empty_queue)
{
	hang_up(near);
	ck_assert_uint_eq(closer.n_hang_ups, 0);
	ck_assert_ptr_null(closer.watch);
	expect_end(far);
}
END_TEST

/* Whatever waits, an empty datagram too. */
START_TEST(closes_beside_the_loop_what_has_messages)
{
	ck_assert_int_eq(send(far, "message", _i ? 7 : 0, 0), _i ? 7 : 0);
	hang_up(near);
	ck_assert_uint_eq(closer.n_hang_ups, 1);
	ck_assert_uint_eq(account->n_clients, 1);
	wait_for(0);
	expect_end(far);
}
END_TEST

START_TEST(is_not_held_up_by_what_lingers)
{
	struct lingering lingering;
	int other[2];

	lingering_init(&lingering);
	ck_assert_int_eq(channel_send(far, "x", (size_t)_i, &lingering.fd, 1),
			 0);
	lingering.fd = fd_close(lingering.fd);
	hang_up(near);
	expect_end(far);

	/* nor are others */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    other),
			 0);
	ck_assert_int_eq(channel_send(other[1], "x", 1, NULL, 0), 0);
	hang_up(other[0]);
	ck_assert_uint_eq(closer.n_hang_ups, 2);
	ck_assert_uint_eq(account->n_clients, 2);
	wait_for(1);
	(void)fd_close(other[1]);

	lingering_deinit(&lingering);
	wait_for(0);
}
END_TEST

START_TEST(leaves_to_its_thread_what_still_lingers_at_the_end)
{
	struct lingering lingering;

	lingering_init(&lingering);
	ck_assert_int_eq(channel_send(far, "x", 1, &lingering.fd, 1), 0);
	lingering.fd = fd_close(lingering.fd);
	hang_up(near);
	closer_deinit(&closer);
	/* The thread frees the number first, and then it lingers. */
	while (fcntl(near, F_GETFD) >= 0)
		(void)sched_yield();
	ck_assert_uint_eq(account->n_clients, 0);
	closer_init(&closer, true, loop, &accounts);
	lingering_deinit(&lingering);
}
END_TEST

START_TEST(charges_nobody_where_there_is_no_account)
{
	ck_assert_int_eq(channel_send(far, "x", 1, NULL, 0), 0);
	closer_hang_up_consume(&closer, near, NULL);
	ck_assert_uint_eq(closer.n_hang_ups, 1);
	ck_assert_uint_eq(account->n_clients, 0);
	wait_for(0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closer");
	TCase *tcase = harness_case(suite, "closer");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, closes_here_where_the_kernel_refuses_descriptors);
	tcase_add_test(tcase, closes_here_what_has_an_empty_queue);
	tcase_add_loop_test(tcase, closes_beside_the_loop_what_has_messages, 0,
			    2);
	tcase_add_test(tcase, charges_nobody_where_there_is_no_account);
	if (harness_is_valgrind()) /* a close(2) holds up all threads there */
		return harness_run(suite);
	tcase_add_loop_test(tcase, is_not_held_up_by_what_lingers, 0, 2);
	tcase_add_test(tcase,
		       leaves_to_its_thread_what_still_lingers_at_the_end);
	return harness_run(suite);
}
