/* SPDX-License-Identifier: MIT */
#include "daemon/request.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/stage.h"

/*
 * Requests without a socket: sessions of two users and an administrator, a
 * region whose addresses are real and whose buffers are bounced, and every
 * answer judged as the library would judge it.
 */

#define MIB	    (UINT64_C(1) << 20)
#define ALICE	    1000
#define BOB	    1001
#define REGION_SIZE (8 * MIB)

static struct stage stage;
static struct fake fake;
static struct region *region;
static struct session *alice, *bob, *admin;

static void before(void)
{
	stage_init(&stage);
	region = fake_region(&fake, 1, "camera", REGION_SIZE, true);
	fake.memory.guarantees = CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_PHYS_KNOWN;
	fake.memory.cpu_access = CONTIG_MSG_CPU_BOUNCE;
	stage_add_region(&stage, region);
	alice = stage_connect(&stage, ALICE);
	bob = stage_connect(&stage, BOB);
	admin = stage_connect(&stage, STAGE_OWN_UID);
}

static void after(void)
{
	stage_disconnect(&alice);
	stage_disconnect(&bob);
	stage_disconnect(&admin);
	stage_deinit(&stage);
	fake_deinit(&fake);
}

/* Elements of the answer. */
#define ELEMENTS(type)                                                       \
	((const type *)form_elements(form_find(stage.request.header.opcode), \
				     &stage.answer))

/* Lends to the session; its first entry. */
static struct contig_msg_buffer alloc(struct session *session, uint64_t size,
				      uint32_t count)
{
	struct contig_msg_buffer first;

	stage_prepare(&stage, CONTIG_MSG_ALLOC);
	stage.request.alloc.size_bytes = size;
	stage.request.alloc.count = count;
	memcpy(stage.request.alloc.name, "frame", 6);
	if (stage_handle(&stage, session) == REQUEST_WAITS)
		stage_wait_for(&stage, session);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(stage.reply.n_fds, count);
	first = ELEMENTS(struct contig_msg_buffer)[0];
	request_finish(session);
	return first;
}

START_TEST(hello_comes_first_and_once)
{
	alice->greeted = false;
	stage_prepare(&stage, CONTIG_MSG_STATUS);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ENDS);
	stage_expect_error(&stage, CONTIG_MSG_R_MALFORMED);

	stage_prepare(&stage, CONTIG_MSG_HELLO);
	stage.request.hello.version_min = 1;
	stage.request.hello.version_max = UINT32_MAX;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(stage.answer.hello_reply.version,
			  CONTIG_PROTOCOL_VERSION);
	ck_assert(alice->greeted);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ENDS);

	stage.request.hello.version_min = CONTIG_PROTOCOL_VERSION + 1;
	bob->greeted = false;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ENDS);
	stage_expect_error(&stage, CONTIG_MSG_R_VERSION);
	ck_assert(!bob->greeted);
}
END_TEST

START_TEST(malformed_ends_and_out_of_range_does_not)
{
	stage_prepare(&stage, CONTIG_MSG_STATUS);
	stage.request.header.zero16 = 1;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ENDS);
	stage_expect_error(&stage, CONTIG_MSG_R_MALFORMED);
	stage_prepare(&stage, CONTIG_MSG_ALLOC);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_ARGUMENT);
	ck_assert_int_eq(request_handle(alice, &stage.request, 3, &stage.reply),
			 REQUEST_ENDS);
	ck_assert_uint_eq(stage.answer.header.serial, 0);
}
END_TEST

START_TEST(status_adds_up)
{
	(void)alloc(alice, MIB, 2);
	stage_prepare(&stage, CONTIG_MSG_STATUS);
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(stage.answer.status_reply.total_bytes, REGION_SIZE);
	ck_assert_uint_eq(stage.answer.status_reply.lent_bytes, 2 * MIB);
	ck_assert_uint_eq(stage.answer.status_reply.free_bytes,
			  REGION_SIZE - 2 * MIB);
	ck_assert_uint_eq(stage.answer.status_reply.buffers, 2);
	ck_assert_uint_eq(stage.answer.status_reply.clients, 3);
	ck_assert_uint_eq(stage.answer.status_reply.allocations, 2);
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

	stage_prepare(&stage, CONTIG_MSG_LIST_REGIONS);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->base, 0);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->flags,
			  CONTIG_MSG_REGION_DEFAULT | CONTIG_MSG_REGION_USABLE);
	region->public_base = true;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->base, FAKE_BASE);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_region)->flags,
			  CONTIG_MSG_REGION_DEFAULT | CONTIG_MSG_REGION_USABLE |
				  CONTIG_MSG_REGION_BASE);

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
	stage_prepare(&stage, CONTIG_MSG_LIST_BUFFERS);
	do {
		stage.request.list.after = after;
		ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
		stage_expect_reply(&stage);
		ck_assert_uint_gt(stage.answer.list_reply.count, 0);
		for (uint32_t i = 0; i < stage.answer.list_reply.count; i++) {
			const struct contig_msg_buffer *entry =
				&ELEMENTS(struct contig_msg_buffer)[i];

			ck_assert_uint_gt(entry->id, after);
			ck_assert_uint_eq(entry->owner_uid, ALICE);
			ck_assert_uint_eq(entry->token, 0);
			after = entry->id;
			seen++;
		}
		ck_assert(stage.answer.list_reply.more == 0 ||
			  stage.answer.list_reply.count == form->max_elements);
	} while (stage.answer.list_reply.more);
	ck_assert_uint_eq(seen, total);
	stage.request.list.after = UINT64_MAX;
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 0);
}
END_TEST

START_TEST(others_are_for_administrators)
{
	(void)alloc(alice, MIB, 1);
	stage_prepare(&stage, CONTIG_MSG_LIST_BUFFERS);
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 0);
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 1);
	stage_prepare(&stage, CONTIG_MSG_LIST_CLIENTS);
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(stage.answer.list_reply.count, 1);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_client)->uid, BOB);
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 3);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_client)->buffers, 1);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_client)->bytes, MIB);
	stage.request.list.after = alice->id;
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 2);
}
END_TEST

START_TEST(backends_say_what_probing_found)
{
	const struct backend_options options = {
		.devmem_path = "/nonexistent",
		.udmabuf_path = "/nonexistent",
	};
	const struct contig_msg_backend *entry;

	probes_run(&stage.service.probes, &options);
	stage_prepare(&stage, CONTIG_MSG_LIST_BACKENDS);
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_ge(stage.answer.list_reply.count, 3);
	entry = ELEMENTS(struct contig_msg_backend);
	ck_assert_uint_eq(entry[0].id, 1);
	ck_assert_str_eq(entry[0].name, "simulated");
	ck_assert_uint_eq(entry[0].flags, CONTIG_MSG_BACKEND_SERVES);
	ck_assert_uint_eq(entry[1].flags, 0);
	ck_assert_ptr_nonnull(strstr(entry[1].text, "/nonexistent"));
	stage.request.list.after = stage.answer.list_reply.count;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 0);
	stage.request.list.after = UINT64_MAX;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.list_reply.count, 0);
}
END_TEST

static void prepare_cpu(uint16_t opcode, const struct contig_msg_buffer *entry,
			uint32_t flags)
{
	stage_prepare(&stage, opcode);
	stage.request.cpu.buffer_id = entry->id;
	stage.request.cpu.token = entry->token;
	stage.request.cpu.length_bytes = MIB;
	stage.request.cpu.flags = flags;
}

static enum request_outcome cpu(struct session *session, uint16_t opcode,
				const struct contig_msg_buffer *entry,
				uint32_t flags)
{
	prepare_cpu(opcode, entry, flags);
	return stage_handle(&stage, session);
}

/* The end of writing to a part. */
static enum request_outcome wrote(struct session *session,
				  const struct contig_msg_buffer *entry,
				  uint64_t offset, uint64_t length)
{
	prepare_cpu(CONTIG_MSG_CPU_END, entry, CONTIG_MSG_WRITE);
	stage.request.cpu.offset_bytes = offset;
	stage.request.cpu.length_bytes = length;
	return stage_handle(&stage, session);
}

START_TEST(describe_finds_by_inode)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	stage_prepare(&stage, CONTIG_MSG_DESCRIBE);
	stage.request.describe.device = entry.device;
	stage.request.describe.inode = entry.inode;
	stage.request.describe.token = entry.token;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_buffer)->id, entry.id);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_buffer)->token, 0);
	stage.request.describe.inode++;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_BUFFER);
}
END_TEST

/* Who guesses a number learns nothing: it is as if there were no buffer. */
START_TEST(describe_wants_a_proof_from_strangers)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);
	const uint64_t tokens[] = {0, 1, entry.token - 1, entry.token + 1,
				   UINT64_MAX};
	struct contig_msg_error missing;

	stage_prepare(&stage, CONTIG_MSG_DESCRIBE);
	stage.request.describe.device = entry.device;
	stage.request.describe.inode = entry.inode + 1;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	missing = stage.answer.error;
	stage.request.describe.inode = entry.inode;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		stage.request.describe.token = tokens[i];
		ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
		stage_expect_error(&stage, CONTIG_MSG_R_NO_BUFFER);
		ck_assert_mem_eq(&stage.answer.error, &missing, sizeof(missing));

		ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
		stage_expect_reply(&stage);
		ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
		stage_expect_reply(&stage);
	}
}
END_TEST

/* No token is none, not the token 0. */
START_TEST(memory_without_a_token_is_not_open_to_all)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);
	struct buffer *buffer = registry_find(&stage.lender->registry, entry.id);

	buffer->object->token = 0;
	stage_prepare(&stage, CONTIG_MSG_DESCRIBE);
	stage.request.describe.device = entry.device;
	stage.request.describe.inode = entry.inode;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_BUFFER);
	entry.token = 0;
	ck_assert_int_eq(
		cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, CONTIG_MSG_READ),
		REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_BUFFER);
}
END_TEST

START_TEST(occupancy_is_a_picture_of_all)
{
	(void)alloc(alice, REGION_SIZE / 2, 1);
	stage_prepare(&stage, CONTIG_MSG_OCCUPANCY);
	stage.request.occupancy.region_id = 1;
	stage.request.occupancy.cells = 4;
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(stage.answer.occupancy_reply.base, FAKE_BASE);
	ck_assert_uint_eq(stage.answer.occupancy_reply.cell_bytes,
			  REGION_SIZE / 4);
	ck_assert_uint_eq(stage.answer.occupancy_reply.count, 4);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_cell)[1].lent_bytes,
			  REGION_SIZE / 4);
	ck_assert_uint_eq(ELEMENTS(struct contig_msg_cell)[2].free_bytes,
			  REGION_SIZE / 4);
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	ck_assert_uint_eq(stage.answer.occupancy_reply.base, 0);
	stage.request.occupancy.cells = CONTIG_MSG_MAX_CELLS;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	stage.request.occupancy.region_id = 2;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_REGION);
}
END_TEST

START_TEST(copies_what_the_token_allows)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	/* bob got descriptor and token from alice */
	ck_assert_int_eq(
		cpu(bob, CONTIG_MSG_CPU_BEGIN, &entry, CONTIG_MSG_WRITE),
		REQUEST_WAITS);
	stage_wait_for(&stage, bob);
	ck_assert_int_eq(stage.n_ready, 1);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(fake.copied_bytes, MIB);

	/* only read: nothing to bring back */
	ck_assert_int_eq(cpu(bob, CONTIG_MSG_CPU_END, &entry, CONTIG_MSG_READ),
			 REQUEST_ANSWERED);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(fake.copied_bytes, MIB);
	ck_assert_int_eq(wrote(bob, &entry, MIB - 1, 1), REQUEST_WAITS);
	stage_wait_for(&stage, bob);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(fake.copied_bytes, MIB + 1);

	ck_assert_int_eq(wrote(bob, &entry, MIB - 1, 2), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_ARGUMENT);
	ck_assert_int_eq(wrote(bob, &entry, UINT64_MAX, 1), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_ARGUMENT);
	entry.token++;
	ck_assert_int_eq(
		cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, CONTIG_MSG_READ),
		REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_BUFFER);
}
END_TEST

START_TEST(failed_copy_is_told)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	fake.copy_result = -5;
	ck_assert_int_eq(
		cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, CONTIG_MSG_READ),
		REQUEST_WAITS);
	stage_wait_for(&stage, alice);
	stage_expect_error(&stage, CONTIG_MSG_R_BACKEND);
}
END_TEST

/* The client goes while the worker copies, and nobody else holds the buffer. */
START_TEST(gone_during_a_copy)
{
	struct contig_msg_buffer entry;

	fake.hold_new = false;
	entry = alloc(alice, MIB, 1);
	ck_assert_int_eq(
		cpu(alice, CONTIG_MSG_CPU_END, &entry, CONTIG_MSG_WRITE),
		REQUEST_WAITS);
	stage_disconnect(&alice);
	while (stage.lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(stage.loop, true), 0);
	ck_assert_int_eq(stage.n_ready, 0);
	ck_assert_uint_eq(fake.copied_bytes, MIB);
}
END_TEST

/* The same with the copy done and the answer not yet taken. */
START_TEST(gone_after_a_copy)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	ck_assert_int_eq(
		cpu(alice, CONTIG_MSG_CPU_BEGIN, &entry, CONTIG_MSG_READ),
		REQUEST_WAITS);
	while (alice->waiting)
		ck_assert_int_eq(loop_turn(stage.loop, true), 0);
	stage_disconnect(&alice);
}
END_TEST

START_TEST(gone_while_parked)
{
	(void)alloc(bob, REGION_SIZE, 1);
	stage_prepare(&stage, CONTIG_MSG_ALLOC);
	stage.request.alloc.size_bytes = 4096;
	stage.request.alloc.count = 1;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_WAITS);
	ck_assert(alice->waiting);
	stage_disconnect(&alice);
	ck_assert(list_empty(&stage.lender->parked));
	ck_assert_int_eq(stage.n_ready, 0);
}
END_TEST

START_TEST(release_is_a_hint_without_an_answer)
{
	struct contig_msg_buffer entry = alloc(alice, MIB, 1);

	stage_prepare(&stage, CONTIG_MSG_RELEASE);
	stage.request.release.buffer_id = entry.id;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_SILENT);
	ck_assert_uint_eq(region->lent_bytes, MIB);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_SILENT);
	ck_assert_uint_eq(region->lent_bytes, 0);
	ck_assert_uint_eq(region->draining_bytes, MIB);
	stage.request.release.buffer_id = 12345;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_SILENT);
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
		.accounts = &stage.lender->accounts,
		.owner_uid = uid,
	};
	struct buffer *buffer;

	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	ck_assert_int_eq(fake.backend.object_new(&fake.memory, &run, "before",
						 &past.object, NULL),
			 0);
	ck_assert_int_eq(buffer_restore(&buffer, &past), 0);
	lender_add_buffer(stage.lender, buffer);
	return buffer;
}

START_TEST(release_of_what_an_earlier_daemon_lent)
{
	struct buffer *buffer = restore_for(ALICE);
	struct object *object = buffer->object;

	stage_prepare(&stage, CONTIG_MSG_RELEASE);
	stage.request.release.buffer_id = buffer->id;
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_SILENT);
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_SILENT);
	ck_assert_int_eq(buffer->state, BUFFER_LENT);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_SILENT);
	ck_assert_int_eq(buffer->state, BUFFER_DRAINING);
	ck_assert_uint_eq(region->lent_bytes, 0);
	ck_assert_uint_eq(region->draining_bytes, MIB);

	/* it is looked at before the answer, whoever asks */
	fake_set_held(object, false);
	ck_assert_int_eq(stage_handle(&stage, bob), REQUEST_SILENT);
	ck_assert_uint_eq(stage.lender->registry.n_buffers, 0);
	ck_assert_uint_eq(region->draining_bytes, 0);
}
END_TEST

START_TEST(refusal_reaches_the_client)
{
	stage_prepare(&stage, CONTIG_MSG_ALLOC);
	stage.request.alloc.size_bytes = REGION_SIZE + 1;
	stage.request.alloc.count = 1;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_TOO_LARGE);
	ck_assert_uint_eq(stage.answer.error.free_bytes, REGION_SIZE);
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
