/* SPDX-License-Identifier: MIT */

/*
 * as UID PROGRAM [ARGUMENT...]: runs a program as somebody without privilege.
 *
 * The tests of the board speak to the daemon as users who may do nothing else.
 * A shell's su would leave the chance of a set-user-ID program; here the groups
 * are those of /etc/group, no new privilege can be gained, and the bounding set
 * is emptied, so that a test that passes did so on the strength of the
 * descriptor it was given.
 */
#include <err.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: as UID PROGRAM [ARGUMENT...]");

	char *end;
	unsigned long id = strtoul(argv[1], &end, 10);
	const struct passwd *user = *end || id == 0 ? NULL : getpwuid(id);

	if (!user)
		errx(2, "%s is not the uid of an unprivileged user", argv[1]);
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (initgroups(user->pw_name, user->pw_gid) ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		err(2, "becoming %s", user->pw_name);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err(2, "giving up privilege");
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
