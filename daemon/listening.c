/* SPDX-License-Identifier: MIT */
#include "daemon/listening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/channel.h"
#include "util/cleanup.h"
#include "util/log.h"

/*
 * A path is a name that others may have put something under.  Nothing is
 * removed that is not a socket, not of this user, or answers when it is called;
 * and what is removed at the end must still be what was made at the start.
 *
 * Between looking and removing there is a moment in which somebody could put
 * something else there, so the directory has to be the daemon's own, as
 * /run/contigd is.
 */

#define SOCKET_UMASK 0117 /* the owner and the group: mode 0660 */

static int make_directory(const char *path, struct error *why)
{
	_cleanup_free_ char *directory = strdup(path);
	char *slash;

	if (!directory)
		return error_set(why, -ENOMEM, "out of memory");
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return error_set(why, -errno,
				 "directory '%s' for the socket: "
				 "%s",
				 directory, strerror(errno));
	return 0;
}

/* Makes room for a socket at path: 0, or why there is none. */
static int remove_stale(const char *path, struct error *why)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : error_set(why, -errno, "'%s': %s",
						   path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(why, -EEXIST,
				 "'%s' exists and is not a socket", path);
	fd = channel_connect(path);
	if (fd >= 0) {
		(void)fd_close(fd);
		return error_set(why, -EADDRINUSE,
				 "another daemon listens on '%s'", path);
	}
	if (fd != -ECONNREFUSED || st.st_uid != geteuid())
		return error_set(why, -EADDRINUSE,
				 "'%s' is a socket that is not this daemon's "
				 "to remove: %s",
				 path,
				 fd != -ECONNREFUSED ? strerror(-fd)
						     : "it has another owner");
	log_info("removing '%s', left over from a daemon that has ended", path);
	if (unlink(path) < 0)
		return error_set(why, -errno, "'%s' cannot be removed: %s",
				 path, strerror(errno));
	return 0;
}

static int make_socket(struct listening *listening, const char *path,
		       gid_t group, struct error *why)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_fd_ int fd = -1;
	struct stat st;
	mode_t mask;
	int r;

	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	r = make_directory(path, why);
	if (r == 0)
		r = remove_stale(path, why);
	if (r < 0)
		return r;
	mask = umask(SOCKET_UMASK);
	fd = channel_listen(path, SOMAXCONN);
	(void)umask(mask);
	if (fd < 0)
		return error_set(why, fd, "cannot listen on '%s': %s", path,
				 strerror(-fd));
	if (group != LISTENING_OWN_GROUP && lchown(path, (uid_t)-1, group) < 0) {
		r = -errno;
		(void)unlink(path);
		return error_set(why, r, "'%s' cannot be given to group %u: %s",
				 path, group, strerror(-r));
	}
	if (lstat(path, &st) < 0)
		return error_set(why, -errno, "'%s': %s", path, strerror(errno));
	listening->device = st.st_dev;
	listening->inode = st.st_ino;
	listening->path = TAKE_PTR(copy);
	listening->fd = TAKE_FD(fd);
	return 0;
}

int listening_open(struct listening *listening, const char *path, gid_t group,
		   struct error *why)
{
	*listening = (struct listening){.fd = -1};
	return make_socket(listening, path, group, why);
}

void listening_adopt_consume(struct listening *listening, int fd)
{
	*listening = (struct listening){.fd = fd};
}

void listening_close(struct listening *listening)
{
	struct stat st;

	listening->fd = fd_close(listening->fd);
	if (listening->path && lstat(listening->path, &st) == 0 &&
	    st.st_dev == listening->device && st.st_ino == listening->inode)
		(void)unlink(listening->path);
	free(listening->path);
	listening->path = NULL;
}
