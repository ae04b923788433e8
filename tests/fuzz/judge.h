/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_JUDGE_H
#define TESTS_FUZZ_JUDGE_H

#include "devicetree/tree.h"
#include "tests/fuzz/input.h"

/* What a tree is judged with, besides the tree itself. */
struct case_file;

/* Takes rules and evidence from the front of an input.  The directory, which
 * may be NULL and is borrowed, stands for debugfs' cma. */
struct case_file *case_file_new(struct input *input, const char *directory);
struct case_file *case_file_free(struct case_file *file);

/* Takes a tree all the way to adoption, and checks that nothing is adopted
 * that must not be, and that everything said of it can be shown to people. */
void judge_tree(const struct tree *tree, const struct case_file *file);

#endif
