/* SPDX-License-Identifier: MIT */
#include "daemon/kernel_number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/parse.h"

/*
 * The kernel shows and takes its limits and stocks as text.  A write is one
 * call, which the kernel takes or refuses as a whole; and what it made of it is
 * only known by reading again, as it may have done a part.
 */

#define LIMIT_BYTES 64

struct path {
	char text[PATH_MAX];
};

static int join(struct path *path, const char *directory, const char *file)
{
	int n = snprintf(path->text, sizeof(path->text), "%s%s%s",
			 directory ? directory : "", directory ? "/" : "",
			 file);

	return n < 0 || (size_t)n >= sizeof(path->text) ? -ENAMETOOLONG : 0;
}

int kernel_number_read(const char *directory, const char *file,
		       uint64_t *numberp)
{
	_cleanup_free_ char *text = NULL;
	struct path path;
	size_t length;
	int r = join(&path, directory, file);

	if (r == 0)
		r = fd_read_file(path.text, LIMIT_BYTES, &text, &length);
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, numberp, NULL);
}

int kernel_number_write(const char *directory, const char *file,
			uint64_t number)
{
	_cleanup_fd_ int fd = -1;
	struct path path;
	char text[32];
	int r = join(&path, directory, file);

	if (r < 0)
		return r;
	fd = open(path.text, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n", number);
	return fd_write_all(fd, text, strlen(text));
}
