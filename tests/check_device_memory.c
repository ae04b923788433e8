/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

/*
 * The module is compiled into this test a second time, with a hook at each of
 * its accesses, so that their sizes and addresses can be judged.  The library's
 * own build is judged too: on x86-64 a flag of the processor makes every
 * unaligned access fault, which is what device memory does on arm64.
 */
static void seen(const volatile void *address, size_t size);

#define DEVICE_MEMORY_SEEN(address, size) seen((address), (size))
#define device_memory_zero		  recorded_zero
#define device_memory_read		  recorded_read
#define device_memory_write		  recorded_write
#include "daemon/device_memory.c"
#undef device_memory_zero
#undef device_memory_read
#undef device_memory_write

void device_memory_zero(volatile void *device, size_t length);
void device_memory_read(void *to, const volatile void *device, size_t length);
void device_memory_write(volatile void *device, const void *from, size_t length);

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"

#define MAX  64 /* offsets and lengths 0..MAX */
#define ROOM 192

static const uint8_t *device_begin, *device_end; /* what may be touched */
static size_t n_bytes, n_words, n_wides;

/* These are called a million times: libcheck's own comparisons would take
 * minutes on an emulated machine. */
static void seen(const volatile void *address, size_t size)
{
	uintptr_t at = (uintptr_t)address;

	if (size != 1 && size != sizeof(unsigned long) && size != sizeof(wide_t))
		ck_abort_msg("an access of %zu bytes", size);
	if (at % size != 0)
		ck_abort_msg("%zu bytes at %p", size, (const void *)at);
	if (at < (uintptr_t)device_begin || at + size > (uintptr_t)device_end)
		ck_abort_msg("%p is outside", (const void *)at);
	if (size == 1)
		n_bytes++;
	else if (size == sizeof(unsigned long))
		n_words++;
	else
		n_wides++;
}

static void assert_same(const uint8_t *bytes, const uint8_t *others)
{
	if (memcmp(bytes, others, ROOM) != 0)
		ck_abort_msg("bytes differ from what memset or memcpy do");
}

static void expect_touched(const uint8_t *device, size_t length)
{
	device_begin = device;
	device_end = device + length;
	n_bytes = 0;
	n_words = 0;
	n_wides = 0;
}

/* Every byte once, and bytes only at the two edges. */
static void assert_touched(size_t length)
{
	if (n_bytes + n_words * sizeof(unsigned long) + n_wides * sizeof(wide_t) !=
	    length)
		ck_abort_msg("%zu bytes, %zu words and %zu wide ones for %zu "
			     "bytes",
			     n_bytes, n_words, n_wides, length);
	if (n_bytes > 2 * (sizeof(unsigned long) - 1))
		ck_abort_msg("%zu single bytes", n_bytes);
}

/* Words alone only where there is no room for two. */
static void assert_wide(size_t length)
{
	size_t words = sizeof(wide_t) / sizeof(unsigned long);

	if (words > 1 && n_words > 2 * (words - 1))
		ck_abort_msg("%zu single words for %zu bytes", n_words, length);
}

static void fill(uint8_t *bytes, uint8_t seed)
{
	for (size_t i = 0; i < ROOM; i++)
		bytes[i] = (uint8_t)(seed + i * 7 + 1);
}

static _Alignas(16) uint8_t device[ROOM], ordinary[ROOM];
static uint8_t expected[ROOM], before[ROOM];

START_TEST(zero_is_memset)
{
	size_t offset = (size_t)_i;

	for (size_t length = 0; length <= MAX; length++) {
		fill(device, 0x11);
		fill(expected, 0x11);
		memset(expected + offset, 0, length);
		expect_touched(device + offset, length);
		recorded_zero(device + offset, length);
		assert_touched(length);
		assert_wide(length);
		assert_same(device, expected);

		fill(device, 0x11);
		device_memory_zero(device + offset, length);
		assert_same(device, expected);
	}
}
END_TEST

/* One copy with both builds; the ordinary side at any alignment. */
static void copy_both_ways(size_t offset, size_t other, size_t length)
{
	fill(device, 0x22);
	fill(ordinary, 0x33);
	memcpy(before, device, ROOM);
	memcpy(expected, ordinary, ROOM);
	memcpy(expected + other, device + offset, length);
	expect_touched(device + offset, length);
	recorded_read(ordinary + other, device + offset, length);
	assert_touched(length);
	assert_same(ordinary, expected);
	assert_same(device, before);
	fill(ordinary, 0x33);
	device_memory_read(ordinary + other, device + offset, length);
	assert_same(ordinary, expected);

	fill(ordinary, 0x33);
	memcpy(before, ordinary, ROOM);
	memcpy(expected, device, ROOM);
	memcpy(expected + offset, ordinary + other, length);
	expect_touched(device + offset, length);
	recorded_write(device + offset, ordinary + other, length);
	assert_touched(length);
	assert_same(device, expected);
	assert_same(ordinary, before);
	fill(device, 0x22);
	device_memory_write(device + offset, ordinary + other, length);
	assert_same(device, expected);
}

START_TEST(copies_are_memcpy)
{
	for (size_t length = 0; length <= MAX; length++)
		for (size_t other = 0; other <= sizeof(long); other++)
			copy_both_ways((size_t)_i, other, length);
}
END_TEST

/* Against a page that must not be touched, below and above. */
START_TEST(nothing_outside_is_touched)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 3 * page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *first = map + page, *end = map + 2 * page;

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(first, page, PROT_READ | PROT_WRITE), 0);
	for (size_t length = 0; length <= MAX; length++) {
		device_memory_zero(first, length);
		device_memory_zero(end - length, length);
		device_memory_read(ordinary, first, length);
		device_memory_read(ordinary, end - length, length);
		device_memory_write(first, ordinary, length);
		device_memory_write(end - length, ordinary, length);
	}
	ck_assert_int_eq(munmap(map, 3 * page), 0);
}
END_TEST

START_TEST(a_whole_page_in_the_widest_stores)
{
	static _Alignas(16) uint8_t page[4096];

	expect_touched(page, sizeof(page));
	recorded_zero(page, sizeof(page));
	ck_assert_uint_eq(n_bytes, 0);
	if (sizeof(wide_t) > sizeof(unsigned long))
		ck_assert_uint_eq(n_wides, sizeof(page) / sizeof(wide_t));
	else
		ck_assert_uint_eq(n_words, sizeof(page) / sizeof(wide_t));
}
END_TEST

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define HAVE_ALIGNMENT_TRAP 1

#define FLAG_AC "0x40000"

static inline void trap_unaligned(void)
{
	__asm__ volatile("pushfq\n\torq $" FLAG_AC ", (%%rsp)\n\tpopfq" ::
				 : "memory", "cc");
}

static inline void trap_nothing(void)
{
	__asm__ volatile("pushfq\n\tandq $~" FLAG_AC ", (%%rsp)\n\tpopfq" ::
				 : "memory", "cc");
}

/* SIGBUS here means that the library's code made an unaligned access.  The
 * ordinary side is aligned like the other one, to be innocent of it. */
START_TEST(machine_code_is_aligned)
{
	for (size_t offset = 0; offset <= MAX; offset++)
		for (size_t length = 0; length <= MAX; length++) {
			trap_unaligned();
			device_memory_zero(device + offset, length);
			device_memory_read(ordinary + offset, device + offset,
					   length);
			device_memory_write(device + offset, ordinary + offset,
					    length);
			trap_nothing();
		}
}
END_TEST

/* And that the trap is armed at all. */
START_TEST(machine_can_say_no)
{
	volatile uint32_t *odd = (volatile uint32_t *)(void *)(device + 1);

	trap_unaligned();
	*odd = 1;
	trap_nothing();
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("device_memory");
	TCase *bytes = harness_case(suite, "bytes");
	TCase *access = harness_case(suite, "access");

	tcase_add_loop_test(bytes, zero_is_memset, 0, MAX + 1);
	tcase_add_loop_test(bytes, copies_are_memcpy, 0, MAX + 1);
	tcase_add_test(access, nothing_outside_is_touched);
	tcase_add_test(access, a_whole_page_in_the_widest_stores);
#ifdef HAVE_ALIGNMENT_TRAP
	tcase_add_test(access, machine_code_is_aligned);
	if (!harness_is_valgrind())
		tcase_add_test_raise_signal(access, machine_can_say_no, SIGBUS);
#endif
	return harness_run(suite);
}
