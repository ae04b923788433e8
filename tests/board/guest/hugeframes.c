/* SPDX-License-Identifier: MIT */

/*
 * hugeframes: prints every huge page of the machine as a line with address and
 * size in hexadecimal, neighbours joined.
 *
 * The kernel itself says which page frames belong to huge pages, in
 * /proc/kpageflags.  So the test knows where the pool is without asking
 * contigd, and can watch all of it for bytes that change.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kernel-page-flags.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define BATCH 4096

static void print_range(uint64_t first, uint64_t end, long page)
{
	if (end > first)
		printf("0x%" PRIx64 " 0x%" PRIx64 "\n", first * page,
		       (end - first) * page);
}

int main(void)
{
	static uint64_t flags[BATCH];
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	long page = sysconf(_SC_PAGESIZE);
	uint64_t frame = 0, first = 0, end = 0;
	ssize_t n;

	if (fd < 0)
		err(1, "/proc/kpageflags");
	while ((n = read(fd, flags, sizeof(flags))) > 0) {
		for (ssize_t i = 0; i < n / 8; i++, frame++) {
			if (!(flags[i] & (UINT64_C(1) << KPF_HUGE)))
				continue;
			if (frame != end) {
				print_range(first, end, page);
				first = frame;
			}
			end = frame + 1;
		}
	}
	if (n < 0)
		err(1, "/proc/kpageflags");
	print_range(first, end, page);
	close(fd);
	return 0;
}
