/* SPDX-License-Identifier: MIT */
#include "devicetree/directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/treedir.h"

/* The walk of a directory, by what it tells a writer that notes everything. */

struct notes {
	char text[8192];
	int fail_on_property; /* errno that the writer returns, or 0 */
};

static void note(struct notes *notes, const char *what, const char *name,
		 size_t len)
{
	size_t used = strlen(notes->text);

	(void)snprintf(notes->text + used, sizeof(notes->text) - used,
		       "%s%s/%zu ", what, name, len);
}

static int note_begin(void *data, const char *name)
{
	note(data, "<", name, 0);
	return 0;
}

static int note_property(void *data, const char *name, const void *bytes,
			 size_t len)
{
	struct notes *notes = data;

	(void)bytes;
	note(notes, "", name, len);
	return -notes->fail_on_property;
}

static int note_end(void *data)
{
	note(data, ">", "", 0);
	return 0;
}

static int note_unread(void *data, const char *path, int error)
{
	note(data, "?", strrchr(path, '/') + 1, (size_t)error);
	return 0;
}

static const struct directory_writer writer = {
	note_begin, note_property, note_end, note_unread};

static char dir[TREEDIR_BYTES];
static struct notes notes;
static struct error why;

static void setup(void)
{
	memset(&notes, 0, sizeof(notes));
	memset(&why, 0, sizeof(why));
	treedir_new(dir);
	TREEDIR_CELLS(dir, "#address-cells", 2);
}

static void teardown(void)
{
	treedir_remove(dir);
}

START_TEST(test_order)
{
	treedir_bytes(dir, "zulu", "12", 3);
	treedir_node(dir, "alpha");
	treedir_node(dir, "node@10");
	treedir_node(dir, "node@9");
	treedir_bytes(dir, "node@9/name", "node", 5);
	treedir_bytes(dir, "node@9/empty", "", 0);
	treedir_node(dir, "node@9/child");
	ck_assert_int_eq(directory_walk(dir, &writer, &notes, &why), 0);
	ck_assert_str_eq(notes.text,
			 "</0 #address-cells/4 zulu/3 <alpha/0 >/0 "
			 "<node@9/0 empty/0 <child/0 >/0 >/0 <node@10/0 >/0 "
			 ">/0 ");
}
END_TEST

START_TEST(test_top_may_be_link)
{
	char link[TREEDIR_BYTES + 8];

	(void)snprintf(link, sizeof(link), "%s-link", dir);
	ck_assert_int_eq(symlink(dir, link), 0);
	ck_assert_int_eq(directory_walk(link, &writer, &notes, &why), 0);
	ck_assert_int_eq(unlink(link), 0);
}
END_TEST

static void refuses(const char *name, const char *kind)
{
	ck_assert_int_eq(directory_walk(dir, &writer, &notes, &why), -EBADMSG);
	ck_assert_msg(strstr(why.text, name) && strstr(why.text, kind),
		      "says: %s", why.text);
}

START_TEST(test_link_inside)
{
	char path[TREEDIR_BYTES + 16];

	treedir_node(dir, "node");
	(void)snprintf(path, sizeof(path), "%s/node/link", dir);
	ck_assert_int_eq(symlink("..", path), 0);
	refuses("node/link", "symbolic link");
}
END_TEST

/* Opening it would wait for a writer. */
START_TEST(test_pipe_inside)
{
	char path[TREEDIR_BYTES + 16];

	(void)snprintf(path, sizeof(path), "%s/pipe", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refuses("/pipe", "a pipe");
}
END_TEST

static void nest(unsigned int depth)
{
	char path[2048] = "";

	for (unsigned int i = 0; i < depth; i++) {
		strcat(path, i ? "/d" : "d");
		treedir_node(dir, path);
	}
}

START_TEST(test_depth_limit)
{
	nest(DIRECTORY_MAX_DEPTH);
	ck_assert_int_eq(directory_walk(dir, &writer, &notes, &why), 0);
}
END_TEST

START_TEST(test_depth_one_beyond)
{
	nest(DIRECTORY_MAX_DEPTH + 1);
	ck_assert_int_eq(directory_walk(dir, &writer, &notes, &why), -ELOOP);
	ck_assert_ptr_nonnull(strstr(why.text, "nested deeper than 64"));
}
END_TEST

START_TEST(test_unread_goes_on)
{
	char path[TREEDIR_BYTES + 16];

	if (geteuid() == 0) {
		/* Root reads everything but this: more than the limit. */
		treedir_bytes(dir, "huge", "", 0);
		(void)snprintf(path, sizeof(path), "%s/huge", dir);
		ck_assert_int_eq(truncate(path, DIRECTORY_MAX_BYTES + 1), 0);
		(void)snprintf(path, sizeof(path), "?huge/%d ", EFBIG);
	} else {
		treedir_bytes(dir, "secret", "", 0);
		(void)snprintf(path, sizeof(path), "%s/secret", dir);
		ck_assert_int_eq(chmod(path, 0), 0);
		(void)snprintf(path, sizeof(path), "?secret/%d ", EACCES);
	}
	treedir_node(dir, "behind");
	ck_assert_int_eq(directory_walk(dir, &writer, &notes, &why), 0);
	ck_assert_ptr_nonnull(strstr(notes.text, path));
	ck_assert_ptr_nonnull(strstr(notes.text, "<behind/0"));
}
END_TEST

START_TEST(test_writer_ends_walk)
{
	notes.fail_on_property = EFBIG;
	ck_assert_int_eq(directory_walk(dir, &writer, &notes, &why), -EFBIG);
	ck_assert_str_eq(notes.text, "</0 #address-cells/4 ");
}
END_TEST

START_TEST(test_not_a_tree)
{
	char path[TREEDIR_BYTES + 32];

	(void)snprintf(path, sizeof(path), "%s/#address-cells", dir);
	ck_assert_int_eq(directory_walk(path, &writer, &notes, &why),
			 -ENOTDIR);
	ck_assert_int_eq(unlink(path), 0);
	treedir_bytes(dir, "passwd", "root", 4);
	refuses(dir, "does not look like a devicetree");
	(void)snprintf(path, sizeof(path), "%s/missing", dir);
	ck_assert_int_eq(directory_walk(path, &writer, &notes, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, path));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("directory");
	TCase *tcase = harness_case(suite, "directory");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_order);
	tcase_add_test(tcase, test_top_may_be_link);
	tcase_add_test(tcase, test_link_inside);
	tcase_add_test(tcase, test_pipe_inside);
	tcase_add_test(tcase, test_depth_limit);
	tcase_add_test(tcase, test_depth_one_beyond);
	tcase_add_test(tcase, test_unread_goes_on);
	tcase_add_test(tcase, test_writer_ends_walk);
	tcase_add_test(tcase, test_not_a_tree);
	return harness_run(suite);
}
