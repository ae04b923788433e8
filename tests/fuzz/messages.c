/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/form.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/stage.h"

/*
 * What clients can send, against the daemon itself: from the socket through
 * validation and dispatch to the lender and back, with several clients that
 * come, allocate, stop reading, send nonsense and go.
 *
 * An input is a list of operations.  Most are requests that are nearly right,
 * for the daemon hangs up on all others: what is right of itself (size, serial,
 * the number of a buffer that exists) is filled in here, and bytes of the input
 * decide the rest.  A few send whatever the input holds.
 *
 * In the end everybody goes and lets go of everything.  Whatever was said
 * before, all memory must then be free and every descriptor closed.
 */

const char fuzz_target[] = "messages";

#define N_GUESTS       4
#define MAX_OPERATIONS 400
#define COUNT(table)   (sizeof(table) / sizeof((table)[0]))
#define PICK(table, n) ((table)[(n) % COUNT(table)])

#define MIB (UINT64_C(1) << 20)

static const uint64_t sizes[] = {
	1,	    4096,	 4097,
	65536,	    MIB,	 4 * MIB,
	8 * MIB,    8 * MIB + 1, UINT64_C(1) << 63,
	128 * 1024,
};

static const uint64_t limits[] = {
	0,	    1,	     4096,  65536, MIB, UINT32_MAX, UINT64_C(4) << 30,
	UINT64_MAX, 8 * MIB, 40960,
};

static const char *const regions[] = {"", "test", "coarse", "bounced", "none"};

static const uint32_t uids[] = {STAGE_PLAIN_UID, STAGE_PHYS_UID,
				STAGE_ADMIN_UID, 0};

struct play {
	struct input *input;
	struct stage stage;
	struct guest guests[N_GUESTS];
	struct loot loot;
};

static uint64_t take_number(struct input *input, const uint64_t *table, size_t n)
{
	uint8_t which = input_u8(input);

	return which & 0x80 ? input_u64(input) : table[which % n];
}

static void greet(struct guest *guest)
{
	union message message;

	guest_prepare(guest, &message, CONTIG_MSG_HELLO);
	message.hello.version_min = 1;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION;
	guest_send(guest, &message);
}

static void do_connect(struct play *play, struct guest *guest)
{
	uint8_t who = input_u8(play->input);

	if (guest->fd >= 0)
		return;
	guest_connect(guest, &play->stage, PICK(uids, who & 0x7f));
	guest->greeted = !(who & 0x80);
	if (guest->greeted)
		greet(guest);
}

/* Any request, its fields byte by byte behind the header. */
static void do_request(struct play *play, struct guest *guest)
{
	uint16_t opcode = 1 + input_u8(play->input) % CONTIG_MSG_RELEASE;
	struct input part = input_part(play->input, input_u8(play->input));
	union message message;

	guest_prepare(guest, &message, opcode);
	input_copy(&part, message.bytes + sizeof(message.header),
		   message.header.size - sizeof(message.header));
	guest_send(guest, &message);
}

static void do_alloc(struct play *play, struct guest *guest)
{
	struct input *input = play->input;
	union message message;
	struct contig_msg_alloc *alloc = &message.alloc;

	guest_prepare(guest, &message, CONTIG_MSG_ALLOC);
	alloc->size_bytes = take_number(input, sizes, COUNT(sizes));
	alloc->count = input_u8(input) % (CONTIG_MSG_MAX_BUFFERS + 2);
	alloc->align_bytes = take_number(input, limits, COUNT(limits));
	alloc->max_phys = take_number(input, limits, COUNT(limits));
	alloc->boundary_bytes = take_number(input, limits, COUNT(limits));
	alloc->require = input_u8(input) & 0x3f;
	(void)strcpy(alloc->region, PICK(regions, input_u8(input)));
	alloc->name[0] = (char)input_u8(input);
	guest_send(guest, &message);
}

/* Half of all allocations leave out what narrows them. */
static void do_plain_alloc(struct play *play, struct guest *guest)
{
	union message message;

	guest_prepare(guest, &message, CONTIG_MSG_ALLOC);
	message.alloc.size_bytes = PICK(sizes, input_u8(play->input));
	message.alloc.count = 1 + input_u8(play->input) % 16;
	(void)strcpy(message.alloc.region, PICK(regions, input_u8(play->input)));
	guest_send(guest, &message);
}

static const struct contig_msg_buffer *pick_buffer(struct play *play)
{
	static const struct contig_msg_buffer nothing = {.id = 77};
	uint8_t which = input_u8(play->input);

	if (play->loot.n == 0)
		return &nothing;
	return &play->loot.buffers[which % play->loot.n].facts;
}

static void do_cpu(struct play *play, struct guest *guest)
{
	const struct contig_msg_buffer *buffer = pick_buffer(play);
	uint8_t how = input_u8(play->input);
	union message message;

	guest_prepare(guest, &message,
		      how & 1 ? CONTIG_MSG_CPU_BEGIN : CONTIG_MSG_CPU_END);
	message.cpu.buffer_id = buffer->id;
	message.cpu.token = buffer->token ^ (how & 0x10 ? 1 : 0);
	message.cpu.length_bytes = buffer->size_bytes;
	message.cpu.flags = (how >> 1) & 7;
	if (how & 0x20) {
		message.cpu.offset_bytes =
			take_number(play->input, limits, COUNT(limits));
		message.cpu.length_bytes =
			take_number(play->input, sizes, COUNT(sizes));
	}
	guest_send(guest, &message);
}

static void do_describe(struct play *play, struct guest *guest)
{
	const struct contig_msg_buffer *buffer = pick_buffer(play);
	union message message;

	guest_prepare(guest, &message, CONTIG_MSG_DESCRIBE);
	message.describe.device = buffer->device;
	message.describe.inode = buffer->inode;
	message.describe.token = buffer->token;
	guest_send(guest, &message);
}

static void do_release(struct play *play, struct guest *guest)
{
	union message message;

	guest_prepare(guest, &message, CONTIG_MSG_RELEASE);
	message.release.buffer_id = pick_buffer(play)->id;
	guest_send(guest, &message);
}

/* Lists, the picture, the status, and a look at the guards. */
static void do_ask(struct play *play, struct guest *guest)
{
	static const uint16_t opcodes[] = {
		CONTIG_MSG_STATUS,	 CONTIG_MSG_LIST_BACKENDS,
		CONTIG_MSG_LIST_REGIONS, CONTIG_MSG_LIST_BUFFERS,
		CONTIG_MSG_LIST_CLIENTS, CONTIG_MSG_OCCUPANCY,
		CONTIG_MSG_CHECK,
	};
	uint16_t opcode = PICK(opcodes, input_u8(play->input));
	union message message;

	guest_prepare(guest, &message, opcode);
	if (opcode == CONTIG_MSG_OCCUPANCY) {
		message.occupancy.region_id = input_u8(play->input) % 5;
		message.occupancy.cells = input_u16(play->input);
	} else if (opcode == CONTIG_MSG_CHECK) {
		(void)strcpy(message.check.region,
			     PICK(regions, input_u8(play->input)));
	} else if (opcode != CONTIG_MSG_STATUS) {
		message.list.after = input_u8(play->input);
	}
	guest_send(guest, &message);
}

/* Nearly right: one byte is changed, or a few are missing or too many. */
static void do_bend(struct play *play, struct guest *guest)
{
	uint16_t opcode = 1 + input_u8(play->input) % CONTIG_MSG_RELEASE;
	uint16_t at = input_u16(play->input);
	uint8_t flip = input_u8(play->input);
	int8_t more = (int8_t)input_u8(play->input);
	union message message;
	size_t size;

	guest_prepare(guest, &message, opcode);
	size = message.header.size;
	memset(message.bytes + size, 0, 128);
	message.bytes[at % size] ^= flip;
	size = (size_t)((int)size + more > 0 ? (int)size + more : 0);
	guest_send_wildly(guest, message.bytes, size, NULL, 0);
}

static void do_raw(struct play *play, struct guest *guest)
{
	struct input part = input_part(play->input, input_u16(play->input));
	uint8_t bytes[4096];
	size_t size = part.size < sizeof(bytes) ? part.size : sizeof(bytes);

	input_copy(&part, bytes, size);
	guest_send_wildly(guest, bytes, size, NULL, 0);
}

/* A request with descriptors, or one longer than any. */
static void do_forbidden(struct play *play, struct guest *guest)
{
	static union message longest[2];
	uint8_t how = input_u8(play->input);
	int fds[8];

	guest_prepare(guest, longest, CONTIG_MSG_STATUS);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = play->stage.mem_fd;
	if (how & 1)
		guest_send_wildly(guest, longest, longest->header.size, fds,
				  1 + how % COUNT(fds));
	else if (guest->fd >= 0) {
		guest->wild = true;
		(void)send(guest->fd, longest, sizeof(longest[0]) + how,
			   MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void do_receive(struct play *play, struct guest *guest)
{
	for (int n = input_u8(play->input) % 16; n >= 0; n--) {
		if (!guest_receive(guest, &play->loot))
			return;
		stage_turn(&play->stage);
	}
}

static void do_drop(struct play *play)
{
	uint8_t which = input_u8(play->input);

	if (which == 0xff)
		loot_drop_all(&play->loot);
	else if (play->loot.n > 0)
		loot_drop(&play->loot, which % play->loot.n);
}

/* Somebody whom the daemon never met holds on for a while, or only listens. */
static void do_hold(struct play *play, struct guest *guest)
{
	uint8_t how = input_u8(play->input);

	if (how & 1) {
		if (guest->fd >= 0)
			(void)shutdown(guest->fd, how & 2 ? SHUT_WR : SHUT_RD);
		return;
	}
	if (play->loot.n > 0 && play->loot.n < COUNT(play->loot.buffers)) {
		size_t i = how % play->loot.n;

		play->loot.buffers[play->loot.n] = play->loot.buffers[i];
		play->loot.buffers[play->loot.n].fd =
			dup(play->loot.buffers[i].fd);
		play->loot.n++;
	}
}

static void operate(struct play *play)
{
	uint8_t what = input_u8(play->input);
	struct guest *guest = &play->guests[what >> 6];

	switch (what & 0x0f) {
	case 0:
		do_connect(play, guest);
		break;
	case 1:
		guest_disconnect(guest);
		break;
	case 2:
		do_request(play, guest);
		break;
	case 3:
		do_alloc(play, guest);
		break;
	case 4:
		do_plain_alloc(play, guest);
		break;
	case 5:
		do_cpu(play, guest);
		break;
	case 6:
		do_describe(play, guest);
		break;
	case 7:
		do_release(play, guest);
		break;
	case 8:
		do_ask(play, guest);
		break;
	case 9:
		do_bend(play, guest);
		break;
	case 10:
		do_raw(play, guest);
		break;
	case 11:
		do_forbidden(play, guest);
		break;
	case 12:
		do_receive(play, guest);
		break;
	case 13:
		do_drop(play);
		break;
	case 14:
		do_hold(play, guest);
		break;
	default:
		for (int n = input_u8(play->input) % 8; n > 0; n--)
			stage_turn(&play->stage);
		break;
	}
}

static void perform(struct play *play)
{
	for (int i = 0; i < MAX_OPERATIONS && !input_is_empty(play->input); i++) {
		operate(play);
		stage_turn(&play->stage);
	}
	for (int i = 0; i < N_GUESTS; i++)
		guest_disconnect(&play->guests[i]);
	loot_drop_all(&play->loot);
	stage_expect_empty(&play->stage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play play;
	struct input input = {data, size};
	int open_before = fd_count_open();

	play.input = &input;
	play.loot.n = 0;
	for (int i = 0; i < N_GUESTS; i++)
		play.guests[i].fd = -1;
	stage_init(&play.stage);
	perform(&play);
	stage_deinit(&play.stage);
	fuzz_assert(fd_count_open() == open_before);
	return 0;
}
