/* SPDX-License-Identifier: MIT */
#include "tests/bench/crowd.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/channel.h"
#include "proto/validate.h"
#include "tests/integration/raw.h"
#include "util/cleanup.h"

/*
 * One process plays all clients, over the protocol itself and not the library:
 * it can break the rules, and it is not what is measured.  A member sends up to
 * BATCH requests at once and reads at its next turn what it is owed, or is cut
 * off before it has; every so often a process of its own connects, asks, and is
 * killed with everything it has.
 *
 * Every kind of request is in the table below with its weight, among them
 * every reason for which one is refused.  What is answered must be well formed
 * and must be an answer to what was asked; what the figures mean is judged
 * where the crowd has left.
 */

#define BATCH	   4
#define ODDS_CUT   60  /* one batch in so many is not read */
#define ODDS_LEAVE 40  /* one batch in so many is the member's last */
#define ODDS_KILL  400 /* one batch in so many is a process to be killed */

#define TEST_BYTES (UINT64_C(512) << 20)
#define TINY_BYTES 65536

const char *const crowd_options[] = {
	"--simulate", "test=512M", "--simulate", "tiny=64K", NULL,
};

static_assert(TEST_BYTES == 512 * 1024 * 1024, "as crowd_options say");

/* splitmix64: small, and good enough for dice. */
static uint64_t roll(struct crowd *crowd, uint64_t below)
{
	uint64_t z = (crowd->chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

/* ---- requests ----------------------------------------------------------- */

static void ask_list(struct crowd *crowd, union message *message)
{
	message->list.after = roll(crowd, 2) ? roll(crowd, 1000) : 0;
}

static void ask_occupancy(struct crowd *crowd, union message *message)
{
	message->occupancy.region_id = (uint32_t)roll(crowd, 4);
	message->occupancy.cells = (uint32_t)roll(crowd, 502);
}

/* Small ones mostly, as cameras and GPUs also have them, up to 8 MiB. */
static void ask_alloc(struct crowd *crowd, union message *message)
{
	static const uint64_t sizes[] = {
		1,	4096,	 4096,	  12288,	 65536,
		100000, 1 << 20, 3 << 20, (2 << 20) + 1, 8 << 20,
	};

	message->alloc.size_bytes = sizes[roll(crowd, 10)];
	message->alloc.count = roll(crowd, 8) ? 1 : 1 + (uint32_t)roll(crowd, 8);
	if (roll(crowd, 4) == 0)
		message->alloc.align_bytes = UINT64_C(4096) << roll(crowd, 10);
	if (roll(crowd, 8) == 0)
		message->alloc.boundary_bytes = UINT64_C(16) << 20;
	(void)strcpy(message->alloc.name, "soak");
}

/* One of every reason that the daemon has for saying no. */
static void ask_in_vain(struct crowd *crowd, union message *message)
{
	struct contig_msg_alloc *alloc = &message->alloc;

	alloc->size_bytes = 4096;
	alloc->count = 1;
	switch (roll(crowd, 6)) {
	case 0:
		alloc->size_bytes = 2 * TEST_BYTES;
		break;
	case 1:
		(void)strcpy(alloc->region, "nowhere");
		break;
	case 2:
		alloc->require = CONTIG_MSG_DMA_BUF;
		break;
	case 3:
		alloc->max_phys = 4095;
		break;
	case 4:
		alloc->count = 0;
		break;
	default:
		alloc->align_bytes = 3;
		break;
	}
}

/* The small region, which is soon full. */
static void ask_for_too_much(struct crowd *crowd, union message *message)
{
	message->alloc.size_bytes = TINY_BYTES / 2 + roll(crowd, TINY_BYTES);
	message->alloc.count = 1;
	(void)strcpy(message->alloc.region, "tiny");
}

static const struct contig_msg_buffer *some_buffer(struct crowd *crowd)
{
	static const struct contig_msg_buffer none = {.id = UINT64_MAX};

	return crowd->n_held > 0 ? &crowd->held[roll(crowd, crowd->n_held)].facts
				 : &none;
}

static void ask_what_it_is(struct crowd *crowd, union message *message)
{
	const struct contig_msg_buffer *buffer = some_buffer(crowd);

	message->describe.device = buffer->device;
	message->describe.inode = buffer->inode + (roll(crowd, 4) == 0);
}

static void ask_cpu(struct crowd *crowd, union message *message)
{
	const struct contig_msg_buffer *buffer = some_buffer(crowd);

	message->cpu.buffer_id = buffer->id;
	message->cpu.token = roll(crowd, 4) == 0;
	message->cpu.length_bytes = roll(crowd, buffer->size_bytes + 2);
	message->cpu.flags = (uint32_t)roll(crowd, 4);
}

static void ask_release(struct crowd *crowd, union message *message)
{
	message->release.buffer_id = some_buffer(crowd)->id;
}

static const struct kind {
	uint16_t opcode;
	unsigned int weight;
	void (*fill)(struct crowd *crowd, union message *message);
} kinds[] = {
	{CONTIG_MSG_STATUS, 10, NULL},
	{CONTIG_MSG_LIST_BACKENDS, 3, ask_list},
	{CONTIG_MSG_LIST_REGIONS, 5, ask_list},
	{CONTIG_MSG_LIST_BUFFERS, 5, ask_list},
	{CONTIG_MSG_LIST_CLIENTS, 5, ask_list},
	{CONTIG_MSG_OCCUPANCY, 5, ask_occupancy},
	{CONTIG_MSG_ALLOC, 20, ask_alloc},
	{CONTIG_MSG_ALLOC, 8, ask_in_vain},
	{CONTIG_MSG_ALLOC, 2, ask_for_too_much},
	{CONTIG_MSG_DESCRIBE, 12, ask_what_it_is},
	{CONTIG_MSG_CPU_BEGIN, 8, ask_cpu},
	{CONTIG_MSG_CPU_END, 8, ask_cpu},
	{CONTIG_MSG_RELEASE, 9, ask_release},
};

#define N_KINDS	    (sizeof(kinds) / sizeof(kinds[0]))
#define ALL_WEIGHTS 100

static const struct kind *choose_kind(struct crowd *crowd)
{
	uint64_t weight = roll(crowd, ALL_WEIGHTS);

	for (size_t i = 0; i < N_KINDS; i++) {
		if (weight < kinds[i].weight)
			return &kinds[i];
		weight -= kinds[i].weight;
	}
	return &kinds[0];
}

static void send_one(struct crowd *crowd, struct member *member)
{
	const struct kind *kind = choose_kind(crowd);
	union message message;

	raw_prepare(&message, kind->opcode, ++member->serial);
	if (kind->fill)
		kind->fill(crowd, &message);
	raw_send(member->fd, &message, message.header.size);
	crowd->requests++;
	if (kind->opcode != CONTIG_MSG_RELEASE)
		member->unanswered++;
}

/* ---- answers ------------------------------------------------------------ */

/* Lets go of one; now and then what was written into it is left behind. */
static void drop(struct crowd *crowd, size_t i)
{
	if (roll(crowd, 4) == 0)
		(void)!pwrite(crowd->held[i].fd, "soak", 4, 0);
	(void)fd_close(crowd->held[i].fd);
	crowd->held[i] = crowd->held[--crowd->n_held];
}

static void keep(struct crowd *crowd, union message *answer,
		 struct channel_fds *fds)
{
	const struct contig_msg_buffer *buffers =
		form_elements(form_find(CONTIG_MSG_ALLOC), answer);

	for (size_t i = 0; i < fds->count; i++) {
		if (crowd->n_held == CROWD_HELD)
			drop(crowd, roll(crowd, CROWD_HELD));
		crowd->held[crowd->n_held].facts = buffers[i];
		crowd->held[crowd->n_held++].fd = TAKE_FD(fds->fds[i]);
		crowd->lent++;
	}
	fds->count = 0;
}

/* False where the daemon has hung up. */
static bool receive_one(struct crowd *crowd, struct member *member)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	struct error why = ERROR_INIT;
	static union message answer;
	size_t size = raw_receive(member->fd, &answer, &fds);

	if (size == 0)
		return false;
	ck_assert_msg(validate_reply(&answer, size, fds.count, &why) == 0, "%s",
		      why.text);
	if (answer.header.opcode == CONTIG_MSG_ERROR) {
		crowd->refused++;
		return true;
	}
	crowd->served++;
	keep(crowd, &answer, &fds);
	return true;
}

/* ---- members ------------------------------------------------------------ */

static void leave(struct member *member)
{
	member->fd = fd_close(member->fd);
}

static void join(struct crowd *crowd, struct member *member)
{
	member->fd = raw_open(crowd->socket);
	member->serial = 1;
	member->unanswered = 0;
	crowd->requests++;
	crowd->served++;
	crowd->connected++;
}

/* Says what ends every conversation, and hears the end. */
static void break_protocol(struct crowd *crowd, struct member *member)
{
	union message message;
	int fds[2] = {STDIN_FILENO, STDOUT_FILENO};

	raw_prepare(&message, CONTIG_MSG_STATUS, ++member->serial);
	switch (roll(crowd, 4)) {
	case 0:
		message.header.size++;
		raw_send(member->fd, &message, sizeof(message.plain));
		break;
	case 1:
		message.header.opcode = 999;
		raw_send(member->fd, &message, sizeof(message.plain));
		break;
	case 2:
		raw_send(member->fd, "?", 1);
		break;
	default: /* refused by the kernel where it can do that */
		if (channel_send(member->fd, &message, message.header.size, fds,
				 2) < 0)
			raw_send(member->fd, "?", 1);
		break;
	}
	crowd->requests++;
	crowd->broken++;
	while (receive_one(crowd, member))
		;
	leave(member);
}

/* The child ends in the middle of whatever it has got to. */
static void be_killed(struct crowd *crowd)
{
	bool reads = roll(crowd, 2);
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct channel_fds fds;
		union message message;
		int fd = raw_open(crowd->socket);

		raw_prepare_alloc(&message, 2, 3 << 20, 4);
		raw_send(fd, &message, message.header.size);
		if (reads)
			(void)raw_receive(fd, &message, &fds);
		(void)kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	crowd->requests += 2;
	crowd->killed++;
}

static bool has_answer(const struct member *member)
{
	struct pollfd ready = {.fd = member->fd, .events = POLLIN};

	return poll(&ready, 1, 0) > 0;
}

/* Hears what it is owed, has enough now and then, and asks anew.  Others have
 * their turn while the daemon answers. */
static void converse(struct crowd *crowd, struct member *member)
{
	while (member->unanswered > 0) {
		ck_assert(receive_one(crowd, member));
		if (--member->unanswered > 0 && !has_answer(member))
			return;
	}
	if (roll(crowd, 3) == 0 && crowd->n_held > 0)
		drop(crowd, roll(crowd, crowd->n_held));
	if (roll(crowd, ODDS_LEAVE) == 0) {
		if (roll(crowd, 2))
			break_protocol(crowd, member);
		else
			leave(member);
		return;
	}
	for (uint64_t n = 1 + roll(crowd, BATCH); n > 0; n--)
		send_one(crowd, member);
	if (roll(crowd, ODDS_CUT) == 0) {
		leave(member);
		crowd->cut++;
	}
}

/* One that can go on; where all wait, any. */
static struct member *choose_member(struct crowd *crowd)
{
	struct member *member = NULL;

	for (int i = 0; i < CROWD_MEMBERS; i++) {
		member = &crowd->members[roll(crowd, CROWD_MEMBERS)];
		if (member->fd < 0 || member->unanswered == 0 ||
		    has_answer(member))
			break;
	}
	return member;
}

void crowd_init(struct crowd *crowd, const char *socket, uint64_t seed)
{
	memset(crowd, 0, sizeof(*crowd));
	crowd->socket = socket;
	crowd->chance = seed;
	for (size_t i = 0; i < CROWD_MEMBERS; i++)
		crowd->members[i].fd = -1;
}

void crowd_run(struct crowd *crowd, uint64_t requests)
{
	uint64_t end = crowd->requests + requests;

	while (crowd->requests < end) {
		struct member *member = choose_member(crowd);

		if (member->fd < 0)
			join(crowd, member);
		converse(crowd, member);
		if (roll(crowd, ODDS_KILL) == 0)
			be_killed(crowd);
	}
}

void crowd_leave(struct crowd *crowd)
{
	for (size_t i = 0; i < CROWD_MEMBERS; i++)
		leave(&crowd->members[i]);
	while (crowd->n_held > 0)
		drop(crowd, crowd->n_held - 1);
}
