/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/configuration.h"

/* A file that was read. */
struct sections_file {
	const char *path; /* for the complaints */
	char *text;	  /* as for syntax_read() */
	size_t len;
};

/* Gives the text of a file its meaning.  Returns the number of complaints, or
 * -ENOMEM. */
int sections_read(struct configuration *config,
		  const struct sections_file *file,
		  config_complaint_fn *complain, void *data);

#endif
