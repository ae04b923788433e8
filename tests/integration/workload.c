/* SPDX-License-Identifier: MIT */
#include "tests/integration/workload.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/channel.h"
#include "util/fd.h"

/*
 * The test's side: it starts the clients, reads what they hold from memory that
 * they share, and ends them.  A client enters a buffer when it has it and takes
 * it off before it lets go, so whatever is entered both before and after the
 * daemon was asked is a buffer that the daemon must know.
 */

#define LIMIT_S 120

static void become(uint32_t uid)
{
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0))
		_exit(100);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void start_client(struct workload *workload, struct workload_desk *desk)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		desk->pid = pid;
		return;
	}
	become(desk->uid);
	workload_run(workload, desk);
}

struct workload *workload_new(const char *socket, uint64_t seed)
{
	struct workload *workload =
		mmap(NULL, sizeof(*workload), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(workload, MAP_FAILED);
	(void)snprintf(workload->socket, sizeof(workload->socket), "%s", socket);
	workload->seed = seed;
	ck_assert_int_eq(sem_init(&workload->paused, 1, 0), 0);
	for (int i = 0; i < WORKLOAD_CLIENTS; i++) {
		struct workload_desk *desk = &workload->desks[i];

		desk->uid =
			geteuid() == 0 ? WORKLOAD_UID + (uint32_t)i : geteuid();
		ck_assert_int_eq(sem_init(&desk->resume, 1, 0), 0);
		ck_assert_int_eq(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_CLOEXEC |
						    SOCK_NONBLOCK,
					    0, desk->passing),
				 0);
	}
	for (int i = 0; i < WORKLOAD_CLIENTS; i++)
		start_client(workload, &workload->desks[i]);
	return workload;
}

static void give_up(const struct workload_desk *desk, int code)
{
	ck_abort_msg("client %d of uid %u: %s (status 0x%x)", (int)desk->pid,
		     desk->uid, desk->fault[0] ? desk->fault : "died",
		     (unsigned int)code);
}

void workload_check(struct workload *workload)
{
	for (int i = 0; i < WORKLOAD_CLIENTS; i++) {
		struct workload_desk *desk = &workload->desks[i];
		int code = 0;

		if (desk->fault[0] || waitpid(desk->pid, &code, WNOHANG) != 0)
			give_up(desk, code);
	}
}

static void end_client(struct workload_desk *desk, bool killed)
{
	int code;

	if (killed)
		(void)kill(desk->pid, SIGKILL);
	ck_assert_int_eq(waitpid(desk->pid, &code, 0), desk->pid);
	if (desk->fault[0] || (!killed && code != 0))
		give_up(desk, code);
	(void)sem_destroy(&desk->resume);
	(void)fd_close(desk->passing[0]);
	(void)fd_close(desk->passing[1]);
}

void workload_free(struct workload *workload, bool kill)
{
	atomic_store(&workload->ending, true);
	for (int i = 0; i < WORKLOAD_CLIENTS; i++)
		end_client(&workload->desks[i], kill);
	(void)sem_destroy(&workload->paused);
	(void)munmap(workload, sizeof(*workload));
}

static void drop_parcels(const struct workload_desk *desk)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	char parcel[64];
	size_t size;

	while (channel_receive_fds(desk->passing[0], parcel, sizeof(parcel),
				   &size, &fds) == 0)
		channel_fds_close(&fds);
}

void workload_pause(struct workload *workload)
{
	struct timespec limit;

	atomic_store(&workload->pausing, true);
	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += LIMIT_S;
	for (int i = 0; i < WORKLOAD_CLIENTS; i++) {
		while (sem_timedwait(&workload->paused, &limit) != 0) {
			workload_check(workload);
			ck_assert_int_eq(errno, EINTR);
		}
	}
	workload_check(workload);
	for (int i = 0; i < WORKLOAD_CLIENTS; i++)
		drop_parcels(&workload->desks[i]);
}

void workload_resume(struct workload *workload)
{
	atomic_store(&workload->pausing, false);
	for (int i = 0; i < WORKLOAD_CLIENTS; i++)
		ck_assert_int_eq(sem_post(&workload->desks[i].resume), 0);
}

static int compare(const void *a, const void *b)
{
	const struct workload_held *one = a, *other = b;

	return one->id < other->id ? -1 : one->id > other->id;
}

/* A claim that changes meanwhile is none. */
static bool read_claim(const struct workload_claim *claim,
		       struct workload_held *held)
{
	held->id = atomic_load(&claim->id);
	held->size_bytes = atomic_load(&claim->size_bytes);
	held->owner_uid = atomic_load(&claim->owner_uid);
	return held->id && atomic_load(&claim->id) == held->id;
}

struct workload_held *workload_list(const struct workload *workload, size_t *np)
{
	struct workload_held *all = calloc(
		WORKLOAD_CLIENTS * (size_t)WORKLOAD_BUFFERS, sizeof(*all));
	size_t n = 0, unique = 0;

	ck_assert_ptr_nonnull(all);
	for (int i = 0; i < WORKLOAD_CLIENTS; i++)
		for (int j = 0; j < WORKLOAD_BUFFERS; j++)
			n += read_claim(&workload->desks[i].claims[j], &all[n]);
	qsort(all, n, sizeof(*all), compare);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || all[i].id != all[unique - 1].id)
			all[unique++] = all[i];
	*np = unique;
	return all;
}
