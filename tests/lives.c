/* SPDX-License-Identifier: MIT */
#include "tests/lives.h"

#include "daemon/lending.h"
#include "daemon/restore.h"
#include "tests/harness.h"
#include "tests/logged.h"

/*
 * A life is what main.c makes of a start, without clients' sockets.  The
 * simulated backend serves for both kinds of memory: for what is there before
 * and after any daemon a copy of it says so, under the name of another.
 */

static struct memory *open_memory(struct lives *lives)
{
	const struct memory_spec spec = {
		.region = lives->name,
		.base = UINT64_C(4) << 30,
		.size_bytes = lives->size_bytes,
		.granule_bytes = lives->granule_bytes,
		.guard_bytes = lives->guard_bytes,
	};
	const struct backend_options options = {.devmem_path = NULL};
	struct memory *memory;

	ck_assert_int_eq(
		backend_simulated.memory_open(&options, &spec, &memory, NULL),
		0);
	if (lives->permanent) {
		memory->backend = &lives->permanent_backend;
		memory->starts_clean = false;
	}
	return memory;
}

static void make_region(struct lives *lives)
{
	struct memory *memory = open_memory(lives);
	const struct restore_memory what = {
		.region = lives->name,
		.granule_bytes = lives->granule_bytes,
		.memory = memory,
		.kept = lives->kept,
	};
	struct region_spec spec = {
		.id = 1,
		.name = lives->name,
		.granule_bytes = lives->granule_bytes,
		.ticketp = &lives->lender->ticket,
		.vault = lives->vault,
	};
	struct restore restore;
	struct error why = ERROR_INIT;

	ck_assert_int_eq(restore_plan(&restore, lives->vault, &what), 0);
	spec.taken = restore.runs;
	spec.n_taken = restore.n;
	ck_assert_msg(region_new_consume(&lives->region, &spec, memory, &why) ==
			      0,
		      "%s", why.text);
	lives->region->is_default = true;
	ck_assert_int_eq(
		lender_add_region_consume(lives->lender, lives->region), 0);
	restore_region(&restore, lives->lender, lives->region);
	restore_deinit(&restore);
}

void lives_start(struct lives *lives)
{
	const struct vault_spec spec = {.directory = lives->directory,
					.boot_id = lives->boot_id};
	struct inheritance inheritance;
	struct error why = ERROR_INIT;

	logged_forget();
	custodian_bequeath(&lives->custodian, &inheritance);
	ck_assert_msg(vault_open(&lives->vault, &inheritance, &spec, &why) == 0,
		      "%s", why.text);
	inheritance_deinit(&inheritance);
	ck_assert_int_eq(loop_new(&lives->loop), 0);
	ck_assert_int_eq(lender_new(&lives->lender, lives->loop), 0);
	lender_use_vault(lives->lender, lives->vault);
	make_region(lives);
	restore_settle(lives->vault);
	ck_assert_int_eq(
		owner_init(&lives->owner, &lives->lender->accounts, LIVES_UID),
		0);
}

void lives_end(struct lives *lives)
{
	vault_freeze(lives->vault);
	lender_owner_gone(lives->lender, &lives->owner);
	owner_deinit(&lives->owner);
	lives->lender = lender_free(lives->lender);
	lives->vault = vault_free(lives->vault);
	lives->loop = loop_free(lives->loop);
}

void lives_restart(struct lives *lives)
{
	lives_end(lives);
	lives_start(lives);
}

void lives_init(struct lives *lives)
{
	logged_begin(LOG_LEVEL_INFO);
	*lives = (struct lives){
		.kept = true,
		.size_bytes = LIVES_SIZE,
		.granule_bytes = LIVES_GRANULE,
		.name = "camera",
		.permanent_backend = backend_simulated,
	};
	lives->permanent_backend.name = "devmem";
	lives->permanent_backend.permanent = true;
	custodian_init(&lives->custodian, 100);
	lives_start(lives);
}

void lives_deinit(struct lives *lives)
{
	lives_end(lives);
	custodian_deinit(&lives->custodian);
	logged_end();
}

static void decided(struct loan *loan, int result)
{
	*(int *)loan->data = result;
}

uint64_t lives_ask(struct lives *lives, uint64_t size_bytes, uint32_t count,
		   int *fds)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
		.name = "frame",
	};
	int outcome = -1;
	struct loan *loan = loan_new(&want, &lives->owner, decided, &outcome);
	uint64_t id;

	ck_assert_ptr_nonnull(loan);
	lending_begin(lives->lender, loan);
	while (outcome < 0)
		ck_assert_int_eq(loop_turn(lives->loop, true), 0);
	id = outcome == 0 ? loan->buffers[0]->id : 0;
	for (uint32_t i = 0; outcome == 0 && i < count; i++) {
		fds[i] = loan->fds[i];
		loan->fds[i] = -1;
	}
	(void)loan_free(loan);
	return id;
}

struct buffer *lives_find(const struct lives *lives, uint64_t id)
{
	return registry_find(&lives->lender->registry, id);
}

void lives_wait_for_buffers(struct lives *lives, size_t n)
{
	while (lives->region->n_buffers != n ||
	       lives->lender->registry.n_buffers != n ||
	       !list_empty(&lives->region->dirt.stains))
		ck_assert_int_eq(loop_turn(lives->loop, true), 0);
}
