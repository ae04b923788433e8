/* SPDX-License-Identifier: MIT */
#include "devicetree/tree.h"

#include <libfdt.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/grow.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/judge.h"

/*
 * A devicetree as a blob.  Behind the rules and the evidence an input is either
 * a blob as it stands, which seeks its way through libfdt's checks, or the
 * description of a tree, of which a blob is made: the one finds out what broken
 * headers do, the other gets to every sentence of adoption.
 */

const char fuzz_target[] = "devicetree";

#define BLOB_BYTES (64 * 1024) /* a tree that needs more is left out */

struct blob {
	void *bytes;
	int error; /* the first of libfdt's: the tree is left as it is */
};

static int note(struct blob *blob, int r)
{
	if (r < 0 && blob->error == 0)
		blob->error = r;
	return 0;
}

static int blob_begin(void *data, const char *name)
{
	struct blob *blob = data;

	return note(blob, fdt_begin_node(blob->bytes, name));
}

static int blob_property(void *data, const char *name, const void *bytes,
			 size_t len)
{
	struct blob *blob = data;

	return note(blob, fdt_property(blob->bytes, name, bytes, (int)len));
}

static int blob_end(void *data)
{
	struct blob *blob = data;

	return note(blob, fdt_end_node(blob->bytes));
}

static void make_blob(struct blob *blob, struct input *input)
{
	static const struct directory_writer writer = {
		.begin_node = blob_begin,
		.property = blob_property,
		.end_node = blob_end,
	};

	blob->bytes = malloc(BLOB_BYTES);
	fuzz_assert(blob->bytes);
	(void)note(blob, fdt_create(blob->bytes, BLOB_BYTES));
	for (unsigned int n = input_u8(input) % 4; n > 0; n--) {
		uint64_t base = input_u64(input);

		(void)note(blob, fdt_add_reservemap_entry(blob->bytes, base,
							  input_u64(input)));
	}
	(void)note(blob, fdt_finish_reservemap(blob->bytes));
	grow_tree(input, &writer, blob);
	(void)note(blob, fdt_finish(blob->bytes));
}

static void judge_blob(const void *bytes, size_t len,
		       const struct case_file *file, bool must_be_sound)
{
	struct error why = ERROR_INIT;
	struct tree *tree;

	if (tree_load_memory(&tree, bytes, len, &why) < 0) {
		fuzz_assert(!must_be_sound);
		fuzz_assert(*why.text);
		return;
	}
	judge_tree(tree, file);
	(void)tree_free(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	bool grown = input_u8(&input) & 1;
	struct case_file *file = case_file_new(&input, NULL);

	if (grown) {
		struct blob blob = {.error = 0};

		make_blob(&blob, &input);
		if (blob.error == 0)
			judge_blob(blob.bytes, fdt_totalsize(blob.bytes), file,
				   true);
		free(blob.bytes);
	} else {
		judge_blob(input.data, input.size, file, false);
	}
	(void)case_file_free(file);
	return 0;
}
