/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <string.h>

/*
 * The table of backends.  Its order is the order in which they are probed and
 * reported: a new one goes to the end, so that the others keep their place.
 */
const struct backend *const backends[] = {
	&backend_simulated,
	&backend_devmem,
	&backend_udmabuf,
	NULL,
};

const struct backend *backend_find(const char *name)
{
	for (size_t i = 0; backends[i]; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	return NULL;
}
