/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/configuration.h"

/* Gives the text of a file its meaning; text as for syntax_read(), path for
 * the complaints.  Returns the number of complaints, or -ENOMEM. */
int sections_read(struct configuration *config, char *text, size_t len,
		  const char *path, config_complaint_fn *complain, void *data);

#endif
