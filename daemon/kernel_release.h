/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_KERNEL_RELEASE_H
#define DAEMON_KERNEL_RELEASE_H

#include <stdbool.h>

/* The numbers at the head of a kernel's release, as uname(2) gives it. */
struct kernel_release {
	unsigned int major;
	unsigned int minor;
	unsigned int patch; /* 0 where the release names none */
};

/* "6.12.107+deb13-arm64", "6.18-rc2": two or three numbers, then the end or
 * something that is neither a digit nor a dot.  -EINVAL: anything else;
 * -ERANGE: a number above 65535.  *release is set only on success. */
int kernel_release_parse(const char *text, struct kernel_release *release);

/* Of the running kernel; as above. */
int kernel_release_get(struct kernel_release *release);

/* True where release is older than major.minor.patch. */
bool kernel_release_before(const struct kernel_release *release,
			   unsigned int major, unsigned int minor,
			   unsigned int patch);

#endif
