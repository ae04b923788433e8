/* SPDX-License-Identifier: MIT */
#ifndef LIB_MAPPING_H
#define LIB_MAPPING_H

#include <stddef.h>

/* Maps the first size bytes of a file, shared, with all its pages; protection
 * is as for mmap(2).  The mapping is the caller's, who gives it to
 * mapping_free(). 0, or as mmap(2) fails: -EACCES, -ENOMEM. */
int mapping_new(int fd_borrow, size_t size, int protection, void **mapp);
void mapping_free(void *map, size_t size);
/* As mapping_free(), where the file's pages are likely to go with it. */
void mapping_free_last(void *map, size_t size);

#endif
