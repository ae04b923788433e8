/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_FAULTS_FUNCTIONS_H
#define TESTS_INTEGRATION_FAULTS_FUNCTIONS_H

#include <errno.h>

/*
 * What can fail, and how.  Whatever else contigd, libcontig and contigctl import
 * stands in a list of check_faults.c, which sees to it that nothing is missing.
 */

/* Instead of an errno: it does a part of what it was asked for. */
#define FAULTS_SHORT (-1)

/* How a function says that it failed. */
enum faults_manner {
	FAULTS_MINUS_ONE, /* and errno */
	FAULTS_POINTER,	  /* NULL and errno */
	FAULTS_CODE,	  /* returns the errno */
	FAULTS_DONE,	  /* returns -1 after all was done, as close(2) */
	FAULTS_CLOSED,	  /* as FAULTS_CODE, and what it calls itself does not
			     fail: glibc's name service was seen to crash where
			     its first allocation failed (2.36) */
};

/* X(name, manner, up to three errors, one fault each) */
#define FAULTS_MEMORY(X)                  \
	X(malloc, POINTER, ENOMEM)        \
	X(calloc, POINTER, ENOMEM)        \
	X(realloc, POINTER, ENOMEM)       \
	X(aligned_alloc, POINTER, ENOMEM) \
	X(posix_memalign, CODE, ENOMEM)

#define FAULTS_SYSTEM(X)                                    \
	X(accept4, MINUS_ONE, EMFILE, ECONNABORTED)         \
	X(access, MINUS_ONE, EACCES)                        \
	X(bind, MINUS_ONE, EADDRINUSE)                      \
	X(capset, MINUS_ONE, EPERM)                         \
	X(capget, MINUS_ONE, EPERM)                         \
	X(close, DONE, EINTR)                               \
	X(connect, MINUS_ONE, ENOMEM, EINTR)                \
	X(dup, MINUS_ONE, EMFILE)                           \
	X(dup2, MINUS_ONE, EBUSY)                           \
	X(dup3, MINUS_ONE, EBUSY)                           \
	X(epoll_create, MINUS_ONE, EMFILE)                  \
	X(epoll_create1, MINUS_ONE, EMFILE)                 \
	X(epoll_ctl, MINUS_ONE, ENOSPC)                     \
	X(epoll_wait, MINUS_ONE, EINTR)                     \
	X(eventfd, MINUS_ONE, EMFILE)                       \
	X(faccessat, MINUS_ONE, EACCES)                     \
	X(fallocate, MINUS_ONE, ENOSPC, EINTR)              \
	X(fallocate64, MINUS_ONE, ENOSPC, EINTR)            \
	X(fchmod, MINUS_ONE, EPERM)                         \
	X(fchown, MINUS_ONE, EPERM)                         \
	X(fchownat, MINUS_ONE, EPERM)                       \
	X(fcntl, MINUS_ONE, ENOMEM)                         \
	X(fcntl64, MINUS_ONE, ENOMEM)                       \
	X(fdopen, POINTER, ENOMEM)                          \
	X(fdopendir, POINTER, ENOMEM)                       \
	X(flock, MINUS_ONE, ENOLCK, EINTR)                  \
	X(fopen, POINTER, EMFILE)                           \
	X(fopen64, POINTER, EMFILE)                         \
	X(fstat, MINUS_ONE, ENOMEM)                         \
	X(fstat64, MINUS_ONE, ENOMEM)                       \
	X(fstatat, MINUS_ONE, ENOMEM)                       \
	X(fstatat64, MINUS_ONE, ENOMEM)                     \
	X(fstatfs, MINUS_ONE, EIO)                          \
	X(fstatfs64, MINUS_ONE, EIO)                        \
	X(ftruncate, MINUS_ONE, ENOSPC, EINTR)              \
	X(ftruncate64, MINUS_ONE, ENOSPC, EINTR)            \
	X(getgrnam_r, CLOSED, EMFILE)                       \
	X(getpwnam_r, CLOSED, EMFILE)                       \
	X(getpwuid_r, CLOSED, EMFILE)                       \
	X(getgrgid, POINTER, EMFILE)                        \
	X(getpwuid, POINTER, EMFILE)                        \
	X(getrandom, MINUS_ONE, EINTR, ENOSYS)              \
	X(getrlimit, MINUS_ONE, EPERM)                      \
	X(getrlimit64, MINUS_ONE, EPERM)                    \
	X(getsockname, MINUS_ONE, ENOBUFS)                  \
	X(getsockopt, MINUS_ONE, ENOBUFS)                   \
	X(inotify_add_watch, MINUS_ONE, ENOSPC)             \
	X(inotify_init1, MINUS_ONE, EMFILE)                 \
	X(inotify_rm_watch, MINUS_ONE, EINVAL)              \
	X(ioctl, MINUS_ONE, ENOMEM, EINTR)                  \
	X(klogctl, MINUS_ONE, EPERM)                        \
	X(listen, MINUS_ONE, EADDRINUSE)                    \
	X(lstat, MINUS_ONE, ENOMEM)                         \
	X(lstat64, MINUS_ONE, ENOMEM)                       \
	X(madvise, MINUS_ONE, EINVAL)                       \
	X(memfd_create, MINUS_ONE, ENFILE)                  \
	X(mkdir, MINUS_ONE, ENOSPC)                         \
	X(mmap, MINUS_ONE, ENOMEM)                          \
	X(mmap64, MINUS_ONE, ENOMEM)                        \
	X(mremap, MINUS_ONE, ENOMEM)                        \
	X(nice, MINUS_ONE, EPERM)                           \
	X(open, MINUS_ONE, EMFILE, EINTR)                   \
	X(open64, MINUS_ONE, EMFILE, EINTR)                 \
	X(openat, MINUS_ONE, EMFILE, EINTR)                 \
	X(openat64, MINUS_ONE, EMFILE, EINTR)               \
	X(opendir, POINTER, EMFILE)                         \
	X(open_memstream, POINTER, ENOMEM)                  \
	X(pipe2, MINUS_ONE, EMFILE)                         \
	X(poll, MINUS_ONE, ENOMEM, EINTR)                   \
	X(ppoll, MINUS_ONE, ENOMEM, EINTR)                  \
	X(posix_fallocate, CODE, ENOSPC, EINTR)             \
	X(posix_fallocate64, CODE, ENOSPC, EINTR)           \
	X(prctl, MINUS_ONE, EPERM)                          \
	X(pread, MINUS_ONE, EIO, EINTR, FAULTS_SHORT)       \
	X(pread64, MINUS_ONE, EIO, EINTR, FAULTS_SHORT)     \
	X(pthread_create, CODE, EAGAIN)                     \
	X(pwrite, MINUS_ONE, ENOSPC, EINTR, FAULTS_SHORT)   \
	X(pwrite64, MINUS_ONE, ENOSPC, EINTR, FAULTS_SHORT) \
	X(read, MINUS_ONE, EIO, EINTR, FAULTS_SHORT)        \
	X(readdir, POINTER, EIO)                            \
	X(readdir64, POINTER, EIO)                          \
	X(readlink, MINUS_ONE, EIO)                         \
	X(readv, MINUS_ONE, EIO, EINTR)                     \
	X(realpath, POINTER, ENOMEM)                        \
	X(recv, MINUS_ONE, ENOMEM, EINTR)                   \
	X(recvmsg, MINUS_ONE, ENOMEM, EINTR)                \
	X(rename, MINUS_ONE, ENOSPC)                        \
	X(renameat, MINUS_ONE, ENOSPC)                      \
	X(send, MINUS_ONE, ENOBUFS, EINTR)                  \
	X(sendmsg, MINUS_ONE, ENOBUFS, EINTR)               \
	X(sendto, MINUS_ONE, ENOBUFS, EINTR)                \
	X(setgroups, MINUS_ONE, EPERM)                      \
	X(setresgid, MINUS_ONE, EPERM)                      \
	X(setresuid, MINUS_ONE, EPERM)                      \
	X(setrlimit, MINUS_ONE, EPERM)                      \
	X(setrlimit64, MINUS_ONE, EPERM)                    \
	X(setsockopt, MINUS_ONE, ENOBUFS)                   \
	X(shutdown, MINUS_ONE, ENOTCONN)                    \
	X(socket, MINUS_ONE, EMFILE)                        \
	X(socketpair, MINUS_ONE, EMFILE)                    \
	X(stat, MINUS_ONE, ENOMEM)                          \
	X(stat64, MINUS_ONE, ENOMEM)                        \
	X(timerfd_create, MINUS_ONE, EMFILE)                \
	X(timerfd_settime, MINUS_ONE, ECANCELED)            \
	X(unlink, MINUS_ONE, EACCES)                        \
	X(unlinkat, MINUS_ONE, EACCES)                      \
	X(vmsplice, MINUS_ONE, ENOMEM)                      \
	X(write, MINUS_ONE, ENOSPC, EINTR, FAULTS_SHORT)    \
	X(writev, MINUS_ONE, ENOSPC, EINTR)

#define FAULTS_FUNCTIONS(X) FAULTS_MEMORY(X) FAULTS_SYSTEM(X)

#endif
