/* SPDX-License-Identifier: MIT */
#include "daemon/banner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/format.h"

/*
 * One line for somebody who types "systemctl status".  Whatever changes what it
 * says sets a timer, and the timer writes it: many changes are one line, and
 * where nothing changes nothing wakes up.  While things change all the time,
 * there is one line a second.
 */

struct banner {
	struct service *service;
	struct timer *timer;
	bool is_set;
	void (*show)(const char *text);
	char shown[BANNER_BYTES];
};

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void banner_write(char text[BANNER_BYTES], const struct service *service)
{
	const struct lender *lender = service->lender;
	char size[FORMAT_SIZE_BYTES], lent[FORMAT_SIZE_BYTES];
	uint64_t total_bytes = 0, lent_bytes = 0, quarantined_bytes = 0;
	char quarantined[FORMAT_SIZE_BYTES];
	const struct region *region;

	list_for_each (region, &lender->regions, link) {
		total_bytes += region_size_bytes(region);
		lent_bytes += region->lent_bytes + region->draining_bytes;
		quarantined_bytes += region->quarantined_bytes;
	}
	(void)snprintf(text, BANNER_BYTES,
		       "Serving %s in %zu region%s: %s lent in %zu buffer%s, "
		       "%zu client%s%s%s",
		       format_size(size, total_bytes), lender->n_regions,
		       plural(lender->n_regions), format_size(lent, lent_bytes),
		       lender->registry.n_buffers,
		       plural(lender->registry.n_buffers), service->n_sessions,
		       plural(service->n_sessions),
		       quarantined_bytes ? "; quarantined: " : "",
		       quarantined_bytes ? format_size(quarantined,
						       quarantined_bytes)
					 : "");
}

static void show(struct banner *banner)
{
	char text[BANNER_BYTES];

	banner_write(text, banner->service);
	if (strcmp(text, banner->shown) == 0)
		return;
	memcpy(banner->shown, text, sizeof(text));
	banner->show(text);
}

static void on_timer(void *data)
{
	struct banner *banner = data;

	banner->is_set = false;
	show(banner);
}

static void on_change(void *data)
{
	struct banner *banner = data;

	if (!banner->is_set)
		timer_set(banner->timer, BANNER_MS);
	banner->is_set = true;
}

int banner_new(struct banner **bannerp, struct loop *loop,
	       struct service *service, void (*show_fn)(const char *text))
{
	struct banner *banner = calloc(1, sizeof(*banner));

	if (!banner)
		return -ENOMEM;
	banner->service = service;
	banner->show = show_fn;
	if (timer_new(&banner->timer, loop, on_timer, banner) < 0) {
		free(banner);
		return -ENOMEM;
	}
	service->changed = on_change;
	service->changed_data = banner;
	service->lender->registry.changed = on_change;
	service->lender->registry.changed_data = banner;
	banner_write(banner->shown, service);
	*bannerp = banner;
	return 0;
}

struct banner *banner_free(struct banner *banner)
{
	if (!banner)
		return NULL;
	banner->service->changed = NULL;
	banner->service->lender->registry.changed = NULL;
	(void)timer_free(banner->timer);
	free(banner);
	return NULL;
}
