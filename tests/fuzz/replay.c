/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"
#include "util/cleanup.h"

/*
 * A fuzz target as an ordinary test: runs files through it, those named, or
 * else its seeds and the inputs that once broke something (fixtures).  Any
 * compiler will do, so every build holds what fuzzing once found.
 *
 * Each input is in a block of exactly its size, for memory checkers to see a
 * byte too many.
 */

static unsigned int n_inputs;

static void complain_and_exit(const char *path)
{
	(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(2);
}

static void run_file(const char *path)
{
	_cleanup_free_ char *text = NULL;
	uint8_t *exact;
	size_t size;
	int r = fd_read_file(path, 1u << 30, &text, &size);

	errno = -r;
	exact = r < 0 ? NULL : malloc(size ? size : 1);
	if (!exact)
		complain_and_exit(path);
	memcpy(exact, text, size);
	(void)fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	n_inputs++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n;

	if (stat(path, &st) < 0)
		complain_and_exit(path);
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	n = scandir(path, &entries, is_visible, alphasort);
	if (n < 0)
		complain_and_exit(path);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *file = NULL;

		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
			abort();
		run(file);
		free(entries[i]);
	}
	free(entries);
}

/* A target need not have any of a kind. */
static void run_folder(const char *folder)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, FUZZ_FOLDER "/%s/%s", folder, fuzz_target) < 0)
		abort();
	if (stat(path, &st) == 0)
		run(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	if (argc < 2) {
		run_folder("seeds");
		run_folder("fixtures");
	}
	(void)printf("%s: %u inputs\n", fuzz_target, n_inputs);
	return n_inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
