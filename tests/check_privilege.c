/* SPDX-License-Identifier: MIT */
#include "daemon/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/lease.h"
#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * Dropping cannot be undone, so each test does it in a process of its own,
 * which reads of itself what the kernel says.  Most of it takes root.
 */

#define OTHER 65534

static char warning[256];

static void keep_warning(enum log_level level, const struct log_fields *fields,
			 const char *text)
{
	(void)level;
	(void)fields;
	(void)snprintf(warning, sizeof(warning), "%s", text);
}

/* fn must return 0 in a process of its own. */
static void apart(int (*fn)(void))
{
	pid_t pid = fork();
	int code;

	if (pid == 0)
		_exit(fn());
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 0,
		      "the process ended with status 0x%x", (unsigned int)code);
}

/* Whether /proc/self/status has this line. */
static bool status_has(const char *line)
{
	char *text;
	size_t len;
	bool found;

	if (fd_read_file("/proc/self/status", 65536, &text, &len) < 0)
		return false;
	found = strstr(text, line) != NULL;
	free(text);
	return found;
}

static bool has_no_capabilities(void)
{
	return status_has("\nCapInh:\t0000000000000000\n") &&
	       status_has("\nCapPrm:\t0000000000000000\n") &&
	       status_has("\nCapEff:\t0000000000000000\n") &&
	       status_has("\nCapAmb:\t0000000000000000\n") &&
	       status_has("\nNoNewPrivs:\t1\n");
}

static int become_other(void)
{
	const struct config_identity other = {OTHER, OTHER};
	const gid_t groups[] = {4, 5};
	int secure;

	if (setgroups(2, groups) < 0 || privilege_drop(&other, NULL) != 0)
		return 1;
	if (!has_no_capabilities() ||
	    !status_has("\nCapBnd:\t0000000000000000\n"))
		return 2;
	if (!status_has("\nUid:\t65534\t65534\t65534\t65534\n") ||
	    !status_has("\nGid:\t65534\t65534\t65534\t65534\n") ||
	    getgroups(0, NULL) != 0)
		return 3;
	secure = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	if (!(secure & SECBIT_NOROOT) || !(secure & SECBIT_NOROOT_LOCKED))
		return 4;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgroups(1, groups) == 0 ||
	    open("/proc/1/mem", O_RDONLY | O_CLOEXEC) >= 0)
		return 5;
	return 0;
}

START_TEST(root_becomes_somebody)
{
	apart(become_other);
}
END_TEST

static int stay_root(void)
{
	const struct config_identity root = {0, 0};

	if (privilege_drop(&root, NULL) != 0)
		return 1;
	if (!has_no_capabilities() ||
	    !status_has("\nCapBnd:\t0000000000000000\n") ||
	    !status_has("\nUid:\t0\t0\t0\t0\n") || getgroups(0, NULL) != 0)
		return 2;
	/* it takes CAP_SETUID; of this thread, as a sanitizer has its own */
	if (syscall(SYS_setuid, OTHER) == 0)
		return 3;
	return 0;
}

START_TEST(root_without_capabilities)
{
	apart(stay_root);
}
END_TEST

/* Buffers are memfds with leases, which only their owner may take; and the
 * daemon reopens them below /proc/self, which must be its own. */
static int lend_as_other(void)
{
	const struct config_identity other = {OTHER, OTHER};
	int fd, lent;

	if (privilege_drop(&other, NULL) != 0)
		return 1;
	fd = lease_create("test", 4096, NULL, NULL);
	if (fd < 0)
		return 2;
	lent = lease_lend(fd);
	if (lent < 0 || lease_held(fd) != 1)
		return 3;
	(void)fd_close(lent);
	if (lease_held(fd) != 0)
		return 4;
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 ? 0 : 5;
}

START_TEST(buffers_work_afterwards)
{
	apart(lend_as_other);
}
END_TEST

/* An ordinary user: nothing can be dropped but the hope of gaining some. */
static int drop_as_user(void)
{
	const struct config_identity root = {0, 0};
	struct config_identity self;
	struct error why = ERROR_INIT;

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setgid(OTHER) < 0 || setuid(OTHER) < 0))
		return 1;
	self = (struct config_identity){geteuid(), getegid()};
	if (privilege_drop(&root, &why) != -EPERM)
		return 2;
	if (!strstr(why.text, "privileges cannot be dropped: uid "))
		return 3;
	if (privilege_drop(&self, NULL) != 0 || !has_no_capabilities())
		return 4;
	return privilege_drop(&self, NULL) == 0 ? 0 : 5; /* as often as wanted */
}

START_TEST(ordinary_user_keeps_working)
{
	apart(drop_as_user);
}
END_TEST

static int choose_as_user(void)
{
	struct configuration config = {.has_user = true, .user = {7, 8}};
	struct config_identity identity;

	if (geteuid() == 0 && (setgid(OTHER) < 0 || setuid(OTHER) < 0))
		return 1;
	log_set_sink(keep_warning);
	if (privilege_choose(&identity, &config, NULL) < 0)
		return 1;
	if (identity.uid != geteuid() || identity.gid != getegid())
		return 2;
	if (!strstr(warning, "it takes root to become uid 7"))
		return 3;
	warning[0] = '\0';
	config.user.uid = (uint32_t)geteuid();
	if (privilege_choose(&identity, &config, NULL) < 0)
		return 4;
	config.has_user = false;
	if (privilege_choose(&identity, &config, NULL) < 0)
		return 4;
	return warning[0] ? 4 : 0;
}

START_TEST(ordinary_user_stays)
{
	apart(choose_as_user);
}
END_TEST

START_TEST(root_chooses)
{
	struct configuration config = {.has_user = true, .user = {7, 8}};
	const struct passwd *entry = getpwnam(PRIVILEGE_USER);
	struct config_identity identity;

	ck_assert_int_eq(privilege_choose(&identity, &config, NULL), 0);
	ck_assert_uint_eq(identity.uid, 7);
	ck_assert_uint_eq(identity.gid, 8);
	config.has_user = false;
	ck_assert_int_eq(privilege_choose(&identity, &config, NULL), 0);
	ck_assert_uint_eq(identity.uid, entry ? entry->pw_uid : 0);
	ck_assert_uint_eq(identity.gid, entry ? entry->pw_gid : 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("privilege");
	TCase *anybody = harness_case(suite, "anybody");
	int failed;

	tcase_add_test(anybody, ordinary_user_keeps_working);
	tcase_add_test(anybody, ordinary_user_stays);
	if (geteuid() == 0) {
		TCase *root = harness_case(suite, "root");

		tcase_add_test(root, root_becomes_somebody);
		tcase_add_test(root, root_without_capabilities);
		tcase_add_test(root, buffers_work_afterwards);
		tcase_add_test(root, root_chooses);
	}
	failed = harness_run(suite);
	if (!failed && geteuid() != 0)
		harness_skip("it takes root to drop what root has");
	return failed;
}
