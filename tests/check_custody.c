/* SPDX-License-Identifier: MIT */
#include "daemon/custody.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/custodian.h"
#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * Memory goes to a service manager and comes back, with a memfd in the place of
 * /dev/mem, which nobody can open any more when it is claimed.
 */

#define BASE  4096
#define BYTES 65536

static struct custodian custodian;
static struct inheritance inheritance;
static struct backend_options options;
static struct probes probes;
static struct error why;
static char mem_path[32];
static int mem_fd;

static void before(void)
{
	log_set_level(0);
	custodian_init(&custodian, 64);
	inheritance_init(&inheritance);
	mem_fd = memfd_create("mem", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(mem_fd, BASE + BYTES), 0);
	(void)snprintf(mem_path, sizeof(mem_path), "/proc/self/fd/%d", mem_fd);
	options = (struct backend_options){
		.devmem_path = mem_path,
		.udmabuf_path = "/nonexistent",
	};
	probes_run(&probes, &options);
	why.text[0] = '\0';
}

static void after(void)
{
	inheritance_deinit(&inheritance);
	mem_fd = fd_close(mem_fd);
	custodian_deinit(&custodian);
}

static struct tract *open_tract(const char *name, const char *backend)
{
	const struct tract_description description = {
		.id = 5,
		.name = name,
		.backend = backend,
		.memory.base = BASE,
		.memory.size_bytes = BYTES,
		.memory.granule_bytes = 4096,
	};
	struct tract *tract;

	ck_assert_int_eq(tract_new(&tract, &description, &why), 0);
	ck_assert_msg(tract_open(tract, &options, &probes, &why) == 0, "%s",
		      why.text);
	return tract;
}

static void leave(const char *name, const char *backend)
{
	struct tract *tract = open_tract(name, backend);

	ck_assert_msg(custody_leave(tract, &options, &why) == 0, "%s", why.text);
	(void)tract_free(tract);
}

static int claim(struct tract **tractp)
{
	why.text[0] = '\0';
	options.devmem_path = "/nonexistent"; /* no privilege any more */
	return custody_claim(&inheritance, &options, tractp, &why);
}

START_TEST(devmem_comes_back_without_its_device)
{
	unsigned char byte = 0x5a, seen;
	struct tract *tract;

	leave("camera", "devmem");
	ck_assert_uint_eq(custodian_count(&custodian, "region-camera.deed"), 1);
	ck_assert_uint_eq(custodian_count(&custodian, "device-devmem"), 1);
	for (int i = 0; i < 2; i++) { /* at each start */
		custodian_bequeath(&custodian, &inheritance);
		ck_assert_int_eq(pwrite(mem_fd, &byte, 1, BASE), 1);
		ck_assert_msg(claim(&tract) == 1, "%s", why.text);
		ck_assert_str_eq(tract->name, "camera");
		ck_assert_uint_eq(tract->id, 5);
		ck_assert_uint_eq(tract->memory->segments[0].phys, BASE);
		ck_assert_uint_eq(tract->memory->segments[0].size_bytes, BYTES);
		ck_assert(!tract->memory->starts_clean);
		/* it is the memory itself */
		ck_assert_int_eq(
			tract->backend->zero(tract->memory, BASE, 4096, 0), 0);
		ck_assert_int_eq(pread(mem_fd, &seen, 1, BASE), 1);
		ck_assert_int_eq(seen, 0);
		(void)tract_free(tract);
		ck_assert_int_eq(claim(&tract), 0);
		inheritance_deinit(&inheritance);
	}
}
END_TEST

START_TEST(simulated_needs_its_deed_only)
{
	struct tract *tract;

	leave("a:b%c", "simulated");
	ck_assert_uint_eq(custodian_count(&custodian, "region-a%3ab%25c.deed"),
			  1);
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_uint_eq(inheritance.n, 1);
	ck_assert_int_eq(claim(&tract), 1);
	ck_assert_str_eq(tract->name, "a:b%c");
	ck_assert_ptr_nonnull(tract->memory);
	(void)tract_free(tract);
}
END_TEST

START_TEST(longest_name_fits)
{
	char name[64];
	struct tract *tract;

	memset(name, ':', 63);
	name[63] = '\0';
	leave(name, "devmem");
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(claim(&tract), 1);
	ck_assert_str_eq(tract->name, name);
	(void)tract_free(tract);
}
END_TEST

START_TEST(several_share_the_device)
{
	struct tract *tract;
	int n = 0;

	leave("one", "devmem");
	leave("two", "devmem");
	leave("two", "devmem"); /* again, in the place of the first */
	ck_assert_uint_eq(custodian_count(&custodian, "device-devmem"), 1);
	ck_assert_uint_eq(custodian_count(&custodian, "region-two.deed"), 1);
	custodian_bequeath(&custodian, &inheritance);
	while (claim(&tract) == 1) {
		(void)tract_free(tract);
		n++;
	}
	ck_assert_int_eq(n, 2);
}
END_TEST

START_TEST(what_is_missing_or_mixed_up_is_told)
{
	struct tract *tract = NULL;
	int fd;

	leave("camera", "devmem");
	custodian_bequeath(&custodian, &inheritance);
	fd = inheritance_take(&inheritance, "region-camera.deed");
	ck_assert_int_eq(
		inheritance_add_consume(&inheritance, "region-gpu.deed", fd), 0);
	ck_assert_int_eq(claim(&tract), -EPROTO);
	ck_assert_str_eq(why.text, "region-gpu.deed from the service manager: "
				   "this is the deed of 'camera'");
	ck_assert_int_eq(claim(&tract), 0); /* it is not tried twice */
	inheritance_deinit(&inheritance);

	custodian_replace(&custodian, "device-devmem", -1);
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(claim(&tract), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "no descriptor of /dev/mem"));
	inheritance_deinit(&inheritance);

	custodian_replace(&custodian, "region-camera.deed",
			  open("/dev/null", O_RDONLY | O_CLOEXEC));
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(claim(&tract), -EPROTO);
	ck_assert_ptr_nonnull(strstr(why.text, "not sealed"));
	ck_assert_ptr_null(tract);
}
END_TEST

START_TEST(probes_come_back)
{
	struct probes found;

	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(custody_claim_probes(&inheritance, &found, &why), 0);
	inheritance_deinit(&inheritance);
	ck_assert_int_eq(custody_leave_probes(&probes, &why), 0);
	ck_assert_int_eq(custody_leave_probes(&probes, &why), 0);
	ck_assert_uint_eq(custodian_count(&custodian, "probes"), 1);
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(custody_claim_probes(&inheritance, &found, &why), 1);
	ck_assert_uint_eq(found.n, probes.n);
	for (size_t i = 0; i < found.n; i++) {
		const struct backend_report *is = &found.items[i].report;
		const struct backend_report *was = &probes.items[i].report;

		ck_assert_ptr_eq(found.items[i].backend,
				 probes.items[i].backend);
		ck_assert(is->serves == was->serves);
		ck_assert_uint_eq(is->guarantees, was->guarantees);
		ck_assert_str_eq(is->text, was->text);
	}
	inheritance_deinit(&inheritance);
	custodian_replace(&custodian, "probes",
			  open("/dev/null", O_RDONLY | O_CLOEXEC));
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(custody_claim_probes(&inheritance, &found, &why),
			 -EPROTO);
	ck_assert_ptr_eq(strstr(why.text, "probes from the service manager"),
			 why.text);
}
END_TEST

START_TEST(without_a_manager_nothing_is_left)
{
	struct tract *tract = open_tract("camera", "devmem");
	const char *socket = getenv("NOTIFY_SOCKET");
	char copy[64];

	(void)snprintf(copy, sizeof(copy), "%s", socket);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(custody_leave(tract, &options, &why), -ENOENT);
	ck_assert_int_eq(custody_leave_probes(&probes, &why), -ENOENT);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", copy, 1), 0);
	(void)tract_free(tract);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("custody");
	TCase *tcase = harness_case(suite, "custody");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, devmem_comes_back_without_its_device);
	tcase_add_test(tcase, simulated_needs_its_deed_only);
	tcase_add_test(tcase, longest_name_fits);
	tcase_add_test(tcase, several_share_the_device);
	tcase_add_test(tcase, what_is_missing_or_mixed_up_is_told);
	tcase_add_test(tcase, probes_come_back);
	tcase_add_test(tcase, without_a_manager_nothing_is_left);
	return harness_run(suite);
}
