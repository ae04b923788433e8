/* SPDX-License-Identifier: MIT */

/*
 * misaligned ADDRESS: reads device memory as it must not be read.
 *
 * The control for everything that contigd does with /dev/mem: a no-map region
 * is device memory to an arm64 CPU, which faults on unaligned access.  A
 * machine that lets it pass, as QEMU before 9 does, proves nothing about
 * alignment. Prints what happened; the signal is caught, so that the kernel's
 * log stays clean.
 */
#include <err.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf before;

static void on_fault(int signo)
{
	siglongjmp(before, signo);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: misaligned ADDRESS");

	long page = sysconf(_SC_PAGESIZE);
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	volatile uint8_t *memory;
	uint64_t value;

	if (fd < 0)
		err(1, "/dev/mem");
	memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      (off_t)strtoull(argv[1], NULL, 0));
	if (memory == MAP_FAILED)
		err(1, "mapping %s", argv[1]);
	(void)*(volatile uint64_t *)memory;
	(void)signal(SIGBUS, on_fault);

	int signo = sigsetjmp(before, 1);

	if (signo == 0) {
		/* asm, since the compiler may split what it knows to be
		 * unaligned */
#ifdef __aarch64__
		__asm__ volatile("ldr %0, [%1]"
				 : "=r"(value)
				 : "r"(memory + 1)
				 : "memory");
#else
		memcpy(&value, (const void *)(memory + 1), sizeof(value));
#endif
		printf("passed: %#llx\n", (unsigned long long)value);
	} else {
		printf("fault: %s\n", strsignal(signo));
	}
	return 0;
}
