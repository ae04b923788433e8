/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_RESERVATIONS_H
#define CONFIG_RESERVATIONS_H

#include "config/configuration.h"
#include "config/principals.h"

/* Pieces of a region that only some may use. */

/* Adds the entries of a list to a region: user:size or @group:size, and behind
 * that, where it matters, "below" and an address.  Wrong entries are complained
 * about and left out.  Returns 0 or -ENOMEM. */
int config_reservations_add(struct config_reservations *reservations,
			    const struct config_list *list);

void config_reservations_deinit(struct config_reservations *reservations);

#endif
