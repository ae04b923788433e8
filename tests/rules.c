/* SPDX-License-Identifier: MIT */
#include "tests/rules.h"

#include <stdlib.h>
#include <string.h>

#include "config/sections.h"
#include "tests/harness.h"

/*
 * Sections are read as they are of a file, without a file.
 */

static void refuse_complaint(void *data, const char *reason)
{
	(void)data;
	ck_abort_msg("%s", reason);
}

void rules_init(struct rules *rules, const char *text)
{
	const struct sections_file file = {
		.path = "/etc/f",
		.text = strdup(text),
		.len = strlen(text),
	};

	ck_assert_ptr_nonnull(file.text);
	config_init(&rules->config);
	ck_assert_int_eq(
		sections_read(&rules->config, &file, refuse_complaint, NULL), 0);
	free(file.text);
	policy_init(&rules->policy, &rules->config, RULES_OWN_UID);
}

void rules_deinit(struct rules *rules)
{
	config_deinit(&rules->config);
}
