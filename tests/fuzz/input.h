/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fuzzer's bytes, taken from the front; zeroes follow the last one. */
struct input {
	const uint8_t *data;
	size_t size;
};

static inline bool input_is_empty(const struct input *input)
{
	return input->size == 0;
}

/* Numbers are little-endian on every machine, so that seeds are portable. */
uint8_t input_u8(struct input *input);
uint16_t input_u16(struct input *input);
uint32_t input_u32(struct input *input);
uint64_t input_u64(struct input *input);

/* Copies what there is, at most n bytes, and fills up with zeroes. */
void input_copy(struct input *input, void *to, size_t n);

/* The next len bytes, or what is left, as an input of their own. */
struct input input_part(struct input *input, size_t len);

/* The whole of an input as a string that the caller frees; cut at a NUL. */
char *input_string(const struct input *input);

#endif
