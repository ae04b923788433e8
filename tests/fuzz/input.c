/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/input.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

/*
 * A fuzzer gives bytes, and most of what is worth testing begins behind a
 * checksum, a length or a handshake.  So targets read their input as a small
 * program whose operations are well formed of themselves, and the bytes decide
 * which come and with what in them.  Taking from the front, with zeroes behind
 * the end, makes every input a program, and a longer one of the same beginning
 * does the same at first: both help the fuzzer to go on from what it has found.
 */

void input_copy(struct input *input, void *to, size_t n)
{
	size_t have = n < input->size ? n : input->size;

	if (have > 0)
		memcpy(to, input->data, have);
	memset((char *)to + have, 0, n - have);
	input->data += have;
	input->size -= have;
}

static uint64_t take(struct input *input, size_t n)
{
	uint8_t bytes[sizeof(uint64_t)];
	uint64_t value = 0;

	input_copy(input, bytes, n);
	while (n-- > 0)
		value = value << 8 | bytes[n];
	return value;
}

uint8_t input_u8(struct input *input)
{
	return (uint8_t)take(input, 1);
}

uint16_t input_u16(struct input *input)
{
	return (uint16_t)take(input, 2);
}

uint32_t input_u32(struct input *input)
{
	return (uint32_t)take(input, 4);
}

uint64_t input_u64(struct input *input)
{
	return take(input, 8);
}

struct input input_part(struct input *input, size_t len)
{
	struct input part = *input;

	if (len < part.size)
		part.size = len;
	input->data += part.size;
	input->size -= part.size;
	return part;
}

char *input_string(const struct input *input)
{
	char *text = malloc(input->size + 1);

	fuzz_assert(text);
	if (input->size > 0)
		memcpy(text, input->data, input->size);
	text[input->size] = '\0';
	return text;
}
