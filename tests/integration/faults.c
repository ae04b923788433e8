/* SPDX-License-Identifier: MIT */
#include "tests/integration/faults.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/integration/faults_functions.h"
#include "util/fd.h"

/*
 * The test's side of the page; faults_preload.c is the other.
 *
 * A site that was called more than once is made to fail at its first and at its
 * second call: what has to be undone of what went well before is another path.
 */

#define LIBRARY	    ".libs/libfaults.so" /* where libtool puts it */
#define OCCURRENCES 2

static const struct {
	const char *name;
	int errors[FAULTS_ERRORS];
} functions[] = {
#define X(name, manner, ...) {#name, {__VA_ARGS__}},
	FAULTS_FUNCTIONS(X)
#undef X
};

/* What is to be in the environment of the program. */
static void set_environment(struct faults *faults, const char *library,
			    const char *path)
{
	const char *asan = getenv("ASAN_OPTIONS");

	(void)snprintf(faults->environment[0], sizeof(faults->environment[0]),
		       "LD_PRELOAD=%s", library);
	(void)snprintf(faults->environment[1], sizeof(faults->environment[1]),
		       "%s=%s", FAULTS_VARIABLE, path);
	/* the sanitizer wants to be first, and needs not; and what it finds is
	 * no status with which a program ends by itself */
	(void)snprintf(faults->environment[2], sizeof(faults->environment[2]),
		       "ASAN_OPTIONS=%s:verify_asan_link_order=0:"
		       "allocator_may_return_null=1:exitcode=99",
		       asan ? asan : "");
}

static void map_page(struct faults *faults, int fd)
{
	faults->page = mmap(NULL, sizeof(struct faults_page),
			    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (faults->page == MAP_FAILED)
		abort();
}

bool faults_init(struct faults *faults, const char *directory)
{
	char library[PATH_MAX], path[64];
	int fd;

	if (!realpath(LIBRARY, library))
		return false;
	(void)snprintf(path, sizeof(path), "%s/faults", directory);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(struct faults_page)), 0);
	map_page(faults, fd);
	(void)fd_close(fd);
	set_environment(faults, library, path);
	return true;
}

bool faults_preload_self(struct faults *faults, char **argv)
{
	const char *given = getenv(FAULTS_VARIABLE);
	char library[PATH_MAX], path[64];
	int fd;

	if (given) {
		fd = open(given, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			abort();
		map_page(faults, fd);
		(void)fd_close(fd);
		(void)unsetenv(FAULTS_VARIABLE);
		(void)unsetenv("LD_PRELOAD");
		return true;
	}
	if (!realpath(LIBRARY, library))
		return false;
	fd = memfd_create("faults", 0);
	if (fd < 0 || ftruncate(fd, sizeof(struct faults_page)) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	set_environment(faults, library, path);
	for (size_t i = 0; i < 3; i++)
		(void)putenv(faults->environment[i]);
	(void)execv("/proc/self/exe", argv);
	abort();
}

void faults_deinit(struct faults *faults)
{
	(void)munmap(faults->page, sizeof(*faults->page));
	faults->page = NULL;
}

/* ---- counting ------------------------------------------------------------- */

void faults_clear(struct faults *faults)
{
	atomic_store(&faults->page->mode, FAULTS_OFF);
	memset(faults->page->sites, 0, sizeof(faults->page->sites));
	atomic_store(&faults->page->lost, 0);
}

static uint32_t most_calls(const struct faults_site *site)
{
	uint32_t calls = atomic_load(&site->calls);

	return calls > site->most_calls ? calls : site->most_calls;
}

static void set_scope(struct faults_page *page, const void *top)
{
	atomic_store(&page->thread, top ? (int32_t)syscall(SYS_gettid) : 0);
	atomic_store(&page->top, (uintptr_t)top);
}

void faults_count(struct faults *faults, const void *top)
{
	struct faults_page *page = faults->page;

	for (size_t i = 0; i < FAULTS_SITES; i++) {
		page->sites[i].most_calls = most_calls(&page->sites[i]);
		atomic_store(&page->sites[i].calls, 0);
	}
	set_scope(page, top);
	atomic_store(&page->mode, FAULTS_CENSUS);
}

static bool is_there(const struct faults_site *site)
{
	return atomic_load(&site->whole);
}

size_t faults_count_sites(const struct faults *faults)
{
	size_t n = 0;

	for (size_t i = 0; i < FAULTS_SITES; i++)
		n += is_there(&faults->page->sites[i]);
	return n;
}

static int by_place(const void *a, const void *b)
{
	const struct fault *x = a, *y = b;

	if (x->site->function != y->site->function)
		return x->site->function < y->site->function ? -1 : 1;
	for (size_t i = 0; i < FAULTS_FRAMES; i++) {
		const struct faults_frame *f = &x->site->frames[i];
		const struct faults_frame *g = &y->site->frames[i];

		if (f->module != g->module)
			return f->module < g->module ? -1 : 1;
		if (f->offset != g->offset)
			return f->offset < g->offset ? -1 : 1;
	}
	if (x->occurrence != y->occurrence)
		return x->occurrence - y->occurrence;
	return x->error - y->error;
}

static size_t add_faults(struct fault *array, const struct faults_site *site)
{
	const int *errors = functions[site->function].errors;
	uint32_t calls = most_calls(site);
	size_t n = 0;

	for (size_t i = 0; i < FAULTS_ERRORS && errors[i] != 0; i++)
		for (int32_t at = 1; at <= OCCURRENCES; at++)
			if ((uint32_t)at <= calls &&
			    (!site->waits || errors[i] == EINTR))
				array[n++] = (struct fault){
					.site = site,
					.error = errors[i],
					.occurrence = at,
				};
	return n;
}

struct fault *faults_list(const struct faults *faults, size_t *np)
{
	const struct faults_page *page = faults->page;
	struct fault *array;
	size_t n = 0;

	ck_assert_msg(atomic_load(&page->lost) == 0, "there are more sites");
	array = calloc(faults_count_sites(faults) + 1,
		       FAULTS_ERRORS * OCCURRENCES * sizeof(*array));
	ck_assert_ptr_nonnull(array);
	for (size_t i = 0; i < FAULTS_SITES; i++)
		if (is_there(&page->sites[i]))
			n += add_faults(array + n, &page->sites[i]);
	qsort(array, n, sizeof(*array), by_place);
	*np = n;
	return array;
}

/* ---- failing -------------------------------------------------------------- */

void faults_arm(struct faults *faults, const struct fault *fault,
		const void *top)
{
	struct faults_page *page = faults->page;

	atomic_store(&page->mode, FAULTS_OFF);
	atomic_store(&page->key, atomic_load(&fault->site->key));
	atomic_store(&page->function, fault->site->function);
	atomic_store(&page->error, fault->error);
	atomic_store(&page->calls, fault->occurrence);
	set_scope(page, top);
	atomic_store(&page->mode, FAULTS_ARMED);
}

bool faults_disarm(struct faults *faults)
{
	return atomic_exchange(&faults->page->mode, FAULTS_OFF) == FAULTS_FIRED;
}

int64_t faults_blocks(const struct faults *faults)
{
	return FAULTS_SANITIZED ? 0 : atomic_load(&faults->page->blocks);
}

static const char *path_of(const struct faults *faults, uint32_t module)
{
	for (size_t i = 0; i < FAULTS_MODULES; i++)
		if (atomic_load(&faults->page->modules[i].name) == module)
			return faults->page->modules[i].path;
	return "?";
}

bool faults_comes_from(const struct faults *faults, const struct fault *fault,
		       const char *module)
{
	for (size_t i = 0; i < fault->site->n_frames; i++)
		if (strstr(path_of(faults, fault->site->frames[i].module),
			   module))
			return true;
	return false;
}

void faults_describe(const struct faults *faults, const struct fault *fault,
		     char *text, size_t room)
{
	const struct faults_site *site = fault->site;
	FILE *stream = fmemopen(text, room, "w");

	ck_assert_ptr_nonnull(stream);
	(void)fprintf(stream, "%s: %s at its %s call, from\n",
		      functions[site->function].name,
		      fault->error == FAULTS_SHORT ? "half of it"
						   : strerror(fault->error),
		      fault->occurrence == 1 ? "first" : "second");
	for (size_t i = 0; i < site->n_frames; i++)
		(void)fprintf(stream, "\t0x%llx of %s\n",
			      (unsigned long long)site->frames[i].offset,
			      path_of(faults, site->frames[i].module));
	(void)fclose(stream);
}
