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
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	config_init(&rules->config);
	ck_assert_int_eq(sections_read(&rules->config, copy, strlen(copy),
				       "/etc/f", refuse_complaint, NULL),
			 0);
	free(copy);
	policy_init(&rules->policy, &rules->config, RULES_OWN_UID);
}

void rules_deinit(struct rules *rules)
{
	config_deinit(&rules->config);
}
