/* SPDX-License-Identifier: MIT */
#include "tests/integration/countdown.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/integration/preload_page.h"

/*
 * The library that is preloaded into the program to be killed.
 *
 * Between two system calls a program can only change its own memory, which
 * dies with it, and memory that it shares; so to die at each of its system
 * calls in turn is to die in every way, but for what it writes to shared memory
 * in between.  That is what the single steps are for: the processor's trap flag
 * raises SIGTRAP after each instruction, and the handler counts them.
 *
 * Every function here that stands for one of libc has the same six arguments.
 * Where pointers and long have 64 bits, the arguments of a system call travel
 * in as many registers, whatever their types, and what is not an argument does
 * no harm; so one definition does for all, variadic ones included.
 */

#ifndef __LP64__
#error "system calls have arguments in pairs of registers here"
#endif

static struct countdown_page *page;

static void die(void)
{
	(void)syscall(SYS_kill, getpid(), SIGKILL);
}

#ifdef __x86_64__
static void on_step(int signo)
{
	(void)signo;
	if (atomic_fetch_sub(&page->steps, 1) <= 1)
		die();
}

static void step(void)
{
	struct sigaction action = {.sa_handler = on_step};

	(void)sigaction(SIGTRAP, &action, NULL);
	__asm__ volatile("pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq" ::
				 : "cc", "memory");
}
#else
static void step(void)
{
	die();
}
#endif

static void pass(void)
{
	int kept = errno;

	if (!page)
		return;
	(void)atomic_fetch_add(&page->passed, 1);
	if (atomic_load(&page->moments) > 0 &&
	    atomic_fetch_sub(&page->moments, 1) == 1) {
		if (atomic_load(&page->steps) > 0)
			step();
		else
			die();
	}
	errno = kept;
}

__attribute__((constructor)) static void begin(void)
{
	page = preload_page(COUNTDOWN_VARIABLE, sizeof(*page));
}

typedef long any_fn(long a, long b, long c, long d, long e, long f);

#define HOOK(name)                                                       \
	long hook_##name(long a, long b, long c, long d, long e,         \
			 long f) __asm__(#name)                          \
		__attribute__((visibility("default")));                  \
	long hook_##name(long a, long b, long c, long d, long e, long f) \
	{                                                                \
		static any_fn *real;                                     \
		long result;                                             \
                                                                         \
		if (!real)                                               \
			real = (any_fn *)dlsym(RTLD_NEXT, #name);        \
		pass();                                                  \
		result = real(a, b, c, d, e, f);                         \
		pass();                                                  \
		return result;                                           \
	}

HOOK(accept4)
HOOK(bind)
HOOK(close)
HOOK(connect)
HOOK(dup2)
HOOK(epoll_ctl)
HOOK(epoll_wait)
HOOK(eventfd)
HOOK(fallocate)
HOOK(fcntl)
HOOK(fcntl64)
HOOK(fstat)
HOOK(fstat64)
HOOK(ftruncate)
HOOK(ftruncate64)
HOOK(getsockopt)
HOOK(ioctl)
HOOK(listen)
HOOK(memfd_create)
HOOK(mkdir)
HOOK(mmap)
HOOK(mmap64)
HOOK(munmap)
HOOK(open)
HOOK(open64)
HOOK(openat)
HOOK(openat64)
HOOK(pipe2)
HOOK(poll)
HOOK(prctl)
HOOK(pread)
HOOK(pread64)
HOOK(pwrite)
HOOK(pwrite64)
HOOK(read)
HOOK(readv)
HOOK(recv)
HOOK(recvmsg)
HOOK(rename)
HOOK(renameat)
HOOK(send)
HOOK(sendmsg)
HOOK(sendto)
HOOK(setsockopt)
HOOK(shutdown)
HOOK(socket)
HOOK(socketpair)
HOOK(timerfd_settime)
HOOK(unlink)
HOOK(unlinkat)
HOOK(vmsplice)
HOOK(write)
HOOK(writev)
