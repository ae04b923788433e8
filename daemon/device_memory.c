/* SPDX-License-Identifier: MIT */
#include "daemon/device_memory.h"

#include <stdint.h>
#include <string.h>

/*
 * A no-map range seen through /dev/mem is device memory on arm64: nothing is
 * cached, gathered or guessed, and an access that is not aligned to its own
 * size faults, as does the instruction that zeroes a cache line.  The C
 * library's memset() and memcpy() use both, and a compiler that sees a loop
 * over bytes may call them in its place.
 *
 * So every access here is volatile, which forbids it to be merged, split or
 * replaced, and is a whole machine word, aligned, wherever the range allows;
 * single bytes, which are always aligned, only at the edges.  The word is the
 * machine's own: a 64-bit access on a 32-bit machine would be two.
 *
 * Nothing here is gathered by a cache, so each store is a transaction of its
 * own and zeroing is as fast as its stores are wide.  64-bit machines have
 * stores of two words (stp xzr, xzr on arm64, movaps on x86-64), which want the
 * alignment of both; a vector of two words is one such store to the compiler.
 *
 * The ordinary side has no such rule; there a word is moved with memcpy() of
 * a constant size, which is one unaligned load or store.
 *
 * Writes may still be on their way when the loop ends.  The barrier holds the
 * caller until they are done, before anybody starts a device by other means.
 */

typedef unsigned long word_t;

#if __SIZEOF_LONG__ == 8
typedef word_t wide_t __attribute__((vector_size(16)));
#else
typedef word_t wide_t;
#endif

/* The only five places that touch device memory; the tests look in here. */
#ifndef DEVICE_MEMORY_SEEN
#define DEVICE_MEMORY_SEEN(address, size) ((void)0)
#endif

static inline uint8_t load_byte(const volatile uint8_t *device)
{
	DEVICE_MEMORY_SEEN(device, sizeof(*device));
	return *device;
}

static inline void store_byte(volatile uint8_t *device, uint8_t value)
{
	DEVICE_MEMORY_SEEN(device, sizeof(*device));
	*device = value;
}

static inline word_t load_word(const volatile uint8_t *device)
{
	DEVICE_MEMORY_SEEN(device, sizeof(word_t));
	return *(const volatile word_t *)(const volatile void *)device;
}

static inline void store_word(volatile uint8_t *device, word_t value)
{
	DEVICE_MEMORY_SEEN(device, sizeof(word_t));
	*(volatile word_t *)(volatile void *)device = value;
}

static inline void store_wide_zero(volatile uint8_t *device)
{
	DEVICE_MEMORY_SEEN(device, sizeof(wide_t));
	*(volatile wide_t *)(volatile void *)device = (wide_t){0};
}

/* How many bytes to the next word, at most length. */
static size_t head_of(const volatile uint8_t *device, size_t length)
{
	size_t head = -(uintptr_t)device % sizeof(word_t);

	return head < length ? head : length;
}

static void barrier(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory");
#else
	__sync_synchronize();
#endif
}

void device_memory_zero(volatile void *device, size_t length)
{
	volatile uint8_t *p = device;
	size_t head = head_of(p, length);

	length -= head;
	for (; head > 0; head--)
		store_byte(p++, 0);
	if (length >= sizeof(wide_t) && (uintptr_t)p % sizeof(wide_t) != 0) {
		store_word(p, 0);
		p += sizeof(word_t);
		length -= sizeof(word_t);
	}
	for (; length >= sizeof(wide_t); length -= sizeof(wide_t)) {
		store_wide_zero(p);
		p += sizeof(wide_t);
	}
	for (; length >= sizeof(word_t); length -= sizeof(word_t)) {
		store_word(p, 0);
		p += sizeof(word_t);
	}
	for (; length > 0; length--)
		store_byte(p++, 0);
	barrier();
}

void device_memory_read(void *to, const volatile void *device, size_t length)
{
	const volatile uint8_t *p = device;
	size_t head = head_of(p, length);
	uint8_t *out = to;

	length -= head;
	for (; head > 0; head--)
		*out++ = load_byte(p++);
	for (; length >= sizeof(word_t); length -= sizeof(word_t)) {
		word_t word = load_word(p);

		memcpy(out, &word, sizeof(word));
		p += sizeof(word_t);
		out += sizeof(word_t);
	}
	for (; length > 0; length--)
		*out++ = load_byte(p++);
	barrier();
}

void device_memory_write(volatile void *device, const void *from, size_t length)
{
	volatile uint8_t *p = device;
	size_t head = head_of(p, length);
	const uint8_t *in = from;

	length -= head;
	for (; head > 0; head--)
		store_byte(p++, *in++);
	for (; length >= sizeof(word_t); length -= sizeof(word_t)) {
		word_t word;

		memcpy(&word, in, sizeof(word));
		store_word(p, word);
		p += sizeof(word_t);
		in += sizeof(word_t);
	}
	for (; length > 0; length--)
		store_byte(p++, *in++);
	barrier();
}
