/* SPDX-License-Identifier: MIT */
#include "config/identity.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/parse.h"

/*
 * The user that the daemon becomes.  A number alone would not do: a process
 * has a group, too, and only the user database knows which one goes with the
 * user.  A guess (the group of the same number) could be anybody's.
 *
 * Looked up once, while there is still the right to read whatever database the
 * machine has.
 */

#define HIGHEST_ID	   (UINT32_MAX - 1) /* -1 is no user to the kernel */
#define LOOKUP_BYTES_LIMIT (1024 * 1024)

/* One look-up with a buffer of a given size: 0, -ENOENT or a negative errno. */
static int look_up(const char *name, uint32_t uid, char *buffer, size_t size,
		   struct config_identity *identity)
{
	struct passwd entry, *found;
	int r = name ? getpwnam_r(name, &entry, buffer, size, &found)
		     : getpwuid_r(uid, &entry, buffer, size, &found);

	if (r == 0 && found) {
		identity->uid = found->pw_uid;
		identity->gid = found->pw_gid;
	}
	return r ? -r : found ? 0 : -ENOENT;
}

int config_identity_find(const char *text, struct config_identity *identity,
			 struct error *why)
{
	bool is_number = isdigit((unsigned char)text[0]);
	uint32_t uid = 0;
	int r = 0;

	if (is_number)
		r = parse_u32(text, HIGHEST_ID, &uid, why);
	if (r < 0)
		return error_prefix(why, r, "user");
	r = -ERANGE;
	for (size_t size = 1024; r == -ERANGE && size <= LOOKUP_BYTES_LIMIT;
	     size *= 2) {
		_cleanup_free_ char *buffer = malloc(size);

		if (!buffer)
			return error_set(why, -ENOMEM, "out of memory");
		r = look_up(is_number ? NULL : text, uid, buffer, size,
			    identity);
	}
	switch (r) {
	case 0:
		return 0;
	case -ENOENT:
	case -ESRCH:
	case -EBADF:
	case -EPERM: /* all of these mean that there is no such entry */
		return error_set(why, -ENOENT, "there is no user '%.64s'", text);
	default:
		return error_set(why, r, "user '%.64s' cannot be looked up: %s",
				 text, strerror(-r));
	}
}
