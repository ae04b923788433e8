/* SPDX-License-Identifier: MIT */
#include "tests/integration/supervisor.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/channel.h"
#include "tests/integration/files.h"
#include "tests/integration/launch.h"
#include "tests/integration/notification.h"
#include "util/clock.h"
#include "util/fd.h"

/*
 * A restart loses nothing only if the service and its manager agree on who has
 * what at each moment, so the manager here keeps to systemd's order of things:
 *
 *	- what the service sent before it died is processed before anybody is
 *	  told that it died;
 *	- a message counts only from a process of the service;
 *	- BARRIER=1 is nothing but a descriptor to be closed when everything
 *	  before it has been processed;
 *	- at each start the service gets its socket first, then the store,
 *	  which keeps what it has.
 *
 * The thread does what PID 1 does and no more; it never fails a test itself,
 * for only the test's own thread can.
 */

#define LIMIT_S	      120 /* of a wait: a hang, not a speed, is an error */
#define MAX_ARGUMENTS 32
#define SOCKET_NAME   "contigd.socket"

static void process_store(struct supervisor *supervisor,
			  struct notification *said)
{
	bool poll = !notification_has(said, "FDPOLL=0");
	char name[STORE_NAME_BYTES];
	bool named;

	named = notification_get(said, "FDNAME", name, sizeof(name)) && *name &&
		!strchr(name, ':');
	if (notification_has(said, "FDSTOREREMOVE=1") && named)
		store_remove(&supervisor->store, name);
	if (!notification_has(said, "FDSTORE=1"))
		return;
	for (size_t i = 0; i < said->n_fds; i++) {
		(void)store_add_consume(&supervisor->store, said->fds[i],
					named ? name : "stored", poll);
		said->fds[i] = -1;
	}
}

/* [locked] */
static void process(struct supervisor *supervisor, struct notification *said)
{
	if (said->sender != supervisor->pid) {
		supervisor->strangers++;
		return;
	}
	if (notification_has(said, "BARRIER=1")) {
		supervisor->barriers += said->n_fds == 1;
		return;
	}
	supervisor->ready |= notification_has(said, "READY=1");
	supervisor->stopping |= notification_has(said, "STOPPING=1");
	supervisor->alive += notification_has(said, "WATCHDOG=1");
	(void)notification_get(said, "STATUS", supervisor->status,
			       sizeof(supervisor->status));
	process_store(supervisor, said);
}

/* [locked] */
static void listen_to_all(struct supervisor *supervisor)
{
	struct notification said;

	while (notification_receive(supervisor->notify_fd, &said)) {
		process(supervisor, &said);
		notification_deinit(&said);
	}
}

/* [locked] Whether there is nobody any more who could send something.  A
 * service that a test has stopped with ptrace(2) is reported here, too. */
static bool has_ended(const struct supervisor *supervisor)
{
	siginfo_t info = {.si_pid = 0};

	return supervisor->pid > 0 &&
	       waitid(P_PID, (id_t)supervisor->pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == supervisor->pid && info.si_code != CLD_TRAPPED;
}

/* [locked] */
static void reap(struct supervisor *supervisor)
{
	(void)waitpid(supervisor->pid, &supervisor->code, 0);
	supervisor->pid = 0;
}

/* [locked] */
static void drop_hung_up(struct supervisor *supervisor)
{
	struct stored *item, *next;

	list_for_each_safe (item, next, &supervisor->store.items, link) {
		struct pollfd pollfd = {.fd = item->fd};

		if (item->poll && poll(&pollfd, 1, 0) > 0 &&
		    pollfd.revents & (POLLHUP | POLLERR))
			store_drop(&supervisor->store, item);
	}
}

static void start_process(struct supervisor *supervisor, bool main);

static void *run(void *data)
{
	struct supervisor *supervisor = data;
	struct pollfd pollfds[] = {
		{.fd = supervisor->wake_fd, .events = POLLIN},
		{.fd = supervisor->child_fd, .events = POLLIN},
		{.fd = supervisor->notify_fd, .events = POLLIN},
	};
	bool ending = false;

	while (!ending) {
		struct signalfd_siginfo children[8];
		bool ended;

		(void)poll(pollfds, 3, -1);
		fd_clear_event(supervisor->wake_fd);
		(void)!read(supervisor->child_fd, children, sizeof(children));

		pthread_mutex_lock(&supervisor->lock);
		ended = has_ended(supervisor);
		listen_to_all(supervisor);
		drop_hung_up(supervisor);
		if (ended)
			reap(supervisor);
		if (ended && supervisor->serving && supervisor->spec.restart &&
		    !supervisor->resting) {
			supervisor->restarts++;
			start_process(supervisor, true);
		}
		ending = supervisor->ending;
		pthread_cond_broadcast(&supervisor->changed);
		pthread_mutex_unlock(&supervisor->lock);
	}
	return NULL;
}

void supervisor_init(struct supervisor *supervisor,
		     const struct supervisor_spec *spec)
{
	sigset_t child;

	*supervisor = (struct supervisor){.spec = *spec};
	(void)snprintf(supervisor->user, sizeof(supervisor->user), "%u",
		       (unsigned int)geteuid());
	(void)strcpy(supervisor->directory, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(supervisor->directory));
	ck_assert_int_eq(chmod(supervisor->directory, 0755), 0);
	(void)snprintf(supervisor->socket, sizeof(supervisor->socket),
		       "%s/sock", supervisor->directory);
	(void)snprintf(supervisor->runtime, sizeof(supervisor->runtime),
		       "%s/run", supervisor->directory);
	(void)snprintf(supervisor->notify, sizeof(supervisor->notify),
		       "%s/notify", supervisor->directory);
	ck_assert_int_eq(mkdir(supervisor->runtime, 0755), 0);
	supervisor->listen_fd = channel_listen(supervisor->socket, SOMAXCONN);
	ck_assert_int_ge(supervisor->listen_fd, 0);
	ck_assert_int_eq(chmod(supervisor->socket, 0666), 0);
	supervisor->notify_fd = notification_listen(supervisor->notify);
	ck_assert_int_ge(supervisor->notify_fd, 0);
	supervisor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)pthread_sigmask(SIG_BLOCK, &child, &supervisor->mask);
	supervisor->child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	supervisor->log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(supervisor->log_fd, 0);
	store_init(&supervisor->store, spec->store_limit);
	pthread_mutex_init(&supervisor->lock, NULL);
	pthread_cond_init(&supervisor->changed, NULL);
	ck_assert_int_eq(
		pthread_create(&supervisor->thread, NULL, run, supervisor), 0);
}

void supervisor_deinit(struct supervisor *supervisor)
{
	ck_assert_int_eq(supervisor->pid, 0);
	pthread_mutex_lock(&supervisor->lock);
	supervisor->ending = true;
	pthread_mutex_unlock(&supervisor->lock);
	fd_raise_event(supervisor->wake_fd);
	ck_assert_int_eq(pthread_join(supervisor->thread, NULL), 0);
	pthread_cond_destroy(&supervisor->changed);
	pthread_mutex_destroy(&supervisor->lock);
	store_remove(&supervisor->store, NULL);
	supervisor->listen_fd = fd_close(supervisor->listen_fd);
	supervisor->notify_fd = fd_close(supervisor->notify_fd);
	supervisor->wake_fd = fd_close(supervisor->wake_fd);
	supervisor->child_fd = fd_close(supervisor->child_fd);
	(void)pthread_sigmask(SIG_SETMASK, &supervisor->mask, NULL);
	supervisor->log_fd = fd_close(supervisor->log_fd);
	files_remove_tree(supervisor->directory);
}

/* Environment in the order in which launch() looks: what is set twice is what
 * came first. */
struct setting {
	char lines[4][96];
	const char *all[MAX_ARGUMENTS];
};

static void make_setting(struct setting *setting,
			 const struct supervisor *supervisor, bool main)
{
	const struct supervisor_spec *spec = &supervisor->spec;
	size_t n = 0, own = 0;

	(void)snprintf(setting->lines[own++], sizeof(setting->lines[0]),
		       "NOTIFY_SOCKET=%s", supervisor->notify);
	(void)snprintf(setting->lines[own++], sizeof(setting->lines[0]),
		       "RUNTIME_DIRECTORY=%s", supervisor->runtime);
	if (main && spec->store_limit > 0)
		(void)snprintf(setting->lines[own++], sizeof(setting->lines[0]),
			       "FDSTORE=%zu", spec->store_limit);
	if (main && spec->watchdog_ms > 0)
		(void)snprintf(setting->lines[own++], sizeof(setting->lines[0]),
			       "WATCHDOG_USEC=%u000", spec->watchdog_ms);
	for (size_t i = 0; i < own; i++)
		setting->all[n++] = setting->lines[i];
	for (size_t i = 0; spec->environment && spec->environment[i]; i++) {
		ck_assert_uint_lt(n + 1, MAX_ARGUMENTS);
		setting->all[n++] = spec->environment[i];
	}
	setting->all[n] = NULL;
}

static void make_argv(const struct supervisor *supervisor, const char **argv,
		      const char *last)
{
	const char *contigd = getenv("CONTIGD");
	size_t n = 0;

	argv[n++] = supervisor->spec.program ? supervisor->spec.program
		    : contigd		     ? contigd
					     : "./contigd";
	if (!supervisor->spec.program) { /* whoever runs the test */
		argv[n++] = "--user";
		argv[n++] = supervisor->user;
	}
	for (size_t i = 0; supervisor->spec.arguments[i]; i++) {
		ck_assert_uint_lt(n + 2, MAX_ARGUMENTS);
		argv[n++] = supervisor->spec.arguments[i];
	}
	argv[n++] = last;
	argv[n] = NULL;
}

/* [locked] What the service gets: the socket, then the store. */
static void collect(const struct supervisor *supervisor, struct launch *launch,
		    int **fdsp, char **namesp)
{
	size_t room = supervisor->store.n + 1, n = 0;
	char *names = calloc(room, STORE_NAME_BYTES);
	int *fds = calloc(room, sizeof(*fds));
	const struct stored *item;
	char *end = names;

	if (!names || !fds)
		abort();
	fds[n++] = supervisor->listen_fd;
	end = stpcpy(end, SOCKET_NAME);
	list_for_each (item, &supervisor->store.items, link) {
		fds[n++] = item->fd;
		*end++ = ':';
		end = stpcpy(end, item->name);
	}
	launch->fds = *fdsp = fds;
	launch->names = *namesp = names;
	launch->n_fds = n;
}

/* [locked] */
static void start_process(struct supervisor *supervisor, bool main)
{
	const char *argv[MAX_ARGUMENTS];
	struct setting setting;
	struct launch start = {.argv = argv,
			       .environment = setting.all,
			       .err_fd = supervisor->log_fd};
	char *names = NULL;
	int *fds = NULL;
	pid_t pid;

	make_argv(supervisor, argv, main ? NULL : "--prepare");
	make_setting(&setting, supervisor, main);
	if (main)
		collect(supervisor, &start, &fds, &names);
	pid = launch(&start);
	ck_assert_int_gt(pid, 0);
	free(names);
	free(fds);
	supervisor->pid = pid;
	supervisor->serving = main;
	supervisor->ready = false;
	supervisor->stopping = false;
}

/* [locked] Waits for something to change. */
static void wait_change(struct supervisor *supervisor, const char *what)
{
	struct timespec limit;

	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += LIMIT_S;
	if (pthread_cond_timedwait(&supervisor->changed, &supervisor->lock,
				   &limit) == ETIMEDOUT) {
		supervisor_show_log(supervisor);
		ck_abort_msg("%s", what);
	}
}

void supervisor_wait_end(struct supervisor *supervisor)
{
	pthread_mutex_lock(&supervisor->lock);
	while (supervisor->pid > 0)
		wait_change(supervisor, "the service does not end");
	pthread_mutex_unlock(&supervisor->lock);
}

static void start_and_wake(struct supervisor *supervisor, bool main)
{
	pthread_mutex_lock(&supervisor->lock);
	ck_assert_int_eq(supervisor->pid, 0);
	supervisor->resting = false;
	start_process(supervisor, main);
	pthread_mutex_unlock(&supervisor->lock);
	fd_raise_event(supervisor->wake_fd);
}

bool supervisor_launch(struct supervisor *supervisor)
{
	supervisor->log_start = lseek(supervisor->log_fd, 0, SEEK_END);
	if (supervisor->spec.prepare) {
		start_and_wake(supervisor, false);
		supervisor_wait_end(supervisor);
		if (!WIFEXITED(supervisor->code) ||
		    WEXITSTATUS(supervisor->code) != 0)
			return false;
	}
	start_and_wake(supervisor, true);
	return true;
}

bool supervisor_wait_ready(struct supervisor *supervisor)
{
	bool ready;

	pthread_mutex_lock(&supervisor->lock);
	while (supervisor->pid > 0 && !supervisor->ready)
		wait_change(supervisor, "the service does not become ready");
	ready = supervisor->ready && supervisor->pid > 0;
	pthread_mutex_unlock(&supervisor->lock);
	return ready;
}

void supervisor_start(struct supervisor *supervisor)
{
	if (supervisor_launch(supervisor) && supervisor_wait_ready(supervisor))
		return;
	supervisor_show_log(supervisor);
	ck_abort_msg("the service ended with status 0x%x before it was ready",
		     (unsigned int)supervisor->code);
}

static void send_signal(struct supervisor *supervisor, int signo)
{
	pthread_mutex_lock(&supervisor->lock);
	supervisor->resting = true;
	if (supervisor->pid > 0)
		(void)kill(supervisor->pid, signo);
	pthread_mutex_unlock(&supervisor->lock);
}

void supervisor_kill(struct supervisor *supervisor)
{
	send_signal(supervisor, SIGKILL);
	supervisor_wait_end(supervisor);
}

pid_t supervisor_pid(struct supervisor *supervisor)
{
	pid_t pid;

	pthread_mutex_lock(&supervisor->lock);
	pid = supervisor->pid;
	pthread_mutex_unlock(&supervisor->lock);
	ck_assert_int_gt(pid, 0);
	return pid;
}

void supervisor_end(struct supervisor *supervisor)
{
	(void)supervisor_pid(supervisor);
	send_signal(supervisor, SIGTERM);
	supervisor_wait_end(supervisor);
}

void supervisor_stop(struct supervisor *supervisor)
{
	supervisor_end(supervisor);
	if (WIFEXITED(supervisor->code) && WEXITSTATUS(supervisor->code) == 0)
		return;
	supervisor_show_log(supervisor);
	ck_abort_msg("the service ended with status 0x%x",
		     (unsigned int)supervisor->code);
}

void supervisor_forget(struct supervisor *supervisor, const char *name)
{
	pthread_mutex_lock(&supervisor->lock);
	store_remove(&supervisor->store, name);
	pthread_mutex_unlock(&supervisor->lock);
}

int supervisor_peek(struct supervisor *supervisor, const char *name)
{
	int fd;

	pthread_mutex_lock(&supervisor->lock);
	fd = store_find(&supervisor->store, name);
	if (fd >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&supervisor->lock);
	return fd;
}

void supervisor_put_consume(struct supervisor *supervisor, const char *name,
			    int fd)
{
	pthread_mutex_lock(&supervisor->lock);
	ck_assert_int_eq(store_add_consume(&supervisor->store, fd, name, false),
			 0);
	pthread_mutex_unlock(&supervisor->lock);
}

size_t supervisor_count(struct supervisor *supervisor, const char *prefix)
{
	const struct stored *item;
	size_t n = 0;

	pthread_mutex_lock(&supervisor->lock);
	list_for_each (item, &supervisor->store.items, link)
		n += strncmp(item->name, prefix, strlen(prefix)) == 0;
	pthread_mutex_unlock(&supervisor->lock);
	return n;
}

int supervisor_count_fds(struct supervisor *supervisor)
{
	return files_count_fds(supervisor_pid(supervisor));
}

void supervisor_wait_fds(struct supervisor *supervisor, int n)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	uint64_t limit = clock_ms() + LIMIT_S * 1000;

	while (supervisor_count_fds(supervisor) > n) {
		if (clock_ms() > limit) {
			files_show_fds(supervisor_pid(supervisor));
			ck_abort_msg("the service has more than %d descriptors "
				     "open",
				     n);
		}
		(void)nanosleep(&pause, NULL);
	}
}

/* The log since the last start, to be freed. */
static char *read_log(const struct supervisor *supervisor)
{
	int fd = fd_reopen(supervisor->log_fd, O_RDONLY);
	size_t length;
	char *text;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, supervisor->log_start, SEEK_SET),
			 supervisor->log_start);
	ck_assert_int_eq(fd_read_all(fd, 64 << 20, &text, &length), 0);
	(void)fd_close(fd);
	return text;
}

bool supervisor_has_logged(const struct supervisor *supervisor, const char *text)
{
	char *log = read_log(supervisor);
	bool found = strstr(log, text) != NULL;

	free(log);
	return found;
}

void supervisor_show_log(const struct supervisor *supervisor)
{
	char *log = read_log(supervisor);

	(void)fputs(log, stderr);
	free(log);
}
