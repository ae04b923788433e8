/* SPDX-License-Identifier: MIT */
#include "daemon/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/probes.h"
#include "tests/custodian.h"
#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * Lives and deaths of a daemon within one process: everything between a vault
 * and a lender is the real thing, and the manager is a thread of the test.  A
 * life that ends in any way leaves what the vault has at that moment.
 */

#define MIB	UINT64_C(1048576)
#define GRANULE UINT64_C(4096)
#define SIZE	(8 * MIB)

static struct custodian custodian;
static struct loop *loop;
static struct lender *lender;
static struct vault *vault;
static struct region *region;
static struct owner owner;
static const char *directory; /* NULL: no runtime directory */
static char log_text[8192];

/* Memory that is there before and after any daemon, for those tests. */
static struct backend permanent;

/* How the region is set up. */
static struct world {
	bool kept;
	bool permanent;
	uint64_t size_bytes;
	uint64_t granule_bytes;
	uint64_t guard_bytes;
	const char *name;
	const char *boot_id;
} world;

static void note(enum log_level level, const struct log_fields *fields,
		 const char *text)
{
	size_t length = strlen(log_text);

	(void)level;
	(void)fields;
	(void)snprintf(log_text + length, sizeof(log_text) - length, "%s\n",
		       text);
}

static struct memory *open_memory(void)
{
	const struct memory_spec spec = {
		.region = world.name,
		.base = UINT64_C(4) << 30,
		.size_bytes = world.size_bytes,
		.granule_bytes = world.granule_bytes,
		.guard_bytes = world.guard_bytes,
	};
	const struct backend_options options = {.devmem_path = NULL};
	struct memory *memory;

	ck_assert_int_eq(
		backend_simulated.memory_open(&options, &spec, &memory, NULL),
		0);
	if (world.permanent) {
		memory->backend = &permanent;
		memory->starts_clean = false;
	}
	return memory;
}

static void make_region(void)
{
	struct memory *memory = open_memory();
	const struct restore_memory what = {
		.region = world.name,
		.granule_bytes = world.granule_bytes,
		.memory = memory,
		.kept = world.kept,
	};
	struct region_spec spec = {
		.id = 1,
		.name = world.name,
		.granule_bytes = world.granule_bytes,
		.ticketp = &lender->ticket,
		.vault = vault,
	};
	struct restore restore;
	struct error why = ERROR_INIT;

	ck_assert_int_eq(restore_plan(&restore, vault, &what), 0);
	spec.taken = restore.runs;
	spec.n_taken = restore.n;
	ck_assert_msg(region_new_consume(&region, &spec, memory, &why) == 0,
		      "%s", why.text);
	region->is_default = true;
	ck_assert_int_eq(lender_add_region_consume(lender, region), 0);
	restore_region(&restore, lender, region);
	restore_deinit(&restore);
}

static void start(void)
{
	const struct vault_spec spec = {.directory = directory,
					.boot_id = world.boot_id};
	struct inheritance inheritance;
	struct error why = ERROR_INIT;

	log_text[0] = '\0';
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_msg(vault_open(&vault, &inheritance, &spec, &why) == 0, "%s",
		      why.text);
	inheritance_deinit(&inheritance);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	lender_use_vault(lender, vault);
	make_region();
	restore_settle(vault);
	ck_assert_int_eq(owner_init(&owner, &lender->accounts, 1000), 0);
}

static void end(void)
{
	vault_freeze(vault);
	lender_owner_gone(lender, &owner);
	owner_deinit(&owner);
	lender = lender_free(lender);
	vault = vault_free(vault);
	loop = loop_free(loop);
}

static void restart(void)
{
	end();
	start();
}

static void before(void)
{
	log_set_sink(note);
	permanent = backend_simulated;
	permanent.name = "devmem";
	permanent.permanent = true;
	directory = NULL;
	world = (struct world){.kept = true,
			       .size_bytes = SIZE,
			       .granule_bytes = GRANULE,
			       .name = "camera"};
	custodian_init(&custodian, 100);
	start();
}

static void after(void)
{
	end();
	custodian_deinit(&custodian);
	log_set_sink(NULL);
}

/* ---- a client ------------------------------------------------------------ */

static int outcome;

static void decided(struct loan *loan, int result)
{
	(void)loan;
	outcome = result;
}

/* Lends count buffers; the descriptors are the client's.  Returns the first
 * id, or 0 where it was refused. */
static uint64_t ask(uint64_t size_bytes, uint32_t count, int *fds)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
		.name = "frame",
	};
	struct loan *loan = loan_new(&want, &owner, decided, NULL);
	uint64_t id;

	ck_assert_ptr_nonnull(loan);
	outcome = -1;
	lender_allocate(lender, loan);
	while (outcome < 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	id = outcome == 0 ? loan->buffers[0]->id : 0;
	for (uint32_t i = 0; outcome == 0 && i < count; i++) {
		fds[i] = loan->fds[i];
		loan->fds[i] = -1;
	}
	(void)loan_free(loan);
	return id;
}

static struct buffer *find(uint64_t id)
{
	return registry_find(&lender->registry, id);
}

static void wait_for_buffers(size_t n)
{
	while (region->n_buffers != n || lender->registry.n_buffers != n ||
	       !list_empty(&region->dirt.stains))
		ck_assert_int_eq(loop_turn(loop, true), 0);
}

static bool has_logged(const char *text)
{
	return strstr(log_text, text) != NULL;
}

/* ---- tests --------------------------------------------------------------- */

START_TEST(what_is_lent_goes_on)
{
	const struct account *account;
	struct buffer *buffer;
	struct object was;
	uint64_t id;
	int fd;

	id = ask(MIB + 1, 1, &fd);
	was = *find(id)->object;
	ck_assert_uint_eq(was.references, 2);
	ck_assert_int_eq(pwrite(fd, "frame", 5, 100), 5);
	for (int life = 0; life < 3; life++) {
		char text[5];

		restart();
		buffer = find(id);
		ck_assert_ptr_nonnull(buffer);
		ck_assert_ptr_eq(registry_find_inode(&lender->registry,
						     was.device, was.inode),
				 buffer);
		ck_assert_str_eq(buffer->name, "frame");
		ck_assert_int_eq(buffer->state, BUFFER_LENT);
		ck_assert_ptr_null(buffer->owner);
		ck_assert_uint_eq(buffer->object->run.phys, was.run.phys);
		ck_assert_uint_eq(buffer_bytes(buffer), MIB + GRANULE);
		ck_assert_uint_eq(buffer->object->token, was.token);
		ck_assert_uint_eq(buffer->object->references, 2);
		account = account_find(&lender->accounts, 1000);
		ck_assert_uint_eq(account->n_buffers, 1);
		ck_assert_uint_eq(account->bytes, MIB + GRANULE);
		ck_assert_uint_eq(region->lent_bytes, MIB + GRANULE);
		ck_assert_uint_eq(region_free_bytes(region),
				  SIZE - MIB - GRANULE);
		ck_assert_int_eq(pread(fd, text, 5, 100), 5);
		ck_assert_mem_eq(text, "frame", 5);
		ck_assert(has_logged("1M in 1 buffer still lent, 0B"));
	}
	(void)fd_close(fd);
	wait_for_buffers(0);
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 0);
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
}
END_TEST

/* The holder may go while no daemon is there to see it. */
START_TEST(what_was_let_go_meanwhile_comes_back)
{
	int fds[2];

	(void)ask(MIB, 2, fds);
	end();
	(void)fd_close(fds[0]);
	start();
	wait_for_buffers(1);
	ck_assert_uint_eq(region->lent_bytes, MIB);
	(void)fd_close(fds[1]);
	wait_for_buffers(0);
}
END_TEST

START_TEST(draining_goes_on)
{
	struct buffer *buffer;
	uint64_t id;
	int fd;

	id = ask(MIB, 1, &fd);
	lender_hint(lender, find(id), true);
	ck_assert_int_eq(find(id)->state, BUFFER_DRAINING);
	restart();
	buffer = find(id);
	ck_assert_int_eq(buffer->state, BUFFER_DRAINING);
	ck_assert_uint_eq(region->draining_bytes, MIB);
	ck_assert_uint_eq(region->lent_bytes, 0);
	restart();
	ck_assert_int_eq(find(id)->state, BUFFER_DRAINING);
	(void)fd_close(fd);
	wait_for_buffers(0);
	ck_assert_uint_eq(region->draining_bytes, 0);
}
END_TEST

START_TEST(nothing_is_owned_twice)
{
	int fds[64], more[64];
	uint64_t first, second;

	first = ask(64 * 1024, 64, fds); /* half of the region */
	restart();
	second = ask(64 * 1024, 64, more);
	ck_assert_uint_ge(second, first + 64);
	for (uint64_t i = 0; i < 64; i++)
		for (uint64_t j = 0; j < 64; j++)
			ck_assert_uint_ne(find(first + i)->object->run.phys,
					  find(second + j)->object->run.phys);
	ck_assert_uint_eq(region_free_bytes(region), 0);
	ck_assert_uint_eq(ask(1, 1, fds), 0);
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 128);
	ck_assert_uint_eq(ask(1, 1, fds), 0);
	for (int i = 0; i < 64; i++) {
		(void)fd_close(fds[i]);
		(void)fd_close(more[i]);
	}
	wait_for_buffers(0);
}
END_TEST

START_TEST(guards_are_remembered)
{
	struct buffer *buffer;
	uint64_t id;
	int fd;

	end();
	custodian_replace(&custodian, "ledger", -1);
	world.guard_bytes = 2 * GRANULE;
	start();
	id = ask(MIB, 1, &fd);
	ck_assert(find(id)->guard_filled);
	world.guard_bytes = GRANULE; /* the configuration has changed */
	restart();
	buffer = find(id);
	ck_assert(buffer->guard_filled);
	ck_assert_uint_eq(buffer_bytes(buffer), MIB);
	ck_assert_uint_eq(buffer->object->guard_bytes, 2 * GRANULE);
	ck_assert_uint_eq(region->guarding_bytes, 2 * GRANULE);
	(void)fd_close(fd);
	wait_for_buffers(0);
	ck_assert_uint_eq(region->damaged_guards, 0);
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
}
END_TEST

/* The descriptor is gone from the store: nobody can tell when it is free. */
START_TEST(without_its_descriptor_it_is_quarantined)
{
	uint64_t id;
	int fd, other;

	id = ask(MIB, 1, &fd);
	end();
	custodian_replace(&custodian, "shelf-0.a", -1);
	custodian_replace(&custodian, "shelf-0.b", -1);
	(void)fd_close(fd);
	for (int life = 0; life < 2; life++) {
		start();
		ck_assert_ptr_null(find(id));
		ck_assert_uint_eq(region->quarantined_bytes, MIB);
		ck_assert_uint_eq(region_free_bytes(region), SIZE - MIB);
		ck_assert_uint_eq(ask(SIZE, 1, &other), 0);
		ck_assert(has_logged("lent as buffer"));
		ck_assert(has_logged("uid 1000, are quarantined"));
		end();
	}
	start();
}
END_TEST

START_TEST(wrong_descriptor_is_quarantined)
{
	const struct ledger_record *record;
	size_t place = 0;
	uint64_t id;
	int fd;

	id = ask(MIB, 1, &fd);
	end();
	start();
	record = vault_next(vault, &place);
	/* as if another file had come back */
	((struct ledger_record *)record)->inode++;
	((struct ledger_record *)record)->lent_check = ledger_lent_sum(record);
	restart();
	ck_assert_ptr_null(find(id));
	ck_assert_uint_eq(region->quarantined_bytes, MIB);
	ck_assert(has_logged("it is another file"));
	(void)fd_close(fd);
}
END_TEST

START_TEST(what_was_only_claimed_is_free)
{
	const struct ledger_claim claim = {
		.id = lender->next_id,
		.run = {UINT64_C(4) << 30, MIB},
		.flags = LEDGER_MADE_UP,
		.region = "camera",
		.backend = "simulated",
		.name = "",
	};
	struct vault_entry *entry;

	ck_assert_int_eq(vault_claim(vault, &claim, &entry), 0);
	restart();
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
	ck_assert_uint_eq(ledger_count(vault->file.ledger), 0);
}
END_TEST

/* ---- doubt ---------------------------------------------------------------- */

static void expect_all_quarantined(const char *text)
{
	int fd;

	ck_assert_uint_eq(region->quarantined_bytes, SIZE);
	ck_assert_uint_eq(region_size_bytes(region), SIZE);
	ck_assert_uint_eq(region_free_bytes(region), 0);
	ck_assert_uint_eq(ask(1, 1, &fd), 0);
	ck_assert_msg(has_logged(text), "'%s' is not in: %s", text, log_text);
}

START_TEST(refused_ledger_lends_nothing)
{
	uint64_t id;
	int fd;

	id = ask(MIB, 1, &fd);
	world.boot_id = "another";
	for (int life = 0; life < 2; life++) {
		restart();
		expect_all_quarantined("of another boot");
	}
	world.kept = false; /* not even what is new */
	restart();
	expect_all_quarantined("of another boot");
	/* and nothing is lost for whoever can read it */
	world.boot_id = NULL;
	world.kept = true;
	restart();
	ck_assert_ptr_nonnull(find(id));
	(void)fd_close(fd);
}
END_TEST

START_TEST(record_out_of_place_quarantines_the_region)
{
	int fds[3];

	(void)ask(2 * MIB, 3, fds);
	world.size_bytes = 4 * MIB; /* described differently now */
	restart();
	ck_assert_uint_eq(region->quarantined_bytes, 4 * MIB);
	ck_assert_uint_eq(region_free_bytes(region), 0);
	ck_assert(has_logged("which is no place in it"));
	world.size_bytes = SIZE;
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 3);
	world.granule_bytes = 4 * MIB;
	restart();
	ck_assert_uint_eq(region->quarantined_bytes, SIZE);
	world.granule_bytes = GRANULE;
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 3);
	for (int i = 0; i < 3; i++)
		(void)fd_close(fds[i]);
}
END_TEST

/* ---- other memory --------------------------------------------------------- */

START_TEST(region_that_is_not_there_keeps_its_buffers)
{
	uint64_t id;
	int fd;

	id = ask(MIB, 1, &fd);
	world.name = "video";
	for (int life = 0; life < 2; life++) {
		restart();
		ck_assert_uint_eq(region_free_bytes(region), SIZE);
		ck_assert(has_logged("1 of the buffers that are lent belong"));
	}
	world.name = "camera";
	restart();
	ck_assert_ptr_nonnull(find(id));
	(void)fd_close(fd);
}
END_TEST

START_TEST(new_memory_of_that_name_is_all_free)
{
	uint64_t id;
	int fd, other;

	id = ask(MIB, 1, &fd);
	world.kept = false;
	restart();
	ck_assert_ptr_null(find(id));
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
	ck_assert(has_logged("is of a region 'camera' that is no more"));
	(void)ask(SIZE, 1, &other);
	world.kept = true;
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 1);
	(void)fd_close(fd);
	(void)fd_close(other);
	wait_for_buffers(0);
}
END_TEST

static void use_permanent(void)
{
	end();
	custodian_replace(&custodian, "ledger", -1);
	world.permanent = true;
	world.kept = false;
	start();
	wait_for_buffers(0);
}

START_TEST(permanent_memory_is_known_by_its_place)
{
	uint64_t id;
	int fd;

	use_permanent();
	id = ask(MIB, 1, &fd);
	world.name = "renamed";
	restart();
	ck_assert_ptr_nonnull(find(id));
	/* what is not lent may hold anything */
	ck_assert_uint_eq(region->dirt.bytes, SIZE - MIB);
	(void)fd_close(fd);
	wait_for_buffers(0);
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
}
END_TEST

/* Stopped and started: the store is gone, the machine's memory is not. */
static void lose_store(void)
{
	end();
	custodian_replace(&custodian, "ledger", -1);
	custodian_replace(&custodian, "shelf-0.a", -1);
	custodian_replace(&custodian, "shelf-0.b", -1);
	start();
}

static void use_directory(char *name)
{
	(void)snprintf(name, 64, "%s/runtime", custodian.directory);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	end();
	custodian_replace(&custodian, "ledger", -1);
	directory = name;
	start();
}

static void remove_directory(void)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/ledger", directory);
	ck_assert_int_eq(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/ledger.refused", directory);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(lost_store_voids_what_was_made)
{
	char name[64];
	int fd;

	use_directory(name);
	(void)ask(MIB, 1, &fd);
	lose_store();
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
	ck_assert_uint_eq(region->quarantined_bytes, 0);
	ck_assert_uint_eq(ledger_count(vault->file.ledger), 0);
	(void)fd_close(fd);
	remove_directory();
}
END_TEST

START_TEST(lost_store_quarantines_what_is_permanent)
{
	char name[64];
	int fd, other;

	use_directory(name);
	use_permanent();
	(void)ask(MIB, 1, &fd);
	lose_store();
	ck_assert_uint_eq(region->quarantined_bytes, MIB);
	ck_assert_uint_eq(region_free_bytes(region), SIZE - MIB);
	ck_assert_uint_gt(ask(SIZE - MIB, 1, &other), 0);
	lose_store();
	ck_assert_uint_eq(region->quarantined_bytes, SIZE);
	restart();
	ck_assert_uint_eq(region->quarantined_bytes, SIZE);
	(void)fd_close(fd);
	(void)fd_close(other);
	remove_directory();
}
END_TEST

START_TEST(lost_store_and_ledger_in_doubt)
{
	char name[64];
	int fd;

	use_directory(name);
	use_permanent();
	(void)ask(MIB, 1, &fd);
	world.boot_id = "another";
	lose_store();
	expect_all_quarantined("ledger.refused");
	restart();
	expect_all_quarantined("ledger.refused");
	world.permanent = false; /* what was made anew is in nobody's hands */
	restart();
	ck_assert_uint_eq(region_free_bytes(region), SIZE);
	(void)fd_close(fd);
	remove_directory();
}
END_TEST

START_TEST(thousands_are_restored)
{
	static int fds[2048];
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 10000)
		return;
	for (int i = 0; i < 2048; i += 64)
		ck_assert_uint_gt(ask(GRANULE, 64, &fds[i]), 0);
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 2048);
	ck_assert_uint_eq(region_free_bytes(region), 0);
	for (int i = 0; i < 2048; i++)
		if (i % 8)
			(void)fd_close(fds[i]);
	wait_for_buffers(256);
	restart();
	ck_assert_uint_eq(lender->registry.n_buffers, 256);
	for (int i = 0; i < 2048; i += 8)
		(void)fd_close(fds[i]);
	wait_for_buffers(0);
	ck_assert_uint_eq(ledger_count(vault->file.ledger), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restore");
	TCase *tcase = harness_case(suite, "restore");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, what_is_lent_goes_on);
	tcase_add_test(tcase, what_was_let_go_meanwhile_comes_back);
	tcase_add_test(tcase, draining_goes_on);
	tcase_add_test(tcase, nothing_is_owned_twice);
	tcase_add_test(tcase, guards_are_remembered);
	tcase_add_test(tcase, without_its_descriptor_it_is_quarantined);
	tcase_add_test(tcase, wrong_descriptor_is_quarantined);
	tcase_add_test(tcase, what_was_only_claimed_is_free);
	tcase_add_test(tcase, refused_ledger_lends_nothing);
	tcase_add_test(tcase, record_out_of_place_quarantines_the_region);
	tcase_add_test(tcase, region_that_is_not_there_keeps_its_buffers);
	tcase_add_test(tcase, new_memory_of_that_name_is_all_free);
	tcase_add_test(tcase, permanent_memory_is_known_by_its_place);
	tcase_add_test(tcase, lost_store_voids_what_was_made);
	tcase_add_test(tcase, lost_store_quarantines_what_is_permanent);
	tcase_add_test(tcase, lost_store_and_ledger_in_doubt);
	tcase_add_test(tcase, thousands_are_restored);
	return harness_run(suite);
}
