/* SPDX-License-Identifier: MIT */
#include "daemon/listening.h"

#include <errno.h>
#include <fcntl.h>
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
 *
 * The socket is made before root becomes somebody else, since only root may
 * make a directory below /run, and given to that user then, the directory too
 * if it is new: who has to remove the socket at the end needs both.  Only root
 * can give files away, and somebody might like to have others than these: what
 * is given is a file held open and looked at, not whatever has its name.
 */

#define SOCKET_UMASK 0117 /* the owner and the group: mode 0660 */

/* Gives what was just made at path to its owner; type is its S_IFMT. */
static int give_away(const char *path, mode_t type,
		     const struct listening_owner *owner)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != type || st.st_uid != geteuid())
		return -EBUSY;
	if (st.st_uid == owner->uid && st.st_gid == owner->gid)
		return 0;
	return fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

static int make_directory(const char *path, const struct listening_owner *owner,
			  struct error *why)
{
	_cleanup_free_ char *directory = strdup(path);
	char *slash;
	int r;

	if (!directory)
		return error_set(why, -ENOMEM, "out of memory");
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	r = mkdir(directory, 0755) < 0
		    ? -errno
		    : give_away(directory, S_IFDIR,
				&(const struct listening_owner){owner->uid,
								(gid_t)-1});
	if (r < 0 && r != -EEXIST)
		return error_set(why, r, "directory '%s' for the socket: %s",
				 directory, strerror(-r));
	return 0;
}

/* Makes room for a socket at path: 0, or why there is none. */
static int remove_stale(const char *path, const struct listening_owner *owner,
			struct error *why)
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
	if (fd != -ECONNREFUSED ||
	    (st.st_uid != geteuid() && st.st_uid != owner->uid))
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
		       const struct listening_owner *owner, struct error *why)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_fd_ int fd = -1;
	struct stat st;
	mode_t mask;
	int r;

	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	r = make_directory(path, owner, why);
	if (r == 0)
		r = remove_stale(path, owner, why);
	if (r < 0)
		return r;
	mask = umask(SOCKET_UMASK);
	fd = channel_listen(path, SOMAXCONN);
	(void)umask(mask);
	if (fd < 0)
		return error_set(why, fd, "cannot listen on '%s': %s", path,
				 strerror(-fd));
	r = give_away(path, S_IFSOCK, owner);
	if (r < 0) {
		(void)unlink(path);
		return error_set(why, r,
				 "'%s' cannot be given to uid %u and gid %u: "
				 "%s",
				 path, owner->uid, owner->gid, strerror(-r));
	}
	if (lstat(path, &st) < 0)
		return error_set(why, -errno, "'%s': %s", path, strerror(errno));
	listening->device = st.st_dev;
	listening->inode = st.st_ino;
	listening->path = TAKE_PTR(copy);
	listening->fd = TAKE_FD(fd);
	return 0;
}

int listening_open(struct listening *listening, const char *path,
		   const struct listening_owner *owner, struct error *why)
{
	*listening = (struct listening){.fd = -1};
	return make_socket(listening, path, owner, why);
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
	    st.st_dev == listening->device && st.st_ino == listening->inode &&
	    unlink(listening->path) < 0)
		log_info("'%s' stays behind: %s", listening->path,
			 strerror(errno));
	free(listening->path);
	listening->path = NULL;
}
