/* SPDX-License-Identifier: MIT */
#include "daemon/kernel_release.h"

#include <ctype.h>
#include <errno.h>
#include <sys/utsname.h>

/*
 * Most of what a kernel can do is found out by trying.  Where trying would do
 * the harm that is to be avoided, or cannot show it, the release has to decide,
 * and this is its one reader.
 *
 * A distribution's suffix is not looked at: "6.1.0-13-amd64" is 6.1.0 here,
 * whatever was put into it.  A decision by release must be right for the
 * upstream kernel of that number.
 */

#define NUMBER_MAX 65535

static int take_number(const char **textp, unsigned int *numberp)
{
	const char *p = *textp;
	unsigned int number = 0;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		number = number * 10 + (unsigned int)(*p - '0');
		if (number > NUMBER_MAX)
			return -ERANGE;
	}
	*textp = p;
	*numberp = number;
	return 0;
}

int kernel_release_parse(const char *text, struct kernel_release *release)
{
	unsigned int numbers[3] = {0, 0, 0};
	int n = 0;

	for (;;) {
		int r = take_number(&text, &numbers[n++]);

		if (r)
			return r;
		if (*text != '.')
			break;
		if (n == 3)
			return -EINVAL;
		text++;
	}
	if (n < 2)
		return -EINVAL;
	release->major = numbers[0];
	release->minor = numbers[1];
	release->patch = numbers[2];
	return 0;
}

int kernel_release_get(struct kernel_release *release)
{
	struct utsname name;

	if (uname(&name) < 0)
		return -errno;
	return kernel_release_parse(name.release, release);
}

bool kernel_release_before(const struct kernel_release *release,
			   unsigned int major, unsigned int minor,
			   unsigned int patch)
{
	if (release->major != major)
		return release->major < major;
	if (release->minor != minor)
		return release->minor < minor;
	return release->patch < patch;
}
