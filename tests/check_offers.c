/* SPDX-License-Identifier: MIT */
#include "daemon/offers.h"

#include <inttypes.h>
#include <signal.h>

#include "tests/harness.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct offers *, offers_free)

#define GRANULE	   16
#define PLACE_BITS 9
#define N_GRANULES (1 << PLACE_BITS)

static uint64_t chance = 88172645463325252;

static uint64_t draw(uint64_t below)
{
	chance ^= chance >> 12;
	chance ^= chance << 25;
	chance ^= chance >> 27;
	return (chance * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

/* Free runs somewhere, as words, and the same in an array. */
struct field {
	struct reach reach;
	struct offers *offers;
	uint64_t tail; /* in granules */
	uint64_t words[N_GRANULES];
	size_t n;
};

static void add(struct offers *offers, uint64_t word)
{
	struct offers_spot spot;

	offers_approach(offers, word, &spot);
	offers_add(offers, &spot);
}

static void drop(struct offers *offers, uint64_t word)
{
	struct offers_spot spot;

	offers_approach(offers, word, &spot);
	offers_drop(offers, &spot);
}

/* Runs of up to most granules over the whole span. */
static void field_init(struct field *field, uint64_t base, uint64_t most)
{
	uint64_t place = 0, length;

	field->reach = (struct reach){.base = base, .length_bits = PLACE_BITS};
	field->n = 0;
	field->tail = draw(2) * draw(7);
	ck_assert_int_eq(offers_new(&field->offers, &field->reach, PLACE_BITS,
				    GRANULE, N_GRANULES / 2),
			 0);
	offers_expect_tail(field->offers, field->tail);
	for (;;) {
		place += draw(5);
		length = 1 + draw(most);
		if (place + length > N_GRANULES)
			break;
		field->words[field->n] =
			reach_word(&field->reach, place, length);
		add(field->offers, field->words[field->n++]);
		place += length + 1;
	}
}

static void field_deinit(struct field *field)
{
	size_t n = 0;

	for (size_t i = 0; i < field->n; i++)
		n += reach_length(&field->reach, field->words[i]) > field->tail;
	ck_assert_uint_eq(offers_verify(field->offers), n);
	for (size_t i = 0; i < field->n; i++)
		drop(field->offers, field->words[i]);
	ck_assert_uint_eq(offers_verify(field->offers), 0);
	field->offers = offers_free(field->offers);
}

static struct run run_of(const struct field *field, uint64_t word)
{
	return (struct run){
		.phys = (field->reach.base + reach_place(&field->reach, word)) *
			GRANULE,
		.size_bytes = reach_length(&field->reach, word) * GRANULE,
	};
}

static struct fit draw_fit(const struct field *field, uint64_t most)
{
	struct fit fit = {
		.size_bytes = (1 + draw(most)) * GRANULE,
		.align_bytes = (uint64_t)GRANULE << draw(8),
		.max_phys = UINT64_MAX,
	};

	if (draw(3) == 0)
		fit.max_phys = field->reach.base * GRANULE +
			       draw(N_GRANULES * GRANULE + 2 * GRANULE);
	if (draw(3))
		fit.boundary_bytes = (uint64_t)GRANULE << draw(12);
	while (fit.boundary_bytes && fit.boundary_bytes < fit.size_bytes)
		fit.boundary_bytes *= 2;
	fit.tail_bytes = field->tail * GRANULE;
	if (draw(50) == 0)
		fit.align_bytes = UINT64_C(1) << (4 + draw(60));
	return fit;
}

static void compare(const struct field *field, const struct fit *fit)
{
	uint64_t word, phys, other;
	bool is_found = offers_find(field->offers, fit, &word, &phys);
	bool is_there = false;
	struct run run;

	for (size_t i = 0; i < field->n; i++) {
		run = run_of(field, field->words[i]);
		is_there = is_there || fit_place(fit, &run, &other);
	}
	if (is_found != is_there)
		ck_abort_msg("size %" PRIu64 " align %" PRIu64 " max %" PRIx64
			     " boundary %" PRIu64 " tail %" PRIu64
			     ": found %d, there %d",
			     fit->size_bytes, fit->align_bytes, fit->max_phys,
			     fit->boundary_bytes, fit->tail_bytes, is_found,
			     is_there);
	if (!is_found)
		return;
	run = run_of(field, word);
	if (!offers_has(field->offers, word) || !fit_place(fit, &run, &other) ||
	    other != phys)
		ck_abort_msg("not the lowest place of a free run");
}

/* Places are found where there are any, wherever the span begins. */
START_TEST(exact)
{
	static const uint64_t bases[] = {
		0, 1, 3, 64, N_GRANULES - 1, 12345, (UINT64_C(1) << 32) - 77,
		(UINT64_C(1) << 60) - N_GRANULES, (UINT64_C(1) << 59) - 100,
	};

	for (int i = 0; i < 900; i++) {
		uint64_t most = UINT64_C(1) << draw(7);
		struct field field;

		field_init(&field, bases[i % 9], most);
		for (int n = 0; n < 400; n++) {
			struct fit fit = draw_fit(&field, most);

			compare(&field, &fit);
		}
		field_deinit(&field);
	}
}
END_TEST

/* The smallest span and the largest. */
START_TEST(spans)
{
	const struct reach one = {.base = 7, .length_bits = 0};
	const struct reach wide = {.base = 1, .length_bits = 1};
	const struct fit fit = {
		.size_bytes = 1, .align_bytes = 1, .max_phys = UINT64_MAX};
	_cleanup_(offers_freep) struct offers *small = NULL, *large = NULL;
	uint64_t word, phys;

	ck_assert_int_eq(offers_new(&small, &one, 0, 1, 1), 0);
	ck_assert(!offers_find(small, &fit, &word, &phys));
	add(small, reach_word(&one, 0, 1));
	ck_assert(offers_find(small, &fit, &word, &phys));
	ck_assert_uint_eq(phys, 7);
	ck_assert_int_eq(offers_new(&large, &wide, 63, 1, 9), 0);
	add(large, reach_word(&wide, INT64_MAX, 1));
	ck_assert(offers_find(large, &fit, &word, &phys));
	ck_assert_uint_eq(phys, UINT64_C(1) << 63);
	ck_assert_uint_eq(offers_verify(large), 1);
}
END_TEST

START_TEST(drop_missing)
{
	const struct reach reach = {.base = 7, .length_bits = 4};
	struct offers *offers = NULL;

	ck_assert_int_eq(offers_new(&offers, &reach, 4, 1, 1), 0);
	drop(offers, reach_word(&reach, 3, 2));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("offers");
	TCase *tcase = harness_case(suite, "offers");

	tcase_add_test(tcase, exact);
	tcase_add_test(tcase, spans);
	tcase_add_test_raise_signal(tcase, drop_missing, SIGABRT);
	return harness_run(suite);
}
