/* SPDX-License-Identifier: MIT */
#include "tests/integration/faults.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/integration/faults_functions.h"

/*
 * The test's side; faults_preload.c is the other.
 *
 * A site that was called more than once is made to fail at its first and at its
 * second call: what has to be undone of what went well before is another path.
 */

#define OCCURRENCES 2

static const struct {
	const char *name;
	int errors[FAULTS_ERRORS];
} functions[] = {
#define X(name, manner, ...) {#name, {__VA_ARGS__}},
	FAULTS_FUNCTIONS(X)
#undef X
};

static const struct preload_spec spec = {
	.library = ".libs/libfaults.so",
	.variable = FAULTS_VARIABLE,
	/* what it finds is no status with which a program ends by itself */
	.asan_options = ":allocator_may_return_null=1:exitcode=99",
	.page_bytes = sizeof(struct faults_page),
};

void faults_require(void)
{
	preload_require(&spec);
}

void faults_init(struct faults *faults, const char *directory)
{
	faults->page =
		preload_init(&faults->preload, &spec, directory, "faults");
}

void faults_preload_self(struct faults *faults, char **argv)
{
	faults->page = preload_self(&faults->preload, &spec, argv);
}

void faults_deinit(struct faults *faults)
{
	preload_deinit(&faults->preload);
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
