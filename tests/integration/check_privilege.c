/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "util/fd.h"

/*
 * What a running contigd is still able to do: nothing that takes privilege, in
 * any of its threads, whoever started it.
 */

#define OTHER 65534 /* nobody, on every system */
#define MIB   (UINT64_C(1) << 20)

static struct daemon process;

static void expect_line(const char *path, const char *status, const char *line)
{
	ck_assert_msg(strstr(status, line) != NULL, "%s lacks '%s':\n%s", path,
		      line, status);
}

/* One thread has nothing; bounding: its bounding set is empty, too. */
static void expect_nothing(const char *path, unsigned int uid, bool bounding)
{
	char line[64], *status;
	size_t len;

	ck_assert_int_eq(fd_read_file(path, 65536, &status, &len), 0);
	expect_line(path, status, "\nCapInh:\t0000000000000000\n");
	expect_line(path, status, "\nCapPrm:\t0000000000000000\n");
	expect_line(path, status, "\nCapEff:\t0000000000000000\n");
	expect_line(path, status, "\nCapAmb:\t0000000000000000\n");
	expect_line(path, status, "\nNoNewPrivs:\t1\n");
	if (bounding)
		expect_line(path, status, "\nCapBnd:\t0000000000000000\n");
	(void)snprintf(line, sizeof(line), "\nUid:\t%u\t%u\t%u\t%u\n", uid, uid,
		       uid, uid);
	expect_line(path, status, line);
	if (bounding)
		expect_line(path, status, "\nGroups:\t \n");
	free(status);
}

static void expect_nothing_of_all_threads(unsigned int uid, bool bounding)
{
	const struct dirent *entry;
	char path[300];
	int n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)process.pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/status",
			       (int)process.pid, entry->d_name);
		expect_nothing(path, uid, bounding);
		n++;
	}
	(void)closedir(dir);
	/* the loop and the worker; a sanitizer may have one, too */
	ck_assert_int_ge(n, 2);
}

/* A whole life of a buffer: lent, found held, let go, zeroed. */
static int is_whole(void *data)
{
	struct contig_status status;

	ck_assert_int_eq(contig_get_status(data, &status), 0);
	return status.free_bytes == status.total_bytes &&
	       status.dirty_bytes == 0;
}

static void use(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	struct contig *contig;
	void *map;

	ck_assert_int_eq(contig_open(&contig, process.socket), 0);
	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	ck_assert_int_eq(contig_map(buffer, CONTIG_WRITE, &map), 0);
	memset(map, 1, MIB);
	ck_assert_int_eq(is_whole(contig), 0);
	(void)contig_release(buffer);
	daemon_wait(is_whole, contig, 5000);
	contig = contig_close(contig);
}

static void start_as(const char *user)
{
	const char *const options[] = {"--simulate", "test=64M", "--user", user,
				       NULL};

	daemon_start(&process, options);
}

START_TEST(root_becomes_nobody)
{
	struct stat st;

	start_as("65534");
	expect_nothing_of_all_threads(OTHER, true);
	ck_assert_int_eq(stat(process.socket, &st), 0);
	ck_assert_uint_eq(st.st_uid, OTHER);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	use();
	/* its folder is the test's: only that one may remove the socket */
	ck_assert_int_eq(unlink(process.socket), 0);
	daemon_stop(&process);
}
END_TEST

START_TEST(root_stays_root_without_capabilities)
{
	start_as("0");
	expect_nothing_of_all_threads(0, true);
	use();
	daemon_stop(&process);
}
END_TEST

START_TEST(configuration_names_user_and_group)
{
	char path[] = "/tmp/contigd-config-XXXXXX";
	const char *const options[] = {"--simulate", "64M", "--config", path,
				       NULL};
	const char text[] = "[daemon]\nuser = 65534\nsocket-group = 4\n";
	int fd = mkostemp(path, O_CLOEXEC);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	(void)fd_close(fd);
	process.configured_user = 1;
	daemon_start(&process, options);
	expect_nothing_of_all_threads(OTHER, true);
	ck_assert_int_eq(stat(process.socket, &st), 0);
	ck_assert_uint_eq(st.st_uid, OTHER);
	ck_assert_uint_eq(st.st_gid, 4);
	ck_assert_int_eq(unlink(process.socket), 0);
	daemon_stop(&process);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* Not root: as whom it was started it goes on, with no right to gain any. */
START_TEST(ordinary_user_keeps_working)
{
	const char *program = getenv("CONTIGD");

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setgid(OTHER) < 0 || setuid(OTHER) < 0))
		ck_abort_msg("cannot become somebody else");
	if (access(program ? program : "./contigd", X_OK) < 0)
		return; /* in a folder that is not for everybody */
	daemon_start_simulated(&process);
	expect_nothing_of_all_threads((unsigned int)geteuid(), false);
	use();
	daemon_stop(&process);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("privilege");
	TCase *anybody = harness_case(suite, "anybody");
	int failed;

	tcase_add_test(anybody, ordinary_user_keeps_working);
	if (geteuid() == 0) {
		TCase *root = harness_case(suite, "root");

		tcase_add_test(root, root_becomes_nobody);
		tcase_add_test(root, root_stays_root_without_capabilities);
		tcase_add_test(root, configuration_names_user_and_group);
	}
	failed = harness_run(suite);
	if (!failed && geteuid() != 0)
		harness_skip("it takes root to drop what root has");
	return failed;
}
