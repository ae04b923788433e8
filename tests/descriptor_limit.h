/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DESCRIPTOR_LIMIT_H
#define TESTS_DESCRIPTOR_LIMIT_H

#include <stdbool.h>
#include <sys/resource.h>

/* False where the limit of open files is only pretended, and the kernel goes
 * on to deliver descriptors: valgrind does that. */
bool descriptor_limit_is_real(void);

/* Leaves this process room for exactly n more descriptors, as long as nothing
 * else opens or closes any; *before is for descriptor_limit_restore(). */
void descriptor_limit_lower(int n, struct rlimit *before);
void descriptor_limit_restore(const struct rlimit *before);

#endif
