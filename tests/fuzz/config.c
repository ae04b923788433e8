/* SPDX-License-Identifier: MIT */
#include "config/configuration.h"

#include <stdlib.h>
#include <string.h>

#include "config/sections.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/input.h"
#include "util/cleanup.h"
#include "util/power.h"

/*
 * The configuration file.  An input is the file's text; its first line is
 * tried as the value of --simulate and --pool as well.  Afterwards whatever
 * the reader let through must be what configuration.h promises, for the daemon
 * sets up memory by it without asking again.
 */

const char fuzz_target[] = "config";

#define PAGE_BYTES 4096
#define NAME_BYTES 64

static void count_complaint(void *data, const char *text)
{
	int *count = data;

	fuzz_assert(*text);
	++*count;
}

static void check_granule(uint64_t granule)
{
	fuzz_assert(granule == 0 ||
		    (granule >= PAGE_BYTES && is_power_of_two(granule)));
}

/* One user or group, some bytes, and never everybody. */
static void check_reservations(const struct config_reservations *reservations)
{
	for (size_t i = 0; i < reservations->n; i++) {
		const struct config_reservation *one = &reservations->items[i];

		fuzz_assert(one->name && *one->name && one->line > 0);
		fuzz_assert(one->size_bytes > 0);
		fuzz_assert(!one->who.everybody);
		fuzz_assert(one->who.n_uids + one->who.n_gids == 1);
	}
}

/* Of each user, group and "*" one section at most, and what is not said is not
 * limited. */
static void check_quota(const struct configuration *config, size_t i)
{
	const struct config_quota *quota = &config->quotas[i];

	fuzz_assert(quota->name && *quota->name && quota->line > 0);
	for (size_t j = 0; j < i; j++)
		fuzz_assert(config->quotas[j].holder != quota->holder ||
			    config->quotas[j].id != quota->id);
	for (size_t j = 0; j < CONFIG_N_LIMITS; j++)
		fuzz_assert(quota->limits[j].line > quota->line ||
			    (quota->limits[j].line == 0 &&
			     quota->limits[j].value == 0));
}

static void check_region(const struct configuration *config, size_t i)
{
	const struct config_region *region = &config->regions[i];
	uint64_t unit = region->granule_bytes;

	fuzz_assert(region->name && *region->name);
	fuzz_assert(strlen(region->name) < NAME_BYTES);
	fuzz_assert_printable(region->name);
	fuzz_assert(config_find_region(config, region->name) == region);
	check_granule(region->granule_bytes);
	check_reservations(&region->reservations);
	switch (region->kind) {
	case CONFIG_REGION:
		fuzz_assert(region->size_bytes == 0);
		return;
	case CONFIG_POOL:
		unit = region->page_bytes;
		fuzz_assert(unit >= PAGE_BYTES && is_power_of_two(unit));
		break;
	case CONFIG_SIMULATE:
		if (unit == 0)
			unit = PAGE_BYTES;
		break;
	}
	fuzz_assert(region->size_bytes > 0 && region->size_bytes % unit == 0);
}

/* The reader changes the text it reads, and wants a NUL behind it. */
static void read_file(struct configuration *config, const uint8_t *data,
		      size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	const struct sections_file file = {
		.path = "fuzz.conf",
		.text = text,
		.len = size,
	};
	int complaints = 0, r;

	fuzz_assert(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	r = sections_read(config, &file, count_complaint, &complaints);
	fuzz_assert(r == complaints);
}

static void read_options(struct configuration *config, const uint8_t *data,
			 size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	const struct input line = {data, end ? (size_t)(end - data) : size};
	_cleanup_free_ char *text = input_string(&line);
	struct error why = ERROR_INIT;

	if (config_add_simulated(config, text, &why) < 0)
		fuzz_assert(*why.text);
	why.text[0] = '\0';
	if (config_add_pool(config, text, &why) < 0)
		fuzz_assert(*why.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct configuration config;

	config_init(&config);
	read_options(&config, data, size);
	read_file(&config, data, size);
	for (size_t i = 0; i < config.n_regions; i++)
		check_region(&config, i);
	for (size_t i = 0; i < config.n_quotas; i++)
		check_quota(&config, i);
	config_deinit(&config);
	return 0;
}
