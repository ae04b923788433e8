/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/grow.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

/*
 * Devicetrees as a fuzzer would write them.  One byte chooses what comes next,
 * the following ones choose names out of tables or give them byte by byte.  The
 * tables hold all that the reader looks for, numbers at their limits, and names
 * that answer to one another, so that a few flipped bytes lead from a sound
 * tree to every kind of broken one.
 *
 * What is told to the writer is always nested properly; what cannot be said in
 * this way (a broken blob, a symbolic link) is the business of the targets.
 */

#define MAX_OPERATIONS 300
#define MAX_DEPTH      100
#define NAME_BYTES     48

#define COUNT(table)	    (sizeof(table) / sizeof((table)[0]))
#define PICK(table, number) ((table)[(number) % COUNT(table)])

static const char *const node_names[] = {
	"reserved-memory",
	"camera",
	"camera@90000000",
	"firmware@80000000",
	"pool",
	"pool@0",
	"memory",
	"top@fffffffffffff000",
	"isp",
	"a",
};

static const char *const property_names[] = {
	"reg",
	"size",
	"alignment",
	"alloc-ranges",
	"no-map",
	"reusable",
	"compatible",
	"status",
	"phandle",
	"linux,phandle",
	"memory-region",
	"#address-cells",
	"#size-cells",
	"ranges",
	"linux,cma-default",
	"linux,dma-default",
	"linux,default-contiguous-region",
	"reserved-ranges",
	"name",
	"base_pfn",
	"count",
	"#memory-region-cells",
};

static const char *const strings[] = {
	"contiguous-memory", "shared-dma-pool",	    "okay", "ok", "disabled",
	"reserved",	     "restricted-dma-pool",
};

static const uint32_t cells[] = {
	0,	    1,		2,	    3,		4,	    0x1000,
	0xfff,	    0x1001,	0x100000,   0x800000,	0x40000000, 0x80000000,
	0x90000000, 0x90100000, 0xfffff000, 0xffffffff,
};

struct growth {
	struct input *input;
	const struct directory_writer *writer;
	void *data;
	unsigned int depth;
};

const char *grow_node_name(uint8_t number)
{
	return PICK(node_names, number);
}

/* A name given byte by byte: neither empty, nor a path. */
static void take_name(struct input *input, char name[NAME_BYTES])
{
	struct input part = input_part(input, input_u8(input) % NAME_BYTES);

	memset(name, 0, NAME_BYTES);
	input_copy(&part, name, NAME_BYTES - 1);
	for (char *p = strchr(name, '/'); p; p = strchr(p, '/'))
		*p = '_';
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		(void)strcpy(name, "b");
}

static void begin(struct growth *growth, const char *name)
{
	if (growth->depth == MAX_DEPTH)
		return;
	fuzz_assert(growth->writer->begin_node(growth->data, name) == 0);
	growth->depth++;
}

static void end(struct growth *growth)
{
	fuzz_assert(growth->writer->end_node(growth->data) == 0);
	growth->depth--;
}

static void property(struct growth *growth, const char *name, const void *bytes,
		     size_t len)
{
	fuzz_assert(growth->writer->property(growth->data, name, bytes, len) ==
		    0);
}

static void property_cell(struct growth *growth, const char *name,
			  uint32_t value)
{
	uint32_t cell = htobe32(value);

	property(growth, name, &cell, sizeof(cell));
}

/* What a sound tree begins with. */
static void begin_soundly(struct growth *growth)
{
	begin(growth, "");
	property_cell(growth, "#address-cells", 2);
	property_cell(growth, "#size-cells", 2);
	begin(growth, "reserved-memory");
	property_cell(growth, "#address-cells", 2);
	property_cell(growth, "#size-cells", 2);
	property(growth, "ranges", "", 0);
}

static void begin_from_table(struct growth *growth)
{
	uint8_t which = input_u8(growth->input);
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof(name), "%s", PICK(node_names, which));
	if (which & 0x80)
		(void)snprintf(name, sizeof(name), "n@%x",
			       input_u32(growth->input));
	begin(growth, name);
}

static uint32_t take_cell(struct input *input)
{
	uint8_t which = input_u8(input);

	return which & 0x80 ? input_u32(input) : PICK(cells, which);
}

static void property_cells(struct growth *growth)
{
	const char *name = PICK(property_names, input_u8(growth->input));
	uint32_t values[16];
	size_t n = input_u8(growth->input) % (COUNT(values) + 1);

	for (size_t i = 0; i < n; i++)
		values[i] = htobe32(take_cell(growth->input));
	property(growth, name, values, n * sizeof(values[0]));
}

static void property_string(struct growth *growth)
{
	const char *name = PICK(property_names, input_u8(growth->input));
	const char *value = PICK(strings, input_u8(growth->input));

	property(growth, name, value, strlen(value) + 1);
}

static void property_bytes(struct growth *growth, const char *name)
{
	struct input part = input_part(growth->input, input_u8(growth->input));

	property(growth, name, part.data ? part.data : (const uint8_t *)"",
		 part.size);
}

static void begin_many(struct growth *growth)
{
	for (unsigned int n = input_u8(growth->input) % 80; n > 0; n--)
		begin(growth, "d");
}

static void strange(struct growth *growth)
{
	char name[NAME_BYTES];
	int kind = input_u8(growth->input);

	take_name(growth->input, name);
	if (growth->writer->unread)
		fuzz_assert(growth->writer->unread(growth->data, name, kind) ==
			    0);
}

static void operate(struct growth *growth)
{
	char name[NAME_BYTES];

	switch (input_u8(growth->input) % 12) {
	case 0:
	case 1:
		begin_from_table(growth);
		break;
	case 2:
	case 3:
		if (growth->depth > 1)
			end(growth);
		break;
	case 4:
	case 5:
		property_cells(growth);
		break;
	case 6:
		property_string(growth);
		break;
	case 7:
		property_bytes(growth,
			       PICK(property_names, input_u8(growth->input)));
		break;
	case 8:
		take_name(growth->input, name);
		property_bytes(growth, name);
		break;
	case 9:
		take_name(growth->input, name);
		begin(growth, name);
		break;
	case 10:
		begin_many(growth);
		break;
	default:
		strange(growth);
		break;
	}
}

void grow_tree(struct input *input, const struct directory_writer *writer,
	       void *data)
{
	struct growth growth = {
		.input = input,
		.writer = writer,
		.data = data,
	};

	if (input_u8(input) & 1)
		begin(&growth, "");
	else
		begin_soundly(&growth);
	for (int i = 0; i < MAX_OPERATIONS && !input_is_empty(input); i++)
		operate(&growth);
	while (growth.depth > 0)
		end(&growth);
}
