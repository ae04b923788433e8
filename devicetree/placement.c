/* SPDX-License-Identifier: MIT */
#include "devicetree/placement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devicetree/evidence.h"
#include "util/cleanup.h"

/*
 * Where a dynamic node lies, as a hearing of witnesses.
 *
 * A place counts as known only where a source states it for this node by name,
 * and nobody contradicts: not another statement, not a source that knows every
 * reserved range and has none there, not the node's own size, alignment and
 * alloc-ranges.  One range that happens to fit is not taken for the node's.
 * Two sources that disagree leave the place unknown with both answers told:
 * memory lent at a wrong address would be somebody else's.
 */

static const struct evidence_source *const sources[] = {
	&evidence_log,
	&evidence_cma,
	&evidence_iomem,
	&evidence_memblock,
};

#define N_SOURCES (sizeof(sources) / sizeof(sources[0]))

struct hearing {
	const struct reserved_node *node;
	struct evidence_answer answers[N_SOURCES];
	size_t stated_by; /* the first source that states; N_SOURCES: none */
	uint64_t base;	  /* what it states */
	FILE *words;	  /* the reason being written */
};

static void hearing_deinit(struct hearing *hearing)
{
	for (size_t i = 0; i < N_SOURCES; i++)
		evidence_answer_deinit(&hearing->answers[i]);
}

static int ask_all(struct hearing *hearing, const struct evidence *evidence)
{
	hearing->stated_by = N_SOURCES;
	for (size_t i = 0; i < N_SOURCES; i++) {
		struct evidence_answer *answer = &hearing->answers[i];
		int r = sources[i]->ask(evidence, hearing->node, answer);

		if (r < 0)
			return r;
		if (answer->says != EVIDENCE_STATES ||
		    hearing->stated_by < N_SOURCES)
			continue;
		hearing->stated_by = i;
		hearing->base = answer->ranges[0].base;
	}
	return 0;
}

/* The range of the node at the stated base; false where it overflows. */
static bool stated_range(const struct hearing *hearing,
			 struct reserved_range *range)
{
	*range = (struct reserved_range){hearing->base,
					 hearing->node->size_bytes};
	return !reserved_range_overflows(range);
}

static bool answer_contains(const struct evidence_answer *answer,
			    const struct reserved_range *range)
{
	for (size_t i = 0; i < answer->n_ranges; i++)
		if (answer->ranges[i].size_bytes > 0 &&
		    answer->ranges[i].base <= range->base &&
		    reserved_range_last(range) <=
			    reserved_range_last(&answer->ranges[i]))
			return true;
	return false;
}

/* Writes what is wrong and returns true where the node itself forbids it. */
static bool contradicted_by_node(struct hearing *hearing)
{
	const struct reserved_node *node = hearing->node;
	const struct evidence_answer allowed = {
		.ranges = node->alloc_ranges,
		.n_ranges = node->n_alloc_ranges,
	};
	const char *source = sources[hearing->stated_by]->name;
	struct reserved_range range;

	if (!stated_range(hearing, &range)) {
		(void)fprintf(hearing->words,
			      "%s places it at 0x%" PRIx64
			      ", where its size goes beyond 2^64",
			      source, hearing->base);
		return true;
	}
	if (node->has_alignment && node->alignment_bytes > 0 &&
	    (hearing->base & (node->alignment_bytes - 1)) != 0) {
		(void)fprintf(hearing->words,
			      "%s places it at 0x%" PRIx64
			      ", but its alignment is 0x%" PRIx64,
			      source, hearing->base, node->alignment_bytes);
		return true;
	}
	if (allowed.n_ranges > 0 && !answer_contains(&allowed, &range)) {
		(void)fprintf(hearing->words,
			      "%s places it at 0x%" PRIx64
			      ", outside its alloc-ranges",
			      source, hearing->base);
		return true;
	}
	return false;
}

static bool contradicted_by_statement(struct hearing *hearing, size_t i)
{
	const struct evidence_answer *answer = &hearing->answers[i];
	const char *source = sources[hearing->stated_by]->name;

	for (size_t k = 0; k < answer->n_ranges; k++) {
		const struct reserved_range *range = &answer->ranges[k];

		if (range->base != hearing->base) {
			(void)fprintf(hearing->words,
				      "sources disagree: %s places it at "
				      "0x%" PRIx64 ", %s at 0x%" PRIx64,
				      source, hearing->base, sources[i]->name,
				      range->base);
			return true;
		}
		if (range->size_bytes != 0 &&
		    range->size_bytes != hearing->node->size_bytes) {
			(void)fprintf(hearing->words,
				      "sources disagree: %s gives it 0x%" PRIx64
				      " bytes, the devicetree 0x%" PRIx64,
				      sources[i]->name, range->size_bytes,
				      hearing->node->size_bytes);
			return true;
		}
	}
	return false;
}

static bool contradicted_by_source(struct hearing *hearing, size_t i)
{
	const struct evidence_answer *answer = &hearing->answers[i];
	const char *source = sources[hearing->stated_by]->name;
	struct reserved_range range;

	switch (answer->says) {
	case EVIDENCE_SILENT:
		return false;
	case EVIDENCE_STATES:
		return contradicted_by_statement(hearing, i);
	case EVIDENCE_DENIES:
		(void)fprintf(hearing->words,
			      "sources disagree: %s places it at 0x%" PRIx64
			      ", but according to %s it was not placed",
			      source, hearing->base, sources[i]->name);
		return true;
	case EVIDENCE_ALLOWS:
		if (stated_range(hearing, &range) &&
		    answer_contains(answer, &range))
			return false;
		(void)fprintf(hearing->words,
			      "sources disagree: %s places it at 0x%" PRIx64
			      ", but %s does not show it %s there",
			      source, hearing->base, sources[i]->name,
			      hearing->node->reusable ? "as System RAM"
						      : "reserved");
		return true;
	}
	return false;
}

/* Nobody names the node: tells what is known instead. */
static void write_unknown(struct hearing *hearing)
{
	for (size_t i = 0; i < N_SOURCES; i++)
		if (hearing->answers[i].says == EVIDENCE_DENIES) {
			(void)fprintf(hearing->words,
				      "according to %s the kernel did not "
				      "place it",
				      sources[i]->name);
			return;
		}
	(void)fprintf(hearing->words,
		      "where the kernel placed it is not known: no source "
		      "names it");
	for (size_t i = 0; i < N_SOURCES; i++) {
		const struct evidence_answer *answer = &hearing->answers[i];
		size_t fitting = 0;

		if (answer->says != EVIDENCE_ALLOWS)
			continue;
		for (size_t k = 0; k < answer->n_ranges; k++)
			fitting += answer->ranges[k].size_bytes >=
				   hearing->node->size_bytes;
		(void)fprintf(hearing->words,
			      "; in %s, ranges without a name that could hold "
			      "it: %zu",
			      sources[i]->name, fitting);
	}
}

static void write_known(struct hearing *hearing)
{
	const char *glue = ", confirmed by ";

	(void)fprintf(hearing->words, "placed there according to %s",
		      sources[hearing->stated_by]->name);
	for (size_t i = 0; i < N_SOURCES; i++) {
		if (i == hearing->stated_by ||
		    hearing->answers[i].says == EVIDENCE_SILENT)
			continue;
		(void)fprintf(hearing->words, "%s%s", glue, sources[i]->name);
		glue = " and ";
	}
}

/* Decides and writes why; true where the place is known. */
static bool hearing_judge(struct hearing *hearing)
{
	if (hearing->node->size_bytes == 0) {
		(void)fprintf(hearing->words, "its size is 0");
		return false;
	}
	if (hearing->stated_by == N_SOURCES) {
		write_unknown(hearing);
		return false;
	}
	for (size_t i = 0; i < N_SOURCES; i++)
		if (contradicted_by_source(hearing, i))
			return false;
	if (contradicted_by_node(hearing))
		return false;
	write_known(hearing);
	return true;
}

int placement_find(struct placement *placement,
		   const struct reserved_node *node,
		   const struct evidence *evidence)
{
	_cleanup_(hearing_deinit) struct hearing hearing = {.node = node};
	size_t len;
	bool failed;
	int r;

	*placement = (struct placement){.known = false};
	r = ask_all(&hearing, evidence);
	if (r < 0)
		return r;
	hearing.words = open_memstream(&placement->reason, &len);
	if (!hearing.words)
		return -ENOMEM;
	placement->known = hearing_judge(&hearing);
	placement->base = placement->known ? hearing.base : 0;
	/* glibc may close it without an error and without a text */
	failed = ferror(hearing.words) | fclose(hearing.words);
	if (failed || !placement->reason) {
		placement_deinit(placement);
		return -ENOMEM;
	}
	return 0;
}

void placement_deinit(struct placement *placement)
{
	free(placement->reason);
	*placement = (struct placement){.known = false};
}
