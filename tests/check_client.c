/* SPDX-License-Identifier: MIT */
#include "daemon/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/server.h"
#include "proto/channel.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/lingering.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The server in the test's own process, so that the test can see what a client
 * has made it keep, and can move its clock.
 */

#define MIB (UINT64_C(1) << 20)

static struct loop *loop;
static struct lender *lender;
static struct configuration config;
static struct policy policy;
static struct service service;
static struct server *server;
static struct fake fake;
static char dir[32], path[48];
static int listen_fd, fd;
static union message message;

static void turn(int n)
{
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(loop_turn(loop, false), 0);
}

static void send_request(uint16_t opcode, uint32_t serial)
{
	uint32_t size = form_find(opcode)->request_bytes;

	message.header = (struct contig_msg_header){
		.size = size,
		.opcode = opcode,
		.serial = serial,
	};
	ck_assert_int_eq(channel_send(fd, &message, size, NULL, 0), 0);
}

static void send_alloc(uint32_t serial, uint32_t count)
{
	memset(&message, 0, sizeof(message.alloc));
	message.alloc.size_bytes = 4096;
	message.alloc.count = count;
	send_request(CONTIG_MSG_ALLOC, serial);
}

/* One answer that is there already; false: there is none. */
static bool receive(void)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	size_t size;
	int r = channel_receive_fds(fd, &message, sizeof(message), &size, &fds);

	channel_fds_close(&fds);
	return r == 0;
}

static struct client *client(void)
{
	return list_first(&server->clients, struct client, link);
}

static void before(void)
{
	struct region *region;

	log_set_level(0);
	(void)strcpy(dir, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	listen_fd = channel_listen(path, 5);
	ck_assert_int_ge(listen_fd, 0);
	config_init(&config);
	policy_init(&policy, &config, geteuid());
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	service_init(&service, lender, &policy);
	region = fake_region(&fake, 1, "test", MIB, true);
	region->dirt.ticketp = &lender->ticket;
	ck_assert_int_eq(lender_add_region_consume(lender, region), 0);
	ck_assert_int_eq(server_new(&server, loop, &service, listen_fd, 1024),
			 0);
	fd = channel_connect(path);
	ck_assert_int_ge(fd, 0);
	memset(&message, 0, sizeof(message.hello));
	message.hello.version_min = 1;
	message.hello.version_max = 1;
	send_request(CONTIG_MSG_HELLO, 1);
	turn(3);
	ck_assert_uint_eq(server->n_clients, 1);
	ck_assert(receive());
}

static void after(void)
{
	fd = fd_close(fd);
	server = server_free(server);
	lender = lender_free(lender);
	loop = loop_free(loop);
	(void)fd_close(listen_fd);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

#define MOST CONTIG_MSG_MAX_BUFFERS

/* The second ALLOC is kept, not looked at, and nothing behind it is read. */
START_TEST(descriptors_wait_for_an_empty_queue)
{
	send_alloc(2, MOST);
	send_alloc(3, 1);
	send_alloc(4, MOST);
	turn(5);
	ck_assert_uint_eq(lender->registry.n_buffers, MOST);
	ck_assert_ptr_nonnull(client()->held);
	ck_assert(!client()->held->is_answer);
	ck_assert(!list_empty(&server->stalled));

	ck_assert(receive());
	ck_assert_uint_eq(message.header.serial, 2);
	ck_assert(!receive());
	while (lender->registry.n_buffers < MOST + 1)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert(receive());
	ck_assert_uint_eq(message.header.serial, 3);
	while (lender->registry.n_buffers < 2 * MOST + 1)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert(receive());
	turn(3);
	ck_assert_ptr_null(client()->held);
	ck_assert(list_empty(&server->stalled));
}
END_TEST

/* Of answers that carry few, so many may wait as make one that carries most. */
START_TEST(few_descriptors_do_not_wait)
{
	for (uint32_t i = 0; i < MOST + 1; i++)
		send_alloc(2 + i, 1);
	turn(2 * MOST); /* one may be as long as a turn */
	ck_assert_uint_eq(lender->registry.n_buffers, MOST);
	ck_assert_ptr_nonnull(client()->held);
	for (uint32_t i = 0; i < MOST; i++)
		ck_assert(receive());
	while (client()->held)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(lender->registry.n_buffers, MOST + 1);

	/* it has read all but one */
	send_alloc(2, MOST);
	turn(5);
	ck_assert_ptr_nonnull(client()->held);
	ck_assert(receive());
	while (client()->held)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(lender->registry.n_buffers, 2 * MOST + 1);
}
END_TEST

START_TEST(whoever_never_reads_is_disconnected)
{
	send_alloc(2, MOST);
	send_alloc(3, 1);
	turn(5);
	ck_assert_ptr_nonnull(client()->held);
	client()->stalled_ms = clock_ms() - CLIENT_STALL_LIMIT_MS + 5000;
	client_turn(&client()->turn);
	ck_assert_uint_eq(server->n_clients, 1);
	client()->stalled_ms = clock_ms() - CLIENT_STALL_LIMIT_MS;
	client_turn(&client()->turn);
	ck_assert_uint_eq(server->n_clients, 0);
	ck_assert(list_empty(&server->stalled));
}
END_TEST

static uint32_t receive_all(void)
{
	uint32_t n = 0;

	while (receive())
		n++;
	return n;
}

static void send_many(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		send_request(CONTIG_MSG_STATUS, i + 2);
}

/* However much there is to read, the loop polls in between. */
START_TEST(a_turn_has_an_end)
{
	uint32_t n;

	send_many(CLIENT_LONE_MESSAGES + 1);
	client_turn(&client()->turn);
	ck_assert(!list_empty(&client()->turn.link));
	n = receive_all();
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, CLIENT_LONE_MESSAGES);
	turn(2 * CLIENT_LONE_MESSAGES);
	n += receive_all();
	ck_assert_uint_eq(n, CLIENT_LONE_MESSAGES + 1);
	ck_assert(list_empty(&client()->turn.link));
}
END_TEST

START_TEST(a_turn_is_shorter_where_somebody_waits)
{
	struct account *other = account_get_ref(&lender->accounts, 12345);
	struct turn waiting;
	uint32_t n;

	ck_assert_ptr_nonnull(other);
	turn_init(&waiting, other);
	turns_add(&server->turns, &waiting);
	send_many(CLIENT_TURN_MESSAGES + 1);
	client_turn(&client()->turn);
	ck_assert(!list_empty(&client()->turn.link));
	n = receive_all();
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, CLIENT_TURN_MESSAGES);
	turn_remove(&waiting);
	(void)account_unref(&lender->accounts, other);
}
END_TEST

START_TEST(gone_is_noticed_in_every_wait)
{
	/* kept from reading by an answer with descriptors, then gone */
	send_alloc(2, MOST);
	send_alloc(3, 1);
	turn(5);
	ck_assert_ptr_nonnull(client()->held);
	fd = fd_close(fd);
	turn(3);
	ck_assert_uint_eq(server->n_clients, 0);
	ck_assert_uint_eq(service.n_sessions, 0);
}
END_TEST

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* As on a kernel that cannot refuse descriptors at the sender. */
static void let_descriptors_in(void)
{
	const int yes = 1;

	(void)setsockopt(client()->fd, SOL_SOCKET, SO_PASSRIGHTS, &yes,
			 sizeof(yes));
	server->closer.wary = true;
}

START_TEST(a_descriptor_that_lingers_holds_nobody_up)
{
	struct lingering lingering;

	lingering_init(&lingering);
	let_descriptors_in();
	ck_assert_int_eq(channel_send(fd, "x", 1, &lingering.fd, 1), 0);
	lingering.fd = fd_close(lingering.fd);
	turn(3);
	ck_assert_uint_eq(server->n_clients, 0);
	ck_assert_uint_eq(server->closer.n_hang_ups, 1);
	ck_assert_uint_eq(account_find(&lender->accounts, geteuid())->n_clients,
			  1);
	ck_assert(receive());
	ck_assert_uint_eq(message.header.opcode, CONTIG_MSG_ERROR);

	lingering_deinit(&lingering);
	while (server->closer.n_hang_ups > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_ptr_null(account_find(&lender->accounts, geteuid()));
}
END_TEST

START_TEST(a_wary_server_serves_as_any_other)
{
	let_descriptors_in();
	send_alloc(2, 1);
	turn(3);
	ck_assert(receive());
	ck_assert_uint_eq(message.header.opcode,
			  CONTIG_MSG_ALLOC | CONTIG_MSG_REPLY);
	fd = fd_close(fd);
	turn(3);
	ck_assert_uint_eq(server->n_clients, 0);
	ck_assert_uint_eq(server->closer.n_hang_ups, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = harness_case(suite, "client");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, descriptors_wait_for_an_empty_queue);
	tcase_add_test(tcase, few_descriptors_do_not_wait);
	tcase_add_test(tcase, whoever_never_reads_is_disconnected);
	tcase_add_test(tcase, a_turn_has_an_end);
	tcase_add_test(tcase, a_turn_is_shorter_where_somebody_waits);
	tcase_add_test(tcase, gone_is_noticed_in_every_wait);
	if (!harness_is_valgrind()) /* a close(2) holds up all threads there */
		tcase_add_test(tcase, a_descriptor_that_lingers_holds_nobody_up);
	tcase_add_test(tcase, a_wary_server_serves_as_any_other);
	return harness_run(suite);
}
