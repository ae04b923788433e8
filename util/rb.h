/* SPDX-License-Identifier: MIT */
#ifndef UTIL_RB_H
#define UTIL_RB_H

#include <bsd/sys/tree.h>

/*
 * Intrusive red-black trees: tree(3bsd).  RB_GENERATE_PRIVATE defines the
 * functions of a tree within one file; not all of them have to be used, which
 * clang would otherwise complain about.
 */
#define RB_GENERATE_PRIVATE(name, type, field, compare)                        \
	RB_GENERATE_INTERNAL(name, type, field, compare,                       \
			     __attribute__((unused)) static)

#endif
