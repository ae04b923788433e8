/* SPDX-License-Identifier: MIT */
#include "daemon/request.h"

#include <stdlib.h>
#include <string.h>

#include "proto/validate.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "util/log.h"

/*
 * Requests without a socket: sessions of two users and an administrator, a
 * region whose addresses are real and whose buffers are bounced, and every
 * answer judged as the library would judge it.
 */

#define MIB	    (UINT64_C(1) << 20)
#define ALICE	    1000
#define BOB	    1001
#define DAEMONS_UID 999
#define REGION_SIZE (8 * MIB)

static struct loop *loop;
static struct lender *lender;
static struct configuration config;
static struct policy policy;
static struct service service;
static struct fake fake;
static struct region *region;
static struct session *alice, *bob, *admin;
static int n_ready;

static union message request, answer;
static struct reply reply = {.message = &answer};

static void ready(void *data)
{
	(void)data;
	n_ready++;
}

static struct session *connect_as(uint32_t uid)
{
	struct credentials credentials = {.uid = uid, .gid = uid, .pid = 7};
	struct session *session;

	ck_assert_int_eq(session_new_consume(&session, &service, &credentials,
					     ready, NULL),
			 0);
	session->greeted = true;
	return session;
}

static void before(void)
{
	log_set_level(0);
	n_ready = 0;
	config_init(&config);
	policy_init(&policy, &config, DAEMONS_UID);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	service_init(&service, lender, &policy);
	region = fake_region(&fake, 1, "camera", REGION_SIZE, true);
	fake.memory.guarantees = CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_PHYS_KNOWN;
	fake.memory.cpu_access = CONTIG_MSG_CPU_BOUNCE;
	region->dirt.ticketp = &lender->ticket;
	ck_assert_int_eq(lender_add_region_consume(lender, region), 0);
	alice = connect_as(ALICE);
	bob = connect_as(BOB);
	admin = connect_as(DAEMONS_UID);
}

static void disconnect(struct session **sessionp)
{
	if (*sessionp)
		*sessionp = session_free(*sessionp);
}

static void after(void)
{
	disconnect(&alice);
	disconnect(&bob);
	disconnect(&admin);
	lender = lender_free(lender);
	loop = loop_free(loop);
	config_deinit(&config);
	fake_deinit(&fake);
}

static void prepare(uint16_t opcode)
{
	uint32_t size = form_find(opcode)->request_bytes;

	memset(&request, 0, size);
	request.header.size = size;
	request.header.opcode = opcode;
	request.header.serial = 5;
}

static enum request_outcome handle(struct session *session)
{
	return request_handle(session, &request, request.header.size, &reply);
}

/* The answer must be one to the request, and sound. */
static void expect_reply(void)
{
	struct error why = ERROR_INIT;

	ck_assert_msg(answer.header.opcode ==
			      (request.header.opcode | CONTIG_MSG_REPLY),
		      "%s",
		      answer.header.opcode == CONTIG_MSG_ERROR
			      ? answer.error.text
			      : "another answer");
	ck_assert_uint_eq(answer.header.serial, 5);
	ck_assert_msg(validate_reply(&answer, reply.size_bytes, reply.n_fds,
				     &why) == 0,
		      "%s", why.text);
}

static void expect_error(uint32_t reason)
{
	ck_assert_uint_eq(answer.header.opcode, CONTIG_MSG_ERROR);
	ck_assert_uint_eq(answer.error.reason, reason);
	ck_assert_uint_eq(answer.header.serial, 5);
}

/* Elements of the answer. */
#define ELEMENTS(type) \
	((const type *)form_elements(form_find(request.header.opcode), &answer))

static void wait_for(struct session *session)
{
	while (session->waiting)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	request_resume(session, &reply);
}

/* Lends to the session; its first entry. */
static struct contig_msg_buffer alloc(struct session *session, uint64_t size,
				      uint32_t count)
{
	struct contig_msg_buffer first;

	prepare(CONTIG_MSG_ALLOC);
	request.alloc.size_bytes = size;
	request.alloc.count = count;
	memcpy(request.alloc.name, "frame", 6);
	if (handle(session) == REQUEST_WAITS)
		wait_for(session);
	expect_reply();
	ck_assert_uint_eq(reply.n_fds, count);
	first = ELEMENTS(struct contig_msg_buffer)[0];
	request_finish(session);
	return first;
}

START_TEST(hello_comes_first_and_once)
{
	alice->greeted = false;
	prepare(CONTIG_MSG_STATUS);
	ck_assert_int_eq(handle(alice), REQUEST_ENDS);
	expect_error(CONTIG_MSG_R_MALFORMED);

	prepare(CONTIG_MSG_HELLO);
	request.hello.version_min = 1;
	request.hello.version_max = UINT32_MAX;
	ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(answer.hello_reply.version, CONTIG_PROTOCOL_VERSION);
	ck_assert(alice->greeted);
	ck_assert_int_eq(handle(alice), REQUEST_ENDS);

	request.hello.version_min = CONTIG_PROTOCOL_VERSION + 1;
	bob->greeted = false;
	ck_assert_int_eq(handle(bob), REQUEST_ENDS);
	expect_error(CONTIG_MSG_R_VERSION);
	ck_assert(!bob->greeted);
}
END_TEST

START_TEST(malformed_ends_and_out_of_range_does_not)
{
	prepare(CONTIG_MSG_STATUS);
	request.header.zero16 = 1;
	ck_assert_int_eq(handle(alice), REQUEST_ENDS);
	expect_error(CONTIG_MSG_R_MALFORMED);
	prepare(CONTIG_MSG_ALLOC);
	ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_ARGUMENT);
	ck_assert_int_eq(request_handle(alice, &request, 3, &reply),
			 REQUEST_ENDS);
	ck_assert_uint_eq(answer.header.serial, 0);
}
END_TEST

START_TEST(status_adds_up)
{
	(void)alloc(alice, MIB, 2);
	prepare(CONTIG_MSG_STATUS);
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(answer.status_reply.total_bytes, REGION_SIZE);
	ck_assert_uint_eq(answer.status_reply.lent_bytes, 2 * MIB);
	ck_assert_uint_eq(answer.status_reply.free_bytes, REGION_SIZE - 2 * MIB);
	ck_assert_uint_eq(answer.status_reply.buffers, 2);
	ck_assert_uint_eq(answer.status_reply.clients, 3);
	ck_assert_uint_eq(answer.status_reply.allocations, 2);
}
END_TEST

START_TEST(addresses_are_told_to_those_who_may)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	ck_assert_uint_eq(entry.flags & CONTIG_MSG_BUFFER_PHYS, 0);
	ck_assert_uint_eq(entry.phys, 0);
	ck_assert_uint_ne(entry.token, 0);
	ck_assert_str_eq(entry.name, "frame");
	ck_assert_str_eq(entry.region, "camera");
	entry = alloc(admin, MIB, 1);
	ck_assert_uint_ne(entry.flags & CONTIG_MSG_BUFFER_PHYS, 0);
	ck_assert_uint_eq(entry.phys, FAKE_BASE + MIB);

	prepare(CONTIG_MSG_LIST_REGIONS);
	ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->base, 0);
	region->public_base = true;
	ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->base, FAKE_BASE);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->flags,
			  CONTIG_MSG_REGION_DEFAULT | CONTIG_MSG_REGION_USABLE);

	/* what has no real address tells none to anybody */
	fake.memory.guarantees = CONTIG_MSG_CONTIGUOUS;
	entry = alloc(admin, MIB, 1);
	ck_assert_uint_eq(entry.phys, 0);
}
END_TEST

START_TEST(lists_go_on_where_they_stopped)
{
	const struct form *form = form_find(CONTIG_MSG_LIST_BUFFERS);
	uint32_t total = 4 * CONTIG_MSG_MAX_BUFFERS, seen = 0;
	uint64_t after = 0;

	for (int i = 0; i < 4; i++)
		(void)alloc(alice, 4096, CONTIG_MSG_MAX_BUFFERS);
	(void)alloc(bob, 4096, 1);
	prepare(CONTIG_MSG_LIST_BUFFERS);
	do {
		request.list.after = after;
		ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
		expect_reply();
		ck_assert_uint_gt(answer.list_reply.count, 0);
		for (uint32_t i = 0; i < answer.list_reply.count; i++) {
			const struct contig_msg_buffer *entry =
				&ELEMENTS(struct contig_msg_buffer)[i];

			ck_assert_uint_gt(entry->id, after);
			ck_assert_uint_eq(entry->owner_uid, ALICE);
			ck_assert_uint_eq(entry->token, 0);
			after = entry->id;
			seen++;
		}
		ck_assert(answer.list_reply.more == 0 ||
			  answer.list_reply.count == form->max_elements);
	} while (answer.list_reply.more);
	ck_assert_uint_eq(seen, total);
	request.list.after = UINT64_MAX;
	ck_assert_int_eq(handle(admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 0);
}
END_TEST

START_TEST(others_are_for_administrators)
{
	(void)alloc(alice, MIB, 1);
	prepare(CONTIG_MSG_LIST_BUFFERS);
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 0);
	ck_assert_int_eq(handle(admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 1);
	prepare(CONTIG_MSG_LIST_CLIENTS);
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(answer.list_reply.count, 1);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_client)->uid, BOB);
	ck_assert_int_eq(handle(admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 3);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_client)->buffers, 1);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_client)->bytes, MIB);
	request.list.after = alice->id;
	ck_assert_int_eq(handle(admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 2);
}
END_TEST

START_TEST(backends_say_what_probing_found)
{
	const struct backend_options options = {
		.devmem_path = "/nonexistent",
		.udmabuf_path = "/nonexistent",
	};
	const struct contig_msg_backend *entry;

	probes_run(&service.probes, &options);
	prepare(CONTIG_MSG_LIST_BACKENDS);
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_ge(answer.list_reply.count, 3);
	entry = ELEMENTS(struct contig_msg_backend);
	ck_assert_uint_eq(entry[0].id, 1);
	ck_assert_str_eq(entry[0].name, "simulated");
	ck_assert_uint_eq(entry[0].flags, CONTIG_MSG_BACKEND_SERVES);
	ck_assert_uint_eq(entry[1].flags, 0);
	ck_assert_ptr_nonnull(strstr(entry[1].text, "/nonexistent"));
	request.list.after = answer.list_reply.count;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 0);
	request.list.after = UINT64_MAX;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.list_reply.count, 0);
}
END_TEST

static enum request_outcome cpu(struct session *session, uint16_t opcode,
				const struct contig_msg_buffer *entry,
				uint64_t offset, uint64_t length, uint32_t flags)
{
	prepare(opcode);
	request.cpu.buffer_id = entry->id;
	request.cpu.token = entry->token;
	request.cpu.offset_bytes = offset;
	request.cpu.length_bytes = length;
	request.cpu.flags = flags;
	return handle(session);
}

START_TEST(describe_finds_by_inode)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	prepare(CONTIG_MSG_DESCRIBE);
	request.describe.device = entry.device;
	request.describe.inode = entry.inode;
	request.describe.token = entry.token;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_buffer)->id, entry.id);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_buffer)->token, 0);
	request.describe.inode++;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_NO_BUFFER);
}
END_TEST

/* Who guesses a number learns nothing: it is as if there were no buffer. */
START_TEST(describe_wants_a_proof_from_strangers)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);
	const uint64_t tokens[] = {0, 1, entry.token - 1, entry.token + 1,
				   UINT64_MAX};
	struct contig_msg_error missing;

	prepare(CONTIG_MSG_DESCRIBE);
	request.describe.device = entry.device;
	request.describe.inode = entry.inode + 1;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	missing = answer.error;
	request.describe.inode = entry.inode;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		request.describe.token = tokens[i];
		ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
		expect_error(CONTIG_MSG_R_NO_BUFFER);
		ck_assert_mem_eq(&answer.error, &missing, sizeof(missing));

		ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
		expect_reply();
		ck_assert_int_eq(handle(admin), REQUEST_ANSWERED);
		expect_reply();
	}
}
END_TEST

/* No token is none, not the token 0. */
START_TEST(memory_without_a_token_is_not_open_to_all)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);
	struct buffer *buffer = registry_find(&lender->registry, entry.id);

	buffer->object->token = 0;
	prepare(CONTIG_MSG_DESCRIBE);
	request.describe.device = entry.device;
	request.describe.inode = entry.inode;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_NO_BUFFER);
	entry.token = 0;
	ck_assert_int_eq(cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, 0, MIB,
			     CONTIG_MSG_READ),
			 REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_NO_BUFFER);
}
END_TEST

START_TEST(occupancy_is_a_picture_of_all)
{
	(void)alloc(alice, REGION_SIZE / 2, 1);
	prepare(CONTIG_MSG_OCCUPANCY);
	request.occupancy.region_id = 1;
	request.occupancy.cells = 4;
	ck_assert_int_eq(handle(admin), REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(answer.occupancy_reply.base, FAKE_BASE);
	ck_assert_uint_eq(answer.occupancy_reply.cell_bytes, REGION_SIZE / 4);
	ck_assert_uint_eq(answer.occupancy_reply.count, 4);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_cell)[1].lent_bytes,
			  REGION_SIZE / 4);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_cell)[2].free_bytes,
			  REGION_SIZE / 4);
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(answer.occupancy_reply.base, 0);
	request.occupancy.cells = CONTIG_MSG_MAX_CELLS;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_reply();
	request.occupancy.region_id = 2;
	ck_assert_int_eq(handle(bob), REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_NO_REGION);
}
END_TEST

START_TEST(copies_what_the_token_allows)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	/* bob got descriptor and token from alice */
	ck_assert_int_eq(cpu(bob, CONTIG_MSG_CPU_BEGIN, &entry, 0, MIB,
			     CONTIG_MSG_WRITE),
			 REQUEST_WAITS);
	wait_for(bob);
	ck_assert_int_eq(n_ready, 1);
	expect_reply();
	ck_assert_uint_eq(fake.copied_bytes, MIB);

	/* only read: nothing to bring back */
	ck_assert_int_eq(
		cpu(bob, CONTIG_MSG_CPU_END, &entry, 0, MIB, CONTIG_MSG_READ),
		REQUEST_ANSWERED);
	expect_reply();
	ck_assert_uint_eq(fake.copied_bytes, MIB);
	ck_assert_int_eq(cpu(bob, CONTIG_MSG_CPU_END, &entry, MIB - 1, 1,
			     CONTIG_MSG_WRITE),
			 REQUEST_WAITS);
	wait_for(bob);
	expect_reply();
	ck_assert_uint_eq(fake.copied_bytes, MIB + 1);

	ck_assert_int_eq(cpu(bob, CONTIG_MSG_CPU_END, &entry, MIB - 1, 2,
			     CONTIG_MSG_WRITE),
			 REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_ARGUMENT);
	ck_assert_int_eq(cpu(bob, CONTIG_MSG_CPU_END, &entry, UINT64_MAX, 1,
			     CONTIG_MSG_WRITE),
			 REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_ARGUMENT);
	entry.token++;
	ck_assert_int_eq(cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, 0, MIB,
			     CONTIG_MSG_READ),
			 REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_NO_BUFFER);
}
END_TEST

START_TEST(failed_copy_is_told)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	fake.copy_result = -5;
	ck_assert_int_eq(cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, 0, MIB,
			     CONTIG_MSG_READ),
			 REQUEST_WAITS);
	wait_for(alice);
	expect_error(CONTIG_MSG_R_BACKEND);
}
END_TEST

/* The client goes while the worker copies, and nobody else holds the buffer. */
START_TEST(gone_during_a_copy)
{
	struct contig_msg_buffer entry;

	fake.hold_new = false;
	entry = alloc(alice, MIB, 1);
	ck_assert_int_eq(cpu(alice, CONTIG_MSG_CPU_END, &entry, 0, MIB,
			     CONTIG_MSG_WRITE),
			 REQUEST_WAITS);
	disconnect(&alice);
	while (lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_int_eq(n_ready, 0);
	ck_assert_uint_eq(fake.copied_bytes, MIB);
}
END_TEST

/* The same with the copy done and the answer not yet taken. */
START_TEST(gone_after_a_copy)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	ck_assert_int_eq(cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, 0, MIB,
			     CONTIG_MSG_READ),
			 REQUEST_WAITS);
	while (alice->waiting)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	disconnect(&alice);
}
END_TEST

START_TEST(gone_while_parked)
{
	(void)alloc(bob, REGION_SIZE, 1);
	prepare(CONTIG_MSG_ALLOC);
	request.alloc.size_bytes = 4096;
	request.alloc.count = 1;
	ck_assert_int_eq(handle(alice), REQUEST_WAITS);
	ck_assert(alice->waiting);
	disconnect(&alice);
	ck_assert(list_empty(&lender->parked));
	ck_assert_int_eq(n_ready, 0);
}
END_TEST

START_TEST(release_is_a_hint_without_an_answer)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	prepare(CONTIG_MSG_RELEASE);
	request.release.buffer_id = entry.id;
	ck_assert_int_eq(handle(bob), REQUEST_SILENT);
	ck_assert_uint_eq(region->lent_bytes, MIB);
	ck_assert_int_eq(handle(alice), REQUEST_SILENT);
	ck_assert_uint_eq(region->lent_bytes, 0);
	ck_assert_uint_eq(region->draining_bytes, MIB);
	request.release.buffer_id = 12345;
	ck_assert_int_eq(handle(alice), REQUEST_SILENT);
}
END_TEST

/* One that an earlier daemon lent: it has no connection, only a user. */
static struct buffer *restore_for(uint32_t uid)
{
	const struct run run = {FAKE_BASE, MIB};
	struct buffer_past past = {
		.id = 77,
		.name = "before",
		.state = BUFFER_LENT,
		.region = region,
		.accounts = &lender->accounts,
		.owner_uid = uid,
	};
	struct buffer *buffer;

	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	ck_assert_int_eq(fake.backend.object_new(&fake.memory, &run, "before",
						 &past.object, NULL),
			 0);
	ck_assert_int_eq(buffer_restore(&buffer, &past), 0);
	lender_add_buffer(lender, buffer);
	return buffer;
}

START_TEST(release_of_what_an_earlier_daemon_lent)
{
	struct buffer *buffer = restore_for(ALICE);
	struct object *object = buffer->object;

	prepare(CONTIG_MSG_RELEASE);
	request.release.buffer_id = buffer->id;
	ck_assert_int_eq(handle(bob), REQUEST_SILENT);
	ck_assert_int_eq(handle(admin), REQUEST_SILENT);
	ck_assert_int_eq(buffer->state, BUFFER_LENT);
	ck_assert_int_eq(handle(alice), REQUEST_SILENT);
	ck_assert_int_eq(buffer->state, BUFFER_DRAINING);
	ck_assert_uint_eq(region->lent_bytes, 0);
	ck_assert_uint_eq(region->draining_bytes, MIB);

	/* it is looked at before the answer, whoever asks */
	fake_set_held(object, false);
	ck_assert_int_eq(handle(bob), REQUEST_SILENT);
	ck_assert_uint_eq(lender->registry.n_buffers, 0);
	ck_assert_uint_eq(region->draining_bytes, 0);
}
END_TEST

START_TEST(refusal_reaches_the_client)
{
	prepare(CONTIG_MSG_ALLOC);
	request.alloc.size_bytes = REGION_SIZE + 1;
	request.alloc.count = 1;
	ck_assert_int_eq(handle(alice), REQUEST_ANSWERED);
	expect_error(CONTIG_MSG_R_TOO_LARGE);
	ck_assert_uint_eq(answer.error.free_bytes, REGION_SIZE);
	request_finish(alice);
	ck_assert_ptr_null(alice->loan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *tcase = harness_case(suite, "request");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, hello_comes_first_and_once);
	tcase_add_test(tcase, malformed_ends_and_out_of_range_does_not);
	tcase_add_test(tcase, status_adds_up);
	tcase_add_test(tcase, addresses_are_told_to_those_who_may);
	tcase_add_test(tcase, lists_go_on_where_they_stopped);
	tcase_add_test(tcase, others_are_for_administrators);
	tcase_add_test(tcase, backends_say_what_probing_found);
	tcase_add_test(tcase, describe_finds_by_inode);
	tcase_add_test(tcase, describe_wants_a_proof_from_strangers);
	tcase_add_test(tcase, memory_without_a_token_is_not_open_to_all);
	tcase_add_test(tcase, occupancy_is_a_picture_of_all);
	tcase_add_test(tcase, copies_what_the_token_allows);
	tcase_add_test(tcase, failed_copy_is_told);
	tcase_add_test(tcase, gone_during_a_copy);
	tcase_add_test(tcase, gone_after_a_copy);
	tcase_add_test(tcase, gone_while_parked);
	tcase_add_test(tcase, release_is_a_hint_without_an_answer);
	tcase_add_test(tcase, release_of_what_an_earlier_daemon_lent);
	tcase_add_test(tcase, refusal_reaches_the_client);
	return harness_run(suite);
}
