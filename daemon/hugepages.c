/* SPDX-License-Identifier: MIT */
#include "daemon/hugepages.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/kernel_number.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/format.h"

/*
 * Huge pages come from a stock that the administrator, or the kernel's command
 * line, sets aside.  Where the stock is too small for the pools that the
 * configuration asks for, the daemon enlarges it by what is missing, while it
 * still may; soon after boot there is usually enough memory in one piece.  If
 * not, compacting helps, at a cost, so it is tried only then.
 *
 * The stock is not made smaller when the daemon ends.  By then it has no right
 * to, and after a restart it needs the pages again.
 */

static int read_number(const struct hugepages *hugepages, const char *file,
		       uint64_t *numberp)
{
	return kernel_number_read(hugepages->directory, file, numberp);
}

static int write_stock(const struct hugepages *hugepages, uint64_t pages)
{
	return kernel_number_write(hugepages->directory, "nr_hugepages", pages);
}

/* Appends the sizes that there are: "2M, 1G". */
static void list_sizes(const char *sysfs, char *list, size_t room)
{
	DIR *dir = opendir(sysfs);
	const struct dirent *entry;
	size_t len = 0;

	(void)snprintf(list, room, "none");
	while (dir && (entry = readdir(dir))) {
		char size[FORMAT_SIZE_BYTES];
		uint64_t kib;
		int n;

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1)
			continue;
		n = snprintf(list + len, room - len, "%s%s", len ? ", " : "",
			     format_size(size, kib * 1024));
		if (n < 0 || (size_t)n >= room - len)
			break;
		len += (size_t)n;
	}
	if (dir)
		(void)closedir(dir);
}

int hugepages_init(struct hugepages *hugepages, const char *sysfs,
		   const char *compact_path, uint64_t page_bytes,
		   struct error *why)
{
	char size[FORMAT_SIZE_BYTES], list[128];
	int n;

	if (!sysfs)
		sysfs = "/sys/kernel/mm/hugepages";
	hugepages->compact_path =
		compact_path ? compact_path : "/proc/sys/vm/compact_memory";
	hugepages->page_bytes = page_bytes;
	n = snprintf(hugepages->directory, sizeof(hugepages->directory),
		     "%s/hugepages-%" PRIu64 "kB", sysfs, page_bytes / 1024);
	if (n < 0 || (size_t)n >= sizeof(hugepages->directory))
		return error_set(why, -ENAMETOOLONG, "%s is too long", sysfs);
	if (page_bytes >= 1024 && page_bytes % 1024 == 0 &&
	    access(hugepages->directory, F_OK) == 0)
		return 0;
	list_sizes(sysfs, list, sizeof(list));
	return error_set(why, -ENOENT,
			 "the kernel has no huge pages of %s (it has: %s)",
			 format_size(size, page_bytes), list);
}

int hugepages_count_available(const struct hugepages *hugepages,
			      uint64_t *pagesp)
{
	uint64_t free_pages = 0, promised = 0;
	int r;

	r = read_number(hugepages, "free_hugepages", &free_pages);
	if (r)
		return r;
	r = read_number(hugepages, "resv_hugepages", &promised);
	if (r)
		return r;
	*pagesp = free_pages > promised ? free_pages - promised : 0;
	return 0;
}

/* Asks for missing more pages; the kernel gives as many as it can. */
static int raise(const struct hugepages *hugepages, uint64_t missing,
		 uint64_t *raisedp)
{
	uint64_t before = 0, wanted, after = 0;
	int r;

	*raisedp = 0;
	r = read_number(hugepages, "nr_hugepages", &before);
	if (r)
		return r;
	if (__builtin_add_overflow(before, missing, &wanted))
		return -ERANGE;
	r = write_stock(hugepages, wanted);
	if (r)
		return r;
	r = read_number(hugepages, "nr_hugepages", &after);
	if (r)
		return r;
	*raisedp = after > before ? after - before : 0;
	return 0;
}

int hugepages_provide(const struct hugepages *hugepages, uint64_t wanted,
		      uint64_t *pagesp, uint64_t *raisedp, struct error *why)
{
	char size[FORMAT_SIZE_BYTES];
	uint64_t raised;
	int r;

	*raisedp = 0;
	for (int attempt = 0;; attempt++) {
		r = hugepages_count_available(hugepages, pagesp);
		if (r)
			return error_set(why, r, "cannot read %s: %s",
					 hugepages->directory, strerror(-r));
		if (*pagesp >= wanted || attempt == 2)
			return 0;
		if (attempt == 1)
			(void)kernel_number_write(NULL, hugepages->compact_path,
						  1);
		r = raise(hugepages, wanted - *pagesp, &raised);
		if (r)
			return error_set(
				why, r,
				"%" PRIu64
				" huge pages of %s are free, %" PRIu64
				" are needed, and %s/nr_hugepages cannot be "
				"raised: %s",
				*pagesp,
				format_size(size, hugepages->page_bytes),
				wanted, hugepages->directory, strerror(-r));
		*raisedp += raised;
	}
}

int hugepages_lower(const struct hugepages *hugepages, uint64_t pages)
{
	uint64_t stock = 0;
	int r = read_number(hugepages, "nr_hugepages", &stock);

	if (r)
		return r;
	return write_stock(hugepages, stock > pages ? stock - pages : 0);
}

uint64_t hugepages_default_bytes(void)
{
	_cleanup_free_ char *text = NULL;
	uint64_t kib = 0;
	const char *line;
	size_t len;

	if (fd_read_file("/proc/meminfo", 65536, &text, &len))
		return 0;
	line = strstr(text, "\nHugepagesize:");
	if (!line || sscanf(line, "\nHugepagesize: %" SCNu64 " kB", &kib) != 1)
		return 0;
	return kib * 1024;
}
