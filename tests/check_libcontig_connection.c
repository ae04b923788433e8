/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/descriptor_limit.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Finding the daemon, the handshake with every wrong answer to it, and what
 * becomes of a connection when the daemon is restarted.
 */

static struct fake fake;
static struct contig *contig;

static void with(fake_script *script, void *data)
{
	fake_start(&fake, script, data);
}

START_TEST(says_where_nobody_listens)
{
	char path[108];

	contig = (void *)&fake;
	ck_assert_int_eq(contig_open(&contig, "/nonexistent/socket"), -ENOENT);
	ck_assert_int_eq(contig_open(&contig, ""), -ENOENT);
	memset(path, 'p', sizeof(path));
	path[107] = '\0';
	ck_assert_int_eq(contig_open(&contig, path), -ENOENT);
	ck_assert_ptr_eq(contig, (void *)&fake); /* left alone */
}
END_TEST

START_TEST(refuses_a_path_too_long_for_a_socket)
{
	char path[109];

	memset(path, 'p', sizeof(path));
	path[108] = '\0';
	ck_assert_int_eq(contig_open(&contig, path), -ENAMETOOLONG);
}
END_TEST

START_TEST(closing_nothing_is_harmless)
{
	ck_assert_ptr_null(contig_close(NULL));
}
END_TEST

START_TEST(shakes_hands_and_takes_the_path_from_the_environment)
{
	struct contig_status status;

	with(fake_serve, NULL);
	ck_assert_int_eq(setenv("CONTIG_SOCKET", fake.path, 1), 0);
	ck_assert_int_eq(contig_open(&contig, NULL), 0);
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	ck_assert_ptr_null(contig_close(contig));
	fake_stop(&fake);
}
END_TEST

/* An epoll instance, an eventfd and a socket are needed. */
START_TEST(says_where_no_descriptor_is_left)
{
	struct rlimit before;
	int r;

	with(fake_serve, NULL);
	descriptor_limit_lower(_i, &before);
	r = contig_open(&contig, fake.path);
	descriptor_limit_restore(&before);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

START_TEST(an_empty_variable_counts_as_none)
{
	ck_assert_int_eq(setenv("CONTIG_SOCKET", "", 1), 0);
	/* The built-in path exists only where a daemon is installed. */
	if (access("/run/contigd/contigd.sock", F_OK) == 0)
		return;
	ck_assert_int_eq(contig_open(&contig, NULL), -ENOENT);
}
END_TEST

/* ---- handshake ---------------------------------------------------------- */

static void hang_up(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	if (*(const bool *)f->data)
		fake_expect(f, fd, CONTIG_MSG_HELLO);
}

START_TEST(notices_a_daemon_that_hangs_up)
{
	bool after_the_greeting = _i;

	with(hang_up, &after_the_greeting);
	ck_assert_int_eq(contig_open(&contig, fake.path), -ECONNRESET);
	fake_stop(&fake);
}
END_TEST

static const struct {
	uint32_t reason;
	int error;
} refusals[] = {
	{CONTIG_MSG_R_MALFORMED, -EPROTO}, {CONTIG_MSG_R_VERSION, -EPROTO},
	{CONTIG_MSG_R_QUOTA, -EDQUOT},	   {CONTIG_MSG_R_DENIED, -EACCES},
	{CONTIG_MSG_R_RESOURCE, -EIO},
};

/* Without having listened, and about the connection: serial 0. */
static void turn_away(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	memset(&f->in, 0, sizeof(f->in));
	fake_answer_error(f, fd, *(const uint32_t *)f->data, "go away");
}

static void refuse_greeting(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_expect(f, fd, CONTIG_MSG_HELLO);
	fake_answer_error(f, fd, *(const uint32_t *)f->data, "go away");
}

START_TEST(passes_on_why_it_is_turned_away)
{
	uint32_t reason = refusals[_i].reason;

	with(turn_away, &reason);
	ck_assert_int_eq(contig_open(&contig, fake.path), refusals[_i].error);
	fake_stop(&fake);
	with(refuse_greeting, &reason);
	ck_assert_int_eq(contig_open(&contig, fake.path), refusals[_i].error);
	fake_stop(&fake);
}
END_TEST

enum wrong_greeting {
	WRONG_SERIAL,
	WRONG_VERSION,
	WRONG_OPCODE,
	WRONG_SIZE,
	WRONG_PADDING,
	WRONG_DESCRIPTOR,
	WRONG_GREETINGS
};

static void greet_wrongly(struct fake *f, int fd, unsigned int n)
{
	union message reply;
	int wrong = *(const int *)f->data;

	(void)n;
	fake_expect(f, fd, CONTIG_MSG_HELLO);
	fake_prepare(f, &reply, 0);
	reply.hello_reply.version = CONTIG_PROTOCOL_VERSION;
	if (wrong == WRONG_SERIAL)
		reply.header.serial++;
	if (wrong == WRONG_VERSION)
		reply.hello_reply.version++;
	if (wrong == WRONG_OPCODE) { /* a good reply, but to something else */
		reply.header.opcode = CONTIG_MSG_CPU_END | CONTIG_MSG_REPLY;
		reply.header.size = sizeof(reply.plain);
	}
	if (wrong == WRONG_SIZE)
		reply.header.size += 8;
	if (wrong == WRONG_PADDING)
		reply.hello_reply.zero = 1;
	fake_send(fd, &reply, &fd, wrong == WRONG_DESCRIPTOR);
	ck_assert(!fake_receive(f, fd));
}

START_TEST(believes_no_wrong_greeting)
{
	int wrong = _i;

	with(greet_wrongly, &wrong);
	ck_assert_int_eq(contig_open(&contig, fake.path), -EPROTO);
	fake_stop(&fake);
}
END_TEST

/* ---- restart ------------------------------------------------------------ */

/* A daemon that answers one request and ends when the test says so. */
struct restart {
	sem_t end, ended;
};

static void answer_once(struct fake *f, int fd, unsigned int n)
{
	struct restart *restart = f->data;

	(void)n;
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_STATUS);
	fake_answer_plain(f, fd);
	ck_assert_int_eq(sem_wait(&restart->end), 0);
	ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
	ck_assert_int_eq(sem_post(&restart->ended), 0);
}

static void ask_and_end(struct restart *restart)
{
	struct contig_status status;

	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	ck_assert_int_eq(sem_post(&restart->end), 0);
	ck_assert_int_eq(sem_wait(&restart->ended), 0);
}

static void with_restart(struct restart *restart)
{
	ck_assert_int_eq(sem_init(&restart->end, 0, 0), 0);
	ck_assert_int_eq(sem_init(&restart->ended, 0, 0), 0);
	with(answer_once, restart);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

START_TEST(connects_anew_where_the_daemon_was_restarted_in_between)
{
	struct restart restart;
	int poll_fd;

	with_restart(&restart);
	poll_fd = contig_poll_fd(contig);
	for (int i = 0; i < 5; i++)
		ask_and_end(&restart);
	ck_assert_int_eq(contig_poll_fd(contig), poll_fd);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

START_TEST(dispatching_an_end_leaves_nothing_to_poll)
{
	struct pollfd readable = {.events = POLLIN};
	struct restart restart;

	with_restart(&restart);
	ask_and_end(&restart);
	readable.fd = contig_poll_fd(contig);
	ck_assert_int_eq(poll(&readable, 1, -1), 1);
	ck_assert_int_eq(contig_dispatch(contig), 0);
	ck_assert_int_eq(poll(&readable, 1, 0), 0);
	ask_and_end(&restart);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

static void greet_and_leave(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
}

START_TEST(gives_up_on_a_daemon_that_ends_every_connection)
{
	struct contig_status status;

	with(greet_and_leave, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	ck_assert_int_eq(contig_get_status(contig, &status), -ECONNRESET);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

START_TEST(says_where_the_daemon_does_not_come_back)
{
	struct pollfd readable = {.events = POLLIN};
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	struct contig_failure failure;

	with(greet_and_leave, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	readable.fd = contig_poll_fd(contig);
	ck_assert_int_eq(poll(&readable, 1, -1), 1);
	fake_stop(&fake);
	request.size_bytes = 1;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, &failure),
			 -ENOENT);
	ck_assert_int_eq(failure.error, -ENOENT);
	ck_assert_int_eq(failure.reason, CONTIG_REASON_NONE);
	ck_assert_ptr_nonnull(strstr(failure.text, fake.path));
	contig_close(contig);
}
END_TEST

/* ---- fork --------------------------------------------------------------- */

static int child(struct contig_buffer *buffer)
{
	struct contig_status status;
	bool good = true;
	void *map;

	good &= contig_map(buffer, CONTIG_READ, &map) == 0;
	good &= contig_get_status(contig, &status) == -ENOTCONN;
	good &= contig_dispatch(contig) == 0;
	good &= !contig_release(buffer);
	good &= !contig_close(contig);
	return good ? 0 : 1;
}

START_TEST(a_child_leaves_the_parents_connection_alone)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct pollfd readable = {.events = POLLIN};
	struct contig_buffer *buffer;
	struct contig_status status;
	int wait_status;
	pid_t pid;

	with(fake_serve, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	request.size_bytes = 4096;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(child(buffer));
	ck_assert_int_eq(waitpid(pid, &wait_status, 0), pid);
	ck_assert_int_eq(wait_status, 0);
	readable.fd = contig_poll_fd(contig);
	ck_assert_int_eq(poll(&readable, 1, 0), 0);
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	contig_release(buffer);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig connection");
	TCase *tcase = harness_case(suite, "finding");

	tcase_add_test(tcase, says_where_nobody_listens);
	tcase_add_test(tcase, refuses_a_path_too_long_for_a_socket);
	tcase_add_test(tcase, closing_nothing_is_harmless);
	tcase_add_test(tcase,
		       shakes_hands_and_takes_the_path_from_the_environment);
	tcase_add_loop_test(tcase, says_where_no_descriptor_is_left, 0, 3);
	tcase_add_test(tcase, an_empty_variable_counts_as_none);

	tcase = harness_case(suite, "handshake");
	tcase_add_loop_test(tcase, notices_a_daemon_that_hangs_up, 0, 2);
	tcase_add_loop_test(tcase, passes_on_why_it_is_turned_away, 0,
			    sizeof(refusals) / sizeof(*refusals));
	tcase_add_loop_test(tcase, believes_no_wrong_greeting, 0,
			    WRONG_GREETINGS);

	tcase = harness_case(suite, "restart");
	tcase_add_test(tcase,
		       connects_anew_where_the_daemon_was_restarted_in_between);
	tcase_add_test(tcase, dispatching_an_end_leaves_nothing_to_poll);
	tcase_add_test(tcase, gives_up_on_a_daemon_that_ends_every_connection);
	tcase_add_test(tcase, says_where_the_daemon_does_not_come_back);

	tcase = harness_case(suite, "fork");
	tcase_add_test(tcase, a_child_leaves_the_parents_connection_alone);
	return harness_run(suite);
}
