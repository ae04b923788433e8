/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/ledger_form.h"
#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/supervisor.h"
#include "util/fd.h"

/*
 * What a daemon does that comes back and finds its past damaged, another's, of
 * a later version, incomplete or gone: it serves, says what is wrong, and lends
 * nothing that could be somebody's.
 */

#define MIB	  (UINT64_C(1) << 20)
#define CAPACITY  (64 * MIB)
#define N_BUFFERS 3

static const char *const arguments[] = {
	"--config", "/dev/null", "--simulate", "test=64M", NULL,
};
static struct supervisor supervisor;
static struct contig *contig;
static struct contig_buffer *buffers[N_BUFFERS];

static void make_supervisor(size_t store_limit)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = store_limit,
	};

	supervisor_init(&supervisor, &spec);
}

static void lend_all(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	request.size_bytes = MIB;
	ck_assert_int_eq(
		contig_alloc_many(contig, &request, N_BUFFERS, buffers, NULL),
		0);
	for (int i = 0; i < N_BUFFERS; i++) {
		void *map;

		ck_assert_int_eq(contig_map(buffers[i],
					    CONTIG_READ | CONTIG_WRITE, &map),
				 0);
		memset(map, 0x50 + i, MIB);
	}
}

static void before(void)
{
	make_supervisor(64);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
	lend_all();
}

static void after(void)
{
	for (int i = 0; i < N_BUFFERS; i++)
		buffers[i] = contig_release(buffers[i]);
	contig = contig_close(contig);
	supervisor_stop(&supervisor);
	supervisor_deinit(&supervisor);
}

static struct contig_status status(void)
{
	struct contig_status now;

	ck_assert_int_eq(contig_get_status(contig, &now), 0);
	return now;
}

/* Whatever the daemon thinks of its past, the clients have what they had. */
static void expect_contents(void)
{
	for (int i = 0; i < N_BUFFERS; i++) {
		unsigned char *bytes;
		void *map;

		ck_assert_int_eq(contig_map(buffers[i], CONTIG_READ, &map), 0);
		bytes = map;
		ck_assert_int_eq(bytes[0], 0x50 + i);
		ck_assert_int_eq(memcmp(bytes, bytes + 1, MIB - 1), 0);
	}
}

/* As much as this can be lent, and not a byte more; what is neither lent nor
 * lendable is quarantined. */
static void expect_lendable(uint64_t bytes)
{
	struct contig_status now = status();
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	struct contig_failure failure;
	int r;

	ck_assert_uint_eq(now.free_bytes, bytes);
	ck_assert_uint_eq(now.quarantined_bytes,
			  CAPACITY - bytes - now.lent_bytes);
	request.size_bytes = bytes + 1;
	ck_assert_int_ne(contig_alloc(contig, &request, &buffer, &failure), 0);
	if (bytes == 0)
		return;
	request.size_bytes = bytes;
	r = contig_alloc(contig, &request, &buffer, &failure);
	ck_assert_msg(r == 0, "%s", r ? failure.text : "");
	(void)contig_release(buffer);
}

static void expect_logged(const char *text)
{
	if (supervisor_has_logged(&supervisor, text))
		return;
	supervisor_show_log(&supervisor);
	ck_abort_msg("'%s' is not in the log", text);
}

/* ---- the ledger ----------------------------------------------------------- */

struct ledger {
	struct ledger_header *header;
	struct ledger_record *records;
	size_t size;
	int fd;
};

static void open_ledger(struct ledger *ledger)
{
	struct stat st;

	ledger->fd = supervisor_peek(&supervisor, "ledger");
	ck_assert_int_ge(ledger->fd, 0);
	ck_assert_int_eq(fstat(ledger->fd, &st), 0);
	ledger->size = (size_t)st.st_size;
	ledger->header = mmap(NULL, ledger->size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, ledger->fd, 0);
	ck_assert_ptr_ne(ledger->header, MAP_FAILED);
	ledger->records = (struct ledger_record *)(ledger->header + 1);
}

static void close_ledger(struct ledger *ledger)
{
	(void)munmap(ledger->header, ledger->size);
	(void)fd_close(ledger->fd);
}

static struct ledger_record *find_lent(const struct ledger *ledger, int number)
{
	size_t n = (ledger->size - sizeof(*ledger->header)) /
		   sizeof(*ledger->records);

	for (size_t i = 0; i < n; i++)
		if (ledger->records[i].state == LEDGER_LENT && number-- == 0)
			return &ledger->records[i];
	ck_abort_msg("there are not so many records");
	return NULL;
}

static void rewrite_checks(struct ledger_record *record)
{
	record->claim_check = ledger_claim_sum(record);
	record->lent_check = ledger_lent_sum(record);
}

static void spoil_magic(struct ledger *ledger)
{
	ledger->header->magic[0] ^= 1;
}

static void spoil_header(struct ledger *ledger)
{
	ledger->header->boot_id[0] ^= 1;
}

static void make_foreign(struct ledger *ledger)
{
	ledger->header->boot_id[0] ^= 1;
	ledger->header->check = ledger_header_sum(ledger->header);
}

static void make_newer(struct ledger *ledger)
{
	ledger->header->version = LEDGER_VERSION + 1;
	ledger->header->check = ledger_header_sum(ledger->header);
}

static void spoil_promises(struct ledger *ledger)
{
	ledger->header->promises[0].check ^= 1;
	ledger->header->promises[1].check ^= 1;
}

static void spoil_record(struct ledger *ledger)
{
	find_lent(ledger, 1)->phys ^= 0x1000;
}

static void spoil_token(struct ledger *ledger)
{
	find_lent(ledger, 1)->token ^= 1;
}

static void spoil_state(struct ledger *ledger)
{
	find_lent(ledger, 1)->state ^= 0x10;
}

static void make_impossible(struct ledger *ledger)
{
	struct ledger_record *record = find_lent(ledger, 1);

	record->size_bytes = 0;
	rewrite_checks(record);
}

static void make_overlap(struct ledger *ledger)
{
	struct ledger_record *record = find_lent(ledger, 1);

	record->phys = find_lent(ledger, 0)->phys + 0x1000;
	rewrite_checks(record);
}

static void make_twins(struct ledger *ledger)
{
	struct ledger_record *record = find_lent(ledger, 1);

	record->id = find_lent(ledger, 0)->id;
	record->shelf_id = record->id;
	rewrite_checks(record);
}

static void share_descriptor(struct ledger *ledger)
{
	struct ledger_record *record = find_lent(ledger, 1);

	record->shelf_id = find_lent(ledger, 0)->shelf_id;
	rewrite_checks(record);
}

static void move_outside(struct ledger *ledger)
{
	struct ledger_record *record = find_lent(ledger, 1);

	record->phys += UINT64_C(1) << 40;
	rewrite_checks(record);
}

static const struct {
	void (*spoil)(struct ledger *ledger);
	const char *logged;
} damages[] = {
	{spoil_magic, "it does not begin as one"},
	{spoil_header, "its header is wrong"},
	{make_foreign, "the ledger is of another boot"},
	{make_newer, "a later one wrote it"},
	{spoil_promises, "it does not say which ids were used"},
	{spoil_record, "is not what was written"},
	{spoil_token, "is not what was written"},
	{spoil_state, "has no state"},
	{make_impossible, "says what cannot be"},
	{make_overlap, "overlap at"},
	{make_twins, "is in it twice"},
	{share_descriptor, "share a descriptor"},
	{move_outside, "which is no place in it"},
};
#define N_DAMAGES (int)(sizeof(damages) / sizeof(damages[0]))

/* Nothing is lent while it is damaged, and all is well when it no longer is. */
START_TEST(a_wrong_ledger_is_refused)
{
	struct ledger ledger;
	char *kept;

	supervisor_kill(&supervisor);
	open_ledger(&ledger);
	kept = malloc(ledger.size);
	ck_assert_ptr_nonnull(kept);
	memcpy(kept, ledger.header, ledger.size);
	damages[_i].spoil(&ledger);
	for (int i = 0; i < 2; i++) {
		supervisor_start(&supervisor);
		expect_logged(damages[_i].logged);
		expect_logged("quarantined");
		expect_lendable(0);
		expect_contents();
		supervisor_kill(&supervisor);
	}
	memcpy(ledger.header, kept, ledger.size);
	supervisor_start(&supervisor);
	ck_assert_uint_eq(status().buffers, N_BUFFERS);
	expect_lendable(CAPACITY - N_BUFFERS * MIB);
	expect_contents();
	close_ledger(&ledger);
	free(kept);
}
END_TEST

/* Something else under its name. */
START_TEST(a_ledger_that_is_none_is_refused)
{
	int fd = _i == 0 ? memfd_create("empty", MFD_CLOEXEC)
			 : open(_i == 1 ? "/dev/zero" : "/",
				O_RDONLY | O_CLOEXEC);

	supervisor_kill(&supervisor);
	supervisor_forget(&supervisor, "ledger");
	supervisor_put_consume(&supervisor, "ledger", fd);
	if (supervisor_launch(&supervisor) &&
	    supervisor_wait_ready(&supervisor)) {
		expect_lendable(0);
	} else { /* or it does not start, and says why */
		expect_logged("ledger");
		supervisor_forget(&supervisor, NULL);
		supervisor_start(&supervisor);
	}
	expect_contents();
}
END_TEST

/* It has a name in the runtime directory as well. */
START_TEST(a_ledger_is_found_by_its_name)
{
	supervisor_kill(&supervisor);
	supervisor_forget(&supervisor, "ledger");
	supervisor_start(&supervisor);
	ck_assert_uint_eq(status().buffers, N_BUFFERS);
	expect_lendable(CAPACITY - N_BUFFERS * MIB);
	expect_contents();
}
END_TEST

START_TEST(shelves_without_a_ledger_are_doubted)
{
	char path[96];

	supervisor_kill(&supervisor);
	supervisor_forget(&supervisor, "ledger");
	(void)snprintf(path, sizeof(path), "%s/ledger", supervisor.runtime);
	ck_assert_int_eq(unlink(path), 0);
	supervisor_start(&supervisor);
	expect_logged("quarantined");
	expect_lendable(0);
	expect_contents();
}
END_TEST

/* ---- the store ------------------------------------------------------------ */

static void forget_shelves(void)
{
	char name[32];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "shelf-%d.a", i);
		supervisor_forget(&supervisor, name);
		(void)snprintf(name, sizeof(name), "shelf-%d.b", i);
		supervisor_forget(&supervisor, name);
	}
	ck_assert_uint_eq(supervisor_count(&supervisor, "shelf-"), 0);
}

/* A record without a descriptor: nobody can see when it is free.  For ever. */
START_TEST(what_was_not_kept_is_quarantined)
{
	supervisor_kill(&supervisor);
	forget_shelves();
	for (int i = 0; i < 3; i++) {
		supervisor_start(&supervisor);
		expect_logged("are quarantined");
		ck_assert_uint_eq(status().buffers, 0);
		expect_lendable(CAPACITY - N_BUFFERS * MIB);
		expect_contents();
		supervisor_kill(&supervisor);
	}
	for (int i = 0; i < N_BUFFERS; i++)
		buffers[i] = contig_release(buffers[i]);
	supervisor_start(&supervisor);
	expect_lendable(CAPACITY - N_BUFFERS * MIB);
}
END_TEST

/* What lies in somebody else's socket is not taken for what was lent. */
START_TEST(another_shelf_is_no_shelf)
{
	int pair[2];

	supervisor_kill(&supervisor);
	forget_shelves();
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send(pair[0], "rubbish", 7, 0), 7);
	supervisor_put_consume(&supervisor, "shelf-1.a", pair[0]);
	supervisor_put_consume(&supervisor, "shelf-1.b", pair[1]);
	supervisor_put_consume(&supervisor, "shelf-2.a",
			       open("/dev/null", O_RDWR | O_CLOEXEC));
	supervisor_put_consume(&supervisor, "shelf-x",
			       open("/dev/null", O_RDWR | O_CLOEXEC));
	supervisor_put_consume(&supervisor, "what is this",
			       open("/dev/null", O_RDWR | O_CLOEXEC));
	supervisor_start(&supervisor);
	expect_lendable(CAPACITY - N_BUFFERS * MIB);
	expect_contents();
}
END_TEST

/* The unit was stopped and started: memory that the daemon makes anew is not
 * the one that clients still have. */
START_TEST(a_lost_store_does_not_bind_new_memory)
{
	supervisor_stop(&supervisor);
	supervisor_forget(&supervisor, NULL);
	supervisor_start(&supervisor);
	ck_assert_uint_eq(status().buffers, 0);
	expect_lendable(CAPACITY);
	expect_contents();
}
END_TEST

/* Whatever the store takes, a daemon that does not say at once that buffers
 * will not outlive it keeps its word. */
START_TEST(a_store_with_a_limit)
{
	bool warned;

	make_supervisor((size_t)_i);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
	lend_all();
	warned = supervisor_has_logged(&supervisor, "FileDescriptorStoreMax=");
	ck_assert(warned || _i > 0);
	supervisor_kill(&supervisor);
	if (supervisor_launch(&supervisor) &&
	    supervisor_wait_ready(&supervisor)) {
		/* else the region was made anew */
		if (!warned)
			ck_assert_uint_eq(status().free_bytes,
					  CAPACITY - N_BUFFERS * MIB);
	} else {
		expect_logged("FileDescriptorStoreMax=");
		supervisor_forget(&supervisor, NULL);
		supervisor_start(&supervisor);
	}
	expect_contents();
	after();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damage");
	TCase *tcase = harness_case(suite, "ledger");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_loop_test(tcase, a_wrong_ledger_is_refused, 0, N_DAMAGES);
	tcase_add_loop_test(tcase, a_ledger_that_is_none_is_refused, 0, 3);
	tcase_add_test(tcase, a_ledger_is_found_by_its_name);
	tcase_add_test(tcase, shelves_without_a_ledger_are_doubted);

	tcase = harness_case(suite, "store");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, what_was_not_kept_is_quarantined);
	tcase_add_test(tcase, another_shelf_is_no_shelf);
	tcase_add_test(tcase, a_lost_store_does_not_bind_new_memory);

	tcase = harness_case(suite, "limits");
	tcase_add_loop_test(tcase, a_store_with_a_limit, 0, 8);
	return harness_run(suite);
}
