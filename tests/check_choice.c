/* SPDX-License-Identifier: MIT */
#include "daemon/choice.h"

#include <stdio.h>

#include "proto/message.h"
#include "tests/fake.h"
#include "tests/harness.h"

#define MIB (UINT64_C(1) << 20)

static struct fake fakes[3];
static struct region *region[3]; /* b is the default */
static struct list regions;
static struct want want;
static struct refusal refusal;
static struct choice choice = {.regions = &regions};

static void before(void)
{
	static const char *const names[] = {"a", "b", "c"};
	static const uint32_t guarantees[] = {
		CONTIG_MSG_CONTIGUOUS,
		CONTIG_MSG_ISOLATED,
		CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_DMA_BUF,
	};

	list_init(&regions);
	want = (struct want){.count = 1};
	for (uint32_t i = 0; i < 3; i++) {
		region[i] = fake_region(&fakes[i], i, names[i], MIB, true);
		region[i]->memory->guarantees = guarantees[i];
		list_append(&regions, &region[i]->link);
	}
}

static void after(void)
{
	for (int i = 0; i < 3; i++)
		(void)region_free(region[i]);
}

/* The names of all candidates in their order. */
static const char *candidates(void)
{
	static char names[16];
	struct region *found = NULL;
	size_t n = 0;

	names[0] = '\0';
	while ((found = choice_next(&choice, &want, found)))
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s",
				      found->name);
	return names;
}

static void name(const char *text)
{
	(void)snprintf(want.region, sizeof(want.region), "%s", text);
}

START_TEST(named_is_the_only_one)
{
	name("c");
	ck_assert_str_eq(candidates(), "c");
	want.require = CONTIG_MSG_DMA_BUF;
	ck_assert_str_eq(candidates(), "c");
	name("a");
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_GUARANTEE);
	ck_assert_str_eq(refusal.text,
			 "region 'a' (fake) does not give: dma-buf");
	name("d");
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_NO_REGION);
	ck_assert_str_eq(refusal.text, "there is no region 'd'");
}
END_TEST

START_TEST(nothing_required_is_the_default)
{
	ck_assert_str_eq(candidates(), "b");
	region[1]->is_default = false;
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_NO_REGION);
}
END_TEST

START_TEST(required_is_all_that_give_it)
{
	want.require = CONTIG_MSG_CONTIGUOUS;
	ck_assert_str_eq(candidates(), "ac");
	region[1]->memory->guarantees |= CONTIG_MSG_CONTIGUOUS;
	ck_assert_str_eq(candidates(), "bac");
	want.require = CONTIG_MSG_GUARANTEES;
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_GUARANTEE);
	ck_assert_str_eq(refusal.text,
			 "no region gives all of: contiguous, isolated, "
			 "dma-buf, cached, known address");
}
END_TEST

START_TEST(no_region_at_all)
{
	struct list none = LIST_INIT(none);
	const struct choice nothing = {.regions = &none};

	name("a");
	ck_assert_ptr_null(choice_next(&nothing, &want, NULL));
	choice_refuse(&nothing, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_NO_REGION);
}
END_TEST

static uint32_t camera_uid = 1000;
static const struct credentials camera = {.uid = 1000, .gid = 1};
static const struct credentials other = {.uid = 1001, .gid = 1};
static struct config_region for_camera = {
	.kind = CONFIG_POOL,
	.name = (char *)"b",
	.access.rights[CONFIG_USE] = {.given = true,
				      .line = 7,
				      .uids = &camera_uid,
				      .n_uids = 1},
};

/* A region that somebody may not use is none of those to choose from. */
START_TEST(forbidden_is_as_if_it_were_not_there)
{
	struct configuration config;
	struct policy policy;

	config_init(&config);
	policy_init(&policy, &config, 990);
	choice.policy = &policy;
	region[1]->section = &for_camera; /* the default */
	region[1]->memory->guarantees |= CONTIG_MSG_CONTIGUOUS;

	want.require = CONTIG_MSG_CONTIGUOUS;
	want.who = &camera;
	ck_assert_str_eq(candidates(), "bac");
	want.who = &other;
	ck_assert_str_eq(candidates(), "ac");
	want.require = 0;
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_DENIED);
	ck_assert_str_eq(refusal.text,
			 "no region was named, and the default 'b' is not for "
			 "uid 1001 ([pool b] use, configuration:7)");
	name("b");
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_DENIED);
	ck_assert_str_eq(refusal.text,
			 "region 'b' is not for uid 1001 ([pool b] use, "
			 "configuration:7)");
	name("a");
	ck_assert_str_eq(candidates(), "a");
	config_deinit(&config);
}
END_TEST

START_TEST(forbidden_alone_gives_it)
{
	struct configuration config;
	struct policy policy;

	config_init(&config);
	policy_init(&policy, &config, 990);
	choice.policy = &policy;
	region[1]->section = &for_camera;
	want.require = CONTIG_MSG_ISOLATED;
	want.who = &other;
	ck_assert_str_eq(candidates(), "");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_DENIED);
	ck_assert_str_eq(refusal.text,
			 "of what gives all of that, region 'b' is not for uid "
			 "1001 ([pool b] use, configuration:7)");
	want.require = CONTIG_MSG_GUARANTEES; /* nobody gives that */
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_GUARANTEE);
	want.require = CONTIG_MSG_DMA_BUF; /* not b, whoever asks */
	name("b");
	choice_refuse(&choice, &want, &refusal);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_DENIED);
	config_deinit(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("choice");
	TCase *tcase = harness_case(suite, "choice");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, named_is_the_only_one);
	tcase_add_test(tcase, nothing_required_is_the_default);
	tcase_add_test(tcase, required_is_all_that_give_it);
	tcase_add_test(tcase, no_region_at_all);
	tcase_add_test(tcase, forbidden_is_as_if_it_were_not_there);
	tcase_add_test(tcase, forbidden_alone_gives_it);
	return harness_run(suite);
}
