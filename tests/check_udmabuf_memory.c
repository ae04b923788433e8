/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hugepages.h"
#include "tests/harness.h"
#include "util/fd.h"

/*
 * What is refused, on a machine with huge pages and the right to see addresses,
 * but no /dev/udmabuf: /dev/null stands for the device and for pins.  What
 * becomes of the real ones is tried with the backend.
 */

#define PAGES 2

static uint64_t page_bytes, raised;
static struct hugepool *pool;
static uint64_t addresses[PAGES];

static int lower(void)
{
	struct hugepages stock;
	int r = 0;

	if (raised > 0)
		r = hugepages_init(&stock, NULL, NULL, page_bytes, NULL);
	if (raised > 0 && r == 0)
		r = hugepages_lower(&stock, raised);
	raised = 0;
	return r;
}

static int make_pool(struct error *why)
{
	int r = hugepool_new(&pool, NULL, PAGES * page_bytes, page_bytes, why);

	if (r)
		return r;
	raised = hugepool_raised_pages(pool);
	if (hugepool_size_bytes(pool) < PAGES * page_bytes)
		return error_set(why, -ENOMEM, "fewer than %d huge pages", PAGES);
	r = hugepool_locate(pool, why);
	if (r == 0)
		frames_addresses(hugepool_frames(pool), addresses);
	return r;
}

static void before(void)
{
	struct error why = ERROR_INIT;

	ck_assert_msg(make_pool(&why) == 0, "%s", why.text);
}

static void after(void)
{
	pool = hugepool_free(pool);
	ck_assert_int_eq(lower(), 0);
}

START_TEST(device_must_be_there)
{
	struct udmabuf_memory *mem = NULL;
	struct error why = ERROR_INIT;

	ck_assert_int_eq(udmabuf_memory_new(&mem, "/dev/no-such-udmabuf", &why),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "no-such-udmabuf"));
	ck_assert_ptr_null(mem);
	ck_assert_ptr_null(udmabuf_memory_free(NULL));
}
END_TEST

START_TEST(what_cannot_be_pinned_is_no_memory)
{
	struct udmabuf_memory *mem;
	struct error why = ERROR_INIT;

	ck_assert_int_eq(udmabuf_memory_new(&mem, "/dev/null", &why), 0);
	ck_assert_ptr_null(mem->pool);
	ck_assert_int_eq(udmabuf_memory_fill(mem, NULL, page_bytes, page_bytes,
					     &why),
			 -ENOTTY);
	ck_assert_ptr_eq(strstr(why.text, "cannot pin the pool: "), why.text);
	ck_assert_uint_eq(mem->memory.n_segments, 0);
	raised += hugepool_raised_pages(mem->pool);
	mem = udmabuf_memory_free(mem);
}
END_TEST

/* A parcel with as much of it as there is without a device. */
static void fill_parcel(struct parcel *parcel, bool device, bool with_pool)
{
	_cleanup_fd_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(null_fd, 0);
	parcel_init(parcel);
	parcel->words = calloc(PAGES, sizeof(*parcel->words));
	ck_assert_ptr_nonnull(parcel->words);
	memcpy(parcel->words, addresses, sizeof(addresses));
	parcel->n_words = PAGES;
	if (device)
		ck_assert_int_eq(
			parcel_add_dup(parcel, PARCEL_DEVICE, null_fd), 0);
	if (with_pool)
		ck_assert_int_eq(parcel_add_dup(parcel, UDMABUF_PARCEL_POOL,
						hugepool_fd(pool)),
				 0);
}

/* Unpacks the parcel and frees it: refused with r, and said. */
static void refuse(struct parcel *parcel, int r, const char *said)
{
	struct udmabuf_memory *mem = NULL;
	struct error why = ERROR_INIT;

	ck_assert_int_eq(udmabuf_memory_unpack(&mem, page_bytes, parcel, &why),
			 r);
	ck_assert_msg(strstr(why.text, said), "'%s' lacks '%s'", why.text, said);
	ck_assert_ptr_null(mem);
	parcel_deinit(parcel);
}

START_TEST(half_a_parcel_is_refused)
{
	struct parcel parcel;

	parcel_init(&parcel);
	refuse(&parcel, -ENOENT, "no descriptor of /dev/udmabuf");
	fill_parcel(&parcel, false, true);
	refuse(&parcel, -ENOENT, "no descriptor of /dev/udmabuf");
	fill_parcel(&parcel, true, false);
	refuse(&parcel, -ENOENT, "no descriptor of the pool");
	fill_parcel(&parcel, true, true);
	refuse(&parcel, -EPROTO, "bytes 0 were kept pinned");
	fill_parcel(&parcel, true, true);
	parcel.n_words--;
	refuse(&parcel, -EPROTO, "instead of 1 huge pages");
}
END_TEST

START_TEST(what_is_no_pin_is_refused)
{
	struct parcel parcel;

	fill_parcel(&parcel, true, true);
	ck_assert_int_eq(parcel_add_dup(&parcel, UDMABUF_PARCEL_PIN,
					hugepool_fd(pool)),
			 0);
	refuse(&parcel, -EPROTO, "should pin the pool is no dma-buf");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udmabuf_memory");
	TCase *device = harness_case(suite, "device");
	struct error why = ERROR_INIT;
	int impossible, failed;

	harness_lock("/sys/kernel/mm/hugepages");
	page_bytes = hugepages_default_bytes();
	impossible = page_bytes ? make_pool(&why)
				: error_set(&why, -ENOENT, "no huge pages");
	pool = hugepool_free(pool);
	(void)lower();
	tcase_add_test(device, device_must_be_there);
	if (!impossible) {
		TCase *pages = harness_case(suite, "pages");

		tcase_add_checked_fixture(pages, before, after);
		tcase_add_test(pages, what_cannot_be_pinned_is_no_memory);
		tcase_add_test(pages, half_a_parcel_is_refused);
		tcase_add_test(pages, what_is_no_pin_is_refused);
	}
	failed = harness_run(suite);
	if (!failed && impossible)
		harness_skip(why.text);
	return failed;
}
