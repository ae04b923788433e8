/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/hugepages.h"
#include "daemon/udmabuf.h"
#include "daemon/udmabuf_memory.h"
#include "daemon/udmabuf_trial.h"
#include "util/format.h"

/*
 * Two judges.  The kernel's release tells what cannot be tried: whether drivers
 * that map a udmabuf in the kernel get the right pages (udmabuf.c).  All else
 * is tried, on memory that is made for the purpose exactly as a region's would
 * be, with the same privilege, and given back (udmabuf_trial.c).
 */

int udmabuf_probe_kernel(const struct backend_options *options,
			 struct kernel_release *release, struct error *why)
{
	int r = kernel_release_get(release);

	if (r)
		return error_set(why, r, "cannot tell the kernel's release");
	if (udmabuf_vmap_of(release) == UDMABUF_VMAP_WRONG &&
	    !options->allow_corrupting_kernel)
		return error_set(
			why, -ENOTSUP,
			"kernel %u.%u.%u corrupts memory: where a "
			"driver maps a udmabuf of huge pages, 6.11 and "
			"6.12 give it wrong pages, later ones do not; "
			"the configuration can insist",
			release->major, release->minor, release->patch);
	return 0;
}

/* Small ones will do for a trial: with base pages of 64 KiB the kernel prefers
 * huge pages of 512 MiB. */
static uint64_t trial_page_bytes(void)
{
	const uint64_t common = UINT64_C(2) << 20;
	struct hugepages stock;

	if (hugepages_init(&stock, NULL, NULL, common, NULL) == 0)
		return common;
	return hugepages_default_bytes();
}

/* The whole way on two huge pages, or on one where there is no second.  What
 * had to be added to the kernel's stock for that is taken out again. */
static int try_kernel(const struct backend_options *options, struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem = NULL;
	uint64_t page_bytes = trial_page_bytes(), raised = 0;
	struct hugepages stock;
	int r;

	r = udmabuf_memory_new(&mem, options->udmabuf_path, why);
	if (r)
		return r;
	if (page_bytes == 0)
		return error_set(why, -ENOENT, "the kernel has no huge pages");
	r = udmabuf_memory_fill(mem, NULL, 2 * page_bytes, page_bytes, why);
	if (r == 0)
		r = udmabuf_trial(mem->device_fd, mem->pool, why);
	if (mem->pool)
		raised = hugepool_raised_pages(mem->pool);
	mem = udmabuf_memory_free(mem);
	if (raised && hugepages_init(&stock, NULL, NULL, page_bytes, NULL) == 0)
		(void)hugepages_lower(&stock, raised);
	return r;
}

/* The sentence about limits and, where there is something to say, vmap. */
static void describe(const struct kernel_release *release,
		     struct backend_report *report)
{
	static const char *const vmap[] = {
		[UDMABUF_VMAP_WORKS] = "",
		[UDMABUF_VMAP_REFUSED] = "; drivers that map buffers in the "
					 "kernel are refused by this kernel "
					 "(fixed in 6.16.1)",
		[UDMABUF_VMAP_WRONG] = "; THIS KERNEL CORRUPTS MEMORY where "
				       "a driver maps buffers, served because "
				       "the configuration insists",
	};
	char size[FORMAT_SIZE_BYTES], limit[160] = "";
	struct udmabuf_limits limits;

	if (udmabuf_limits_read(NULL, &limits) == 0)
		(void)snprintf(limit, sizeof(limit),
			       "; a buffer has at most %s in %" PRIu64
			       " pieces, which is raised for larger pools",
			       format_size(size, limits.size_bytes),
			       limits.pieces);
	(void)snprintf(report->text, sizeof(report->text),
		       "contiguous, isolated, dma-buf, cached, address known, "
		       "of huge pages%s%s",
		       limit, vmap[udmabuf_vmap_of(release)]);
}

void udmabuf_probe(const struct backend_options *options,
		   struct backend_report *report)
{
	struct kernel_release release = {0, 0, 0};
	struct error why = ERROR_INIT;
	int r;

	r = udmabuf_probe_kernel(options, &release, &why);
	if (r == 0)
		r = try_kernel(options, &why);
	report->serves = r == 0;
	report->guarantees = report->serves ? UDMABUF_GUARANTEES : 0;
	if (report->serves)
		describe(&release, report);
	else
		(void)snprintf(report->text, sizeof(report->text), "%s",
			       why.text);
}
