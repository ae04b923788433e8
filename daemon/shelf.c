/* SPDX-License-Identifier: MIT */
#include "daemon/shelf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/manager.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The manager's store would take each descriptor by itself, but it never says
 * that it did, compares a new one with all that it has, and hands them back in
 * one environment variable of limited length.  So it keeps a few pairs of
 * sockets, and the descriptors lie in their queues.  sendmsg() says whether a
 * message is there, and from that moment on neither this process's end nor
 * anybody else's takes it away.
 *
 * A queue is read at its head only, so a shelf is used like a log.  A
 * descriptor that is no longer needed stays where it is, as garbage, until more
 * than half of the shelf is; then what is needed is sent once more, and as many
 * messages are taken off the head as there were before.  At every instant each
 * item is in one place at least; two places are found out by the id.
 *
 * One message carries what was lent by one request, or up to SHELF_BATCH when a
 * shelf is tidied.
 *
 * How much a queue takes is a limit in bytes on the sending socket.  A shelf
 * that is full gets company.
 */

#define MAGIC	     UINT32_C(0x666c6873) /* "shlf" */
#define SEND_BYTES   (1 << 20)		  /* wished for; the kernel cuts it */
#define TIDY_GARBAGE 8			  /* less is left alone */
#define PROOF_MS     200

struct shelf_message {
	uint32_t magic;
	uint32_t n;
	uint64_t ids[SHELF_BATCH];
};

struct shelf {
	struct list link;  // shelves::all
	struct list items; // shelf_item::link
	unsigned int number;
	int in_fd;
	int out_fd;
	size_t n_items;
	size_t n_garbage;
	size_t n_messages;
	bool inherited; /* not gone through yet: nothing is put there */
	bool full;	/* it said so, and nothing was taken off since */
	bool untidy;	/* tidying failed half-way: some items lie twice */
};

static size_t message_bytes(size_t n)
{
	return offsetof(struct shelf_message, ids) + n * sizeof(uint64_t);
}

/* ---- the sockets -------------------------------------------------------- */

static void name_end(char name[MANAGER_NAME_BYTES], unsigned int number,
		     char end)
{
	(void)snprintf(name, MANAGER_NAME_BYTES, "shelf-%u.%c", number, end);
}

/* 0, -EAGAIN: there is no room, or what sendmsg(2) gives. */
static int send_items(const struct shelf *shelf,
		      struct shelf_item *const *items, size_t n)
{
	struct shelf_message message = {.magic = MAGIC, .n = (uint32_t)n};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(SHELF_BATCH * sizeof(int))];
	} control;
	struct iovec iov = {&message, message_bytes(n)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	int fds[SHELF_BATCH];

	for (size_t i = 0; i < n; i++) {
		message.ids[i] = items[i]->id;
		fds[i] = items[i]->fd;
	}
	memset(&control, 0, CMSG_SPACE(n * sizeof(int)));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	while (sendmsg(shelf->in_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Takes the message at the head away, and its descriptors with it. */
static int pop(const struct shelf *shelf)
{
	char byte;

	while (recv(shelf->out_fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

struct peeked {
	struct shelf_message message;
	int fds[SHELF_BATCH];
	size_t n_fds;
};

static void close_peeked(struct peeked *peeked)
{
	while (peeked->n_fds > 0)
		(void)fd_close(peeked->fds[--peeked->n_fds]);
}

static bool is_whole(const struct peeked *peeked, const struct msghdr *msg,
		     ssize_t length)
{
	const struct shelf_message *message = &peeked->message;

	return !(msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	       length >= (ssize_t)message_bytes(1) && message->magic == MAGIC &&
	       message->n <= SHELF_BATCH &&
	       (size_t)length == message_bytes(message->n) &&
	       peeked->n_fds == message->n;
}

/* Looks at the message at the head, which stays there.  -EAGAIN: there is none;
 * -EMFILE: there is no room for its descriptors; -EBADMSG: it is no message of
 * a shelf; or what recvmsg(2) gives. */
static int peek(const struct shelf *shelf, struct peeked *peeked)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(SHELF_BATCH * sizeof(int))];
	} control;
	struct iovec iov = {&peeked->message, sizeof(peeked->message)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *cmsg;
	ssize_t length;

	do
		length = recvmsg(shelf->out_fd, &msg,
				 MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	peeked->n_fds = 0;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS) {
		peeked->n_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(peeked->fds, CMSG_DATA(cmsg),
		       peeked->n_fds * sizeof(int));
	}
	if (is_whole(peeked, &msg, length))
		return 0;
	close_peeked(peeked);
	return msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
}

/* ---- shelves ------------------------------------------------------------ */

static struct shelf *find_shelf(const struct shelves *shelves,
				unsigned int number)
{
	struct shelf *shelf;

	list_for_each (shelf, &shelves->all, link)
		if (shelf->number == number)
			return shelf;
	return NULL;
}

static struct shelf *new_shelf(struct shelves *shelves, unsigned int number)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));

	if (!shelf)
		return NULL;
	list_init(&shelf->items);
	shelf->number = number;
	shelf->in_fd = -1;
	shelf->out_fd = -1;
	list_append(&shelves->all, &shelf->link);
	return shelf;
}

static void free_shelf(struct shelves *shelves, struct shelf *shelf)
{
	struct shelf_item *item;

	while ((item = list_first(&shelf->items, struct shelf_item, link))) {
		list_remove(&item->link);
		item->shelf = NULL;
	}
	if (shelves->current == shelf)
		shelves->current = NULL;
	list_remove(&shelf->link);
	(void)fd_close(shelf->in_fd);
	(void)fd_close(shelf->out_fd);
	free(shelf);
}

static void discard_shelf(struct shelves *shelves, struct shelf *shelf)
{
	char name[MANAGER_NAME_BYTES];

	name_end(name, shelf->number, 'a');
	(void)shelves->keeper->forget(name);
	name_end(name, shelf->number, 'b');
	(void)shelves->keeper->forget(name);
	free_shelf(shelves, shelf);
}

/* Without it the daemon still lends, and what it lends is quarantined when it
 * is started anew: worse, but better than lending nothing. */
static void leave_with_manager(struct shelves *shelves,
			       const struct shelf *shelf)
{
	char name[MANAGER_NAME_BYTES];
	struct error why = ERROR_INIT;
	int r;

	name_end(name, shelf->number, 'a');
	r = shelves->keeper->store(name, shelf->in_fd);
	if (r == 0) {
		name_end(name, shelf->number, 'b');
		r = shelves->keeper->store(name, shelf->out_fd);
	}
	if (r < 0)
		error_write(&why, "the service manager cannot be told: %s",
			    strerror(-r));
	else
		r = shelves->keeper->prove_store(PROOF_MS, &why);
	if (r < 0)
		log_warning("buffers lent from now on may not survive a "
			    "restart: %s",
			    why.text);
}

static int add_shelf(struct shelves *shelves, struct shelf **shelfp)
{
	const int wish = SEND_BYTES;
	unsigned int number = 0;
	int ends[2];

	while (find_shelf(shelves, number))
		number++;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	*shelfp = new_shelf(shelves, number);
	if (!*shelfp) {
		(void)fd_close(ends[0]);
		(void)fd_close(ends[1]);
		return -ENOMEM;
	}
	(*shelfp)->in_fd = ends[0];
	(*shelfp)->out_fd = ends[1];
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &wish, sizeof(wish));
	leave_with_manager(shelves, *shelfp);
	return 0;
}

static int try_shelf(struct shelf *shelf, struct shelf_item *const *items,
		     size_t n)
{
	int r;

	if (shelf->inherited || shelf->full)
		return -EAGAIN;
	r = send_items(shelf, items, n);
	if (r == -EAGAIN)
		shelf->full = true;
	return r;
}

static int send_somewhere(struct shelves *shelves,
			  struct shelf_item *const *items, size_t n,
			  struct shelf **shelfp)
{
	struct shelf *shelf = shelves->current;
	int r = shelf ? try_shelf(shelf, items, n) : -EAGAIN;

	if (r == -EAGAIN) {
		list_for_each (shelf, &shelves->all, link) {
			r = try_shelf(shelf, items, n);
			if (r != -EAGAIN)
				break;
		}
	}
	if (r == -EAGAIN) {
		r = add_shelf(shelves, &shelf);
		if (r == 0)
			r = try_shelf(shelf, items, n);
	}
	*shelfp = shelf;
	return r;
}

/* Puts items on a shelf; what lay on another is garbage there. */
static int put(struct shelves *shelves, struct shelf_item *const *items,
	       size_t n)
{
	struct shelf *shelf;
	int r = send_somewhere(shelves, items, n, &shelf);

	if (r < 0)
		return r;
	shelves->current = shelf;
	shelf->n_messages++;
	for (size_t i = 0; i < n; i++) {
		struct shelf *former = items[i]->shelf;

		if (former) {
			former->n_items--;
			former->n_garbage++;
		}
		list_remove(&items[i]->link);
		list_append(&shelf->items, &items[i]->link);
		items[i]->shelf = shelf;
		shelf->n_items++;
	}
	return 0;
}

int shelves_put(struct shelves *shelves, struct shelf_item *const *items,
		size_t n)
{
	return put(shelves, items, n);
}

/* ---- tidying ------------------------------------------------------------ */

static size_t first_items(const struct shelf *shelf, size_t most,
			  struct shelf_item **items)
{
	struct shelf_item *item;
	size_t n = 0;

	list_for_each (item, &shelf->items, link) {
		if (n == most)
			break;
		items[n++] = item;
	}
	return n;
}

/* One shelf without anything on it is kept for the next item. */
static void discard_empty(struct shelves *shelves)
{
	struct shelf *shelf, *next, *spare = NULL;

	list_for_each_safe (shelf, next, &shelves->all, link) {
		if (shelf->inherited || shelf->n_messages > 0)
			continue;
		if (spare)
			discard_shelf(shelves, shelf);
		else
			spare = shelf;
	}
}

/* Sends what is needed once more, perhaps to the same shelf, and then takes off
 * what was there before.  Where it cannot be sent, it stays. */
static void tidy(struct shelves *shelves, struct shelf *shelf)
{
	size_t n_messages = shelf->n_messages;
	size_t left = shelf->n_items;

	shelf->untidy = true;
	while (left > 0) {
		struct shelf_item *items[SHELF_BATCH];
		size_t n = first_items(
			shelf, left < SHELF_BATCH ? left : SHELF_BATCH, items);

		if (put(shelves, items, n) < 0)
			return;
		left -= n;
	}
	shelf->untidy = false;
	shelf->n_garbage = 0;
	shelf->full = false;
	while (n_messages-- > 0 && pop(shelf) == 0)
		shelf->n_messages--;
}

static bool needs_tidying(const struct shelf *shelf)
{
	if (shelf->inherited || shelf->n_garbage == 0)
		return false;
	return shelf->untidy || shelf->n_items == 0 ||
	       (shelf->n_garbage >= TIDY_GARBAGE &&
		shelf->n_garbage > shelf->n_items);
}

void shelves_drop(struct shelves *shelves, struct shelf_item *item)
{
	struct shelf *shelf = item->shelf;
	size_t n = 0;

	if (!shelf)
		return;
	list_remove(&item->link);
	item->shelf = NULL;
	shelf->n_items--;
	shelf->n_garbage++;
	list_for_each (shelf, &shelves->all, link) {
		if (needs_tidying(shelf))
			tidy(shelves, shelf);
		n += shelf->n_messages == 0;
	}
	if (n > 1)
		discard_empty(shelves);
}

/* ---- what was inherited -------------------------------------------------- */

/* The number of a shelf and which end of it, or false. */
static bool read_name(const char *name, unsigned int *numberp, char *endp)
{
	char same[MANAGER_NAME_BYTES];

	if (sscanf(name, "shelf-%u.%c", numberp, endp) != 2 ||
	    (*endp != 'a' && *endp != 'b'))
		return false;
	name_end(same, *numberp, *endp);
	return strcmp(name, same) == 0;
}

bool shelves_are_in(const struct inheritance *inheritance)
{
	unsigned int number;
	char end;

	for (size_t i = 0; i < inheritance->n; i++)
		if (read_name(inheritance->items[i].name, &number, &end))
			return true;
	return false;
}

static int inherit_end(struct shelves *shelves, unsigned int number, char end,
		       int fd)
{
	struct shelf *shelf = find_shelf(shelves, number);
	int *place;

	if (!shelf)
		shelf = new_shelf(shelves, number);
	if (!shelf) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	shelf->inherited = true;
	place = end == 'a' ? &shelf->in_fd : &shelf->out_fd;
	(void)fd_close(*place);
	*place = fd;
	return 0;
}

int shelves_inherit(struct shelves *shelves, struct inheritance *inheritance)
{
	struct shelf *shelf, *next;

	for (size_t i = 0; i < inheritance->n;) {
		unsigned int number;
		char end;
		int r;

		if (!read_name(inheritance->items[i].name, &number, &end)) {
			i++;
			continue;
		}
		r = inherit_end(shelves, number, end,
				inheritance_take_at(inheritance, i));
		if (r < 0)
			return r;
	}
	/* one end alone: its daemon was killed before it put anything there */
	list_for_each_safe (shelf, next, &shelves->all, link)
		if (shelf->in_fd < 0 || shelf->out_fd < 0)
			discard_shelf(shelves, shelf);
	return 0;
}

/* Moves what is needed of the message at the head. */
static int recover_message(struct shelves *shelves, struct peeked *peeked,
			   shelf_found_fn *fn, void *data)
{
	struct shelf_item *items[SHELF_BATCH];
	size_t n = 0;

	for (size_t i = 0; i < peeked->n_fds; i++) {
		struct shelf_item *item =
			fn(data, peeked->message.ids[i], peeked->fds[i]);

		if (item)
			items[n++] = item;
	}
	return n > 0 ? put(shelves, items, n) : 0;
}

/* 0: all of it was moved, and it can be used like any other. */
static int recover_shelf(struct shelves *shelves, struct shelf *shelf,
			 shelf_found_fn *fn, void *data)
{
	struct peeked peeked;
	int r;

	while ((r = peek(shelf, &peeked)) == 0) {
		r = recover_message(shelves, &peeked, fn, data);
		if (r == 0)
			r = pop(shelf);
		if (r < 0)
			return r;
	}
	if (r != -EAGAIN)
		return r;
	shelf->inherited = false;
	return 0;
}

int shelves_recover(struct shelves *shelves, shelf_found_fn *fn, void *data)
{
	struct shelf *shelf, *next;
	int result = 0;

	list_for_each_safe (shelf, next, &shelves->all, link) {
		int r;

		if (!shelf->inherited)
			continue;
		r = recover_shelf(shelves, shelf, fn, data);
		if (r == 0)
			continue;
		result = r;
		log_err("shelf %u cannot be read to its end: %s", shelf->number,
			strerror(-r));
	}
	discard_empty(shelves);
	return result;
}

void shelves_init(struct shelves *shelves, const struct shelf_keeper *keeper)
{
	shelves->keeper = keeper;
	list_init(&shelves->all);
	shelves->current = NULL;
}

void shelves_deinit(struct shelves *shelves)
{
	struct shelf *shelf, *next;

	list_for_each_safe (shelf, next, &shelves->all, link)
		free_shelf(shelves, shelf);
}
