/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/guest.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/validate.h"
#include "tests/fuzz/fuzz.h"
#include "util/cleanup.h"

/*
 * The other side of the table in PROTOCOL.md: each answer is judged as the
 * library judges it, must belong to the oldest request without one, and is
 * searched for what this user must not see.
 *
 * Once a guest has sent something malformed the order is not followed any more
 * (whether a broken RELEASE is answered depends on how it is broken), but
 * form and secrecy still count.
 */

void guest_connect(struct guest *guest, struct stage *stage, uint32_t uid)
{
	if (guest->fd >= 0)
		return;
	guest->fd = stage_connect(stage, uid);
	guest->uid = uid;
	guest->last_serial = 0;
	guest->greeted = false;
	guest->wild = false;
	guest->n_sent = 0;
}

void guest_disconnect(struct guest *guest)
{
	guest->fd = fd_close(guest->fd);
}

void guest_prepare(struct guest *guest, union message *message, uint16_t opcode)
{
	uint32_t size = form_find(opcode)->request_bytes;

	memset(message, 0, size);
	message->header.size = size;
	message->header.opcode = opcode;
	message->header.serial = guest->last_serial + 1;
}

void guest_send(struct guest *guest, const union message *message)
{
	const struct contig_msg_header *header = &message->header;

	if (guest->fd < 0 || guest->n_sent == GUEST_MAX_SENT ||
	    channel_send(guest->fd, message, header->size, NULL, 0) != 0)
		return;
	guest->last_serial = header->serial;
	if (header->opcode == CONTIG_MSG_RELEASE) {
		/* It is answered only where it must not come yet. */
		guest->wild |= !guest->greeted;
		return;
	}
	guest->sent[guest->n_sent].opcode = header->opcode;
	guest->sent[guest->n_sent++].serial = header->serial;
}

void guest_send_wildly(struct guest *guest, const void *bytes, size_t size,
		       const int *fds, size_t n_fds)
{
	if (guest->fd < 0)
		return;
	guest->wild = true;
	(void)channel_send(guest->fd, bytes, size, fds, n_fds);
}

static void check_order(struct guest *guest, const union message *message)
{
	uint16_t opcode = message->header.opcode;

	/* What is about the connection as a whole ends it. */
	if (guest->wild || message->header.serial == 0) {
		guest->wild = true;
		return;
	}
	fuzz_assert(guest->n_sent > 0);
	fuzz_assert(message->header.serial == guest->sent[0].serial);
	fuzz_assert(opcode == CONTIG_MSG_ERROR ||
		    opcode == (guest->sent[0].opcode | CONTIG_MSG_REPLY));
	guest->n_sent--;
	memmove(&guest->sent[0], &guest->sent[1],
		guest->n_sent * sizeof(guest->sent[0]));
}

static bool is_admin(const struct guest *guest)
{
	return guest->uid == STAGE_ADMIN_UID || guest->uid == 0;
}

static void check_buffer(const struct guest *guest,
			 const struct contig_msg_buffer *buffer, uint16_t opcode)
{
	if (guest->uid == STAGE_PLAIN_UID) {
		fuzz_assert(buffer->phys == 0);
		fuzz_assert(!(buffer->flags & CONTIG_MSG_BUFFER_PHYS));
	}
	if (opcode != CONTIG_MSG_ALLOC)
		fuzz_assert(buffer->token == 0);
	if (opcode == CONTIG_MSG_LIST_BUFFERS && !is_admin(guest))
		fuzz_assert(buffer->owner_uid == guest->uid);
}

static void check_secrets(const struct guest *guest, union message *message)
{
	uint16_t opcode = message->header.opcode & (uint16_t)~CONTIG_MSG_REPLY;
	const struct form *form = form_find(opcode);
	uint32_t count = validate_count(form, message);
	const void *elements = form_elements(form, message);

	for (uint32_t i = 0; i < count; i++) {
		if (form->element_bytes == sizeof(struct contig_msg_buffer))
			check_buffer(
				guest,
				(const struct contig_msg_buffer *)elements + i,
				opcode);
		if (opcode == CONTIG_MSG_LIST_CLIENTS && !is_admin(guest))
			fuzz_assert(
				((const struct contig_msg_client *)elements)[i]
					.uid == guest->uid);
	}
}

/* Each descriptor is of the object that the entry beside it describes. */
static void take_lent(struct loot *loot, union message *message,
		      struct channel_fds *fds)
{
	const struct contig_msg_buffer *buffers =
		form_elements(form_find(CONTIG_MSG_ALLOC), message);

	for (size_t i = 0; i < fds->count; i++) {
		struct stat st;

		fuzz_assert(fstat(fds->fds[i], &st) == 0);
		fuzz_assert(st.st_ino == buffers[i].inode);
		fuzz_assert(st.st_dev == buffers[i].device);
		/* there may be a guard behind it */
		fuzz_assert((uint64_t)st.st_size >= buffers[i].size_bytes);
		if (loot->n == sizeof(loot->buffers) / sizeof(loot->buffers[0]))
			continue;
		loot->buffers[loot->n].fd = TAKE_FD(fds->fds[i]);
		loot->buffers[loot->n++].facts = buffers[i];
	}
	channel_fds_close(fds);
}

bool guest_receive(struct guest *guest, struct loot *loot)
{
	static union message message;
	struct channel_fds fds = CHANNEL_FDS_INIT;
	struct error why = ERROR_INIT;
	size_t size;

	if (guest->fd < 0 ||
	    channel_receive_fds(guest->fd, &message, sizeof(message), &size,
				&fds) != 0)
		return false;
	if (validate_reply(&message, size, fds.count, &why) != 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		fuzz_assert(!"what the daemon says is well formed");
	}
	check_order(guest, &message);
	if (message.header.opcode == CONTIG_MSG_ERROR)
		return true;
	check_secrets(guest, &message);
	take_lent(loot, &message, &fds);
	return true;
}

void loot_drop(struct loot *loot, size_t i)
{
	(void)fd_close(loot->buffers[i].fd);
	loot->buffers[i] = loot->buffers[--loot->n];
}

void loot_drop_all(struct loot *loot)
{
	while (loot->n > 0)
		loot_drop(loot, loot->n - 1);
}
