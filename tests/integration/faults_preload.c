/* SPDX-License-Identifier: MIT */
#include "tests/integration/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "tests/integration/faults_functions.h"
#include "tests/integration/preload_page.h"

/*
 * The library that is preloaded into the program whose calls are to fail.
 *
 * A call is known by its function and its stack of callers, each as a place in
 * its module, so that it is the same call in the next process, too.  The stack
 * is what tells apart a thousand calls of malloc().
 *
 * As in countdown_preload.c, every function that stands for one of libc has the
 * same six arguments, which travel in as many registers.  Those that allocate
 * are written out, for they are called before anything can be looked up, and
 * while it is.
 *
 * What this library does itself must not come by here again: looking up the
 * next function, and going up the stack.
 */

#ifndef __LP64__
#error "arguments may travel in pairs of registers here"
#endif

#define NO_MALLOC __attribute__((tls_model("initial-exec")))
#define EXPORTED  __attribute__((visibility("default")))

enum function {
#define X(name, manner, ...) FUNCTION_##name,
	FAULTS_FUNCTIONS(X)
#undef X
};

static struct faults_page *page;
/* Volatile, for the compiler is told that dlsym() does not come back here. */
static __thread volatile bool busy NO_MALLOC;

/* ---- where we are --------------------------------------------------------- */

struct range {
	uintptr_t first, last, base;
	uint32_t name;
	bool is_sanitizer; /* its calls are not the program's */
};

/* Written by one thread at a time; only ever grows. */
static struct range ranges[256];
static _Atomic size_t n_ranges;
static atomic_flag ranges_lock = ATOMIC_FLAG_INIT;
static struct range own;

static uint32_t hash_text(const char *text)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
	return hash ? hash : 1;
}

/* Tells the test which path a module has. */
static uint32_t name_module(const char *path)
{
	uint32_t name = hash_text(path);

	for (size_t i = 0; i < FAULTS_MODULES; i++) {
		struct faults_module *module = &page->modules[i];
		uint32_t none = 0;

		if (atomic_load(&module->name) == name)
			break;
		if (!atomic_compare_exchange_strong(&module->name, &none, name))
			continue;
		strncpy(module->path, path, sizeof(module->path) - 1);
		break;
	}
	return name;
}

static const struct range *look_for(uintptr_t at)
{
	size_t n = atomic_load(&n_ranges);

	while (n-- > 0) /* the newest first */
		if (at >= ranges[n].first && at <= ranges[n].last)
			return &ranges[n];
	return NULL;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *data)
{
	char self[sizeof(page->modules[0].path)] = "";
	const char *path = info->dlpi_name;

	(void)size;
	(void)data;
	if (!path || !*path) {
		(void)syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", self,
			      sizeof(self) - 1);
		path = self;
	}
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		size_t n = atomic_load(&n_ranges);

		if (header->p_type != PT_LOAD || !(header->p_flags & PF_X) ||
		    look_for(info->dlpi_addr + header->p_vaddr))
			continue;
		if (n == sizeof(ranges) / sizeof(*ranges))
			return 1;
		ranges[n] = (struct range){
			.first = info->dlpi_addr + header->p_vaddr,
			.last = info->dlpi_addr + header->p_vaddr +
				header->p_memsz - 1,
			.base = info->dlpi_addr,
			.name = name_module(path),
			.is_sanitizer = strstr(path, "san.so") != NULL,
		};
		atomic_store(&n_ranges, n + 1);
	}
	return 0;
}

/* A second thread does not wait: the first may wait for one that loads a
 * library, and comes by here. */
static const struct range *find_range(uintptr_t at)
{
	const struct range *range = look_for(at);

	if (range || atomic_flag_test_and_set(&ranges_lock))
		return range;
	(void)dl_iterate_phdr(add_module, NULL);
	atomic_flag_clear(&ranges_lock);
	return look_for(at);
}

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context,
				      void *data)
{
	struct faults_site *site = data;
	uintptr_t top = atomic_load(&page->top);
	uintptr_t at = _Unwind_GetIP(context);
	const struct range *range;

	/* the "CFA" is where the frame ends here: the last one, which has the
	 * top in it, begins below it */
	if (top != 0 && _Unwind_GetCFA(context) > top) {
		site->n_frames -= site->n_frames > 0;
		return _URC_END_OF_STACK;
	}
	if (at == 0)
		return _URC_END_OF_STACK;
	if (at >= own.first && at <= own.last)
		return _URC_NO_REASON;
	range = find_range(at);
	if (range && range->is_sanitizer) {
		site->n_frames = 0;
		return _URC_END_OF_STACK;
	}
	site->frames[site->n_frames++] = (struct faults_frame){
		.module = range ? range->name : 0,
		.offset = range ? at - range->base - 1 : 0,
	};
	return site->n_frames < FAULTS_FRAMES ? _URC_NO_REASON
					      : _URC_END_OF_STACK;
}

static uint64_t mix(uint64_t key, uint64_t value)
{
	key = (key ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return key ^ key >> 29;
}

/* The key of this call, or 0: it is none of the program's. */
static uint64_t find_out(struct faults_site *site, uint32_t function)
{
	uint64_t key = mix(0, function + 1);

	site->function = function;
	site->n_frames = 0;
	(void)_Unwind_Backtrace(note_frame, site);
	if (site->n_frames == 0)
		return 0;
	for (size_t i = 0; i < site->n_frames; i++) {
		key = mix(key, site->frames[i].module);
		key = mix(key, site->frames[i].offset);
	}
	return key ? key : 1;
}

/* ---- what is to be done --------------------------------------------------- */

static void count(const struct faults_site *seen, uint64_t key)
{
	for (size_t i = 0; i < FAULTS_SITES; i++) {
		struct faults_site *site =
			&page->sites[(key + i) % FAULTS_SITES];
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(&site->key, &none, key)) {
			site->function = seen->function;
			site->n_frames = seen->n_frames;
			site->waits = seen->waits;
			memcpy(site->frames, seen->frames, sizeof(site->frames));
			atomic_store(&site->whole, true);
			none = key;
		}
		if (none != key)
			continue;
		(void)atomic_fetch_add(&site->calls, 1);
		return;
	}
	(void)atomic_fetch_add(&page->lost, 1);
}

static bool is_meant(uint64_t key)
{
	return key == atomic_load(&page->key) &&
	       atomic_fetch_sub(&page->calls, 1) == 1;
}

enum medium {
	MEDIUM_DISK,	/* it may be full or broken, for all one knows */
	MEDIUM_WAITING, /* there is nothing but signals */
	MEDIUM_SURE,	/* not even these, since nobody waits */
};

static enum medium find_medium(uint32_t function, long fd)
{
	struct stat st;

	switch (function) {
	case FUNCTION_read:
	case FUNCTION_readv:
	case FUNCTION_write:
	case FUNCTION_writev:
		if (syscall(SYS_fstat, fd, &st) < 0 || S_ISREG(st.st_mode))
			return MEDIUM_DISK;
		return syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK
			       ? MEDIUM_SURE
			       : MEDIUM_WAITING;
	default:
		return MEDIUM_DISK;
	}
}

/* An error, or 0: let it pass. */
static int judge(uint32_t function, long first)
{
	int mode = atomic_load(&page->mode);
	int32_t thread = atomic_load(&page->thread);
	enum medium medium = find_medium(function, first);
	struct faults_site seen;
	uint64_t key;

	if (thread != 0 && thread != (int32_t)syscall(SYS_gettid))
		return 0;
	if (medium == MEDIUM_SURE ||
	    (mode == FAULTS_ARMED && function != atomic_load(&page->function)))
		return 0;
	key = find_out(&seen, function);
	if (key == 0)
		return 0;
	if (mode == FAULTS_CENSUS) {
		seen.waits = medium == MEDIUM_WAITING;
		count(&seen, key);
		return 0;
	}
	if (!is_meant(key))
		return 0;
	atomic_store(&page->mode, FAULTS_FIRED);
	return atomic_load(&page->error);
}

/* first: its first argument, where it is not of memory. */
static int decide(uint32_t function, long first)
{
	int kept = errno, mode, error;

	if (!page || busy)
		return 0;
	mode = atomic_load(&page->mode);
	if (mode != FAULTS_CENSUS && mode != FAULTS_ARMED)
		return 0;
	busy = true;
	error = judge(function, first);
	busy = false;
	errno = kept;
	return error;
}

static void *look_up(const char *name)
{
	bool was = busy;
	void *real;

	busy = true;
	real = dlsym(RTLD_NEXT, name);
	busy = was;
	return real;
}

__attribute__((constructor)) static void begin(void)
{
	struct faults_page *mapped =
		preload_page(FAULTS_VARIABLE, sizeof(*mapped));
	const struct range *range;

	if (!mapped)
		return;
	atomic_store(&mapped->blocks, 0);
	busy = true;
	page = mapped;
	range = find_range((uintptr_t)begin);
	if (!range)
		abort();
	own = *range;
	busy = false;
}

/* ---- memory --------------------------------------------------------------- */

static void add_blocks(int64_t n)
{
	if (page)
		(void)atomic_fetch_add(&page->blocks, n);
}

/* dlsym() may ask for memory itself, and does without. */
#define REAL(name)                                        \
	static __typeof__(&name) real;                    \
                                                          \
	if (!real && !busy)                               \
		real = (__typeof__(&name))look_up(#name); \
	if (!real)                                        \
	return NULL

#define FAIL_NULL(name)                        \
	if (decide(FUNCTION_##name, 0) != 0) { \
		errno = ENOMEM;                \
		return NULL;                   \
	}

static void *counted(void *block)
{
	if (block)
		add_blocks(1);
	return block;
}

EXPORTED void *malloc(size_t size)
{
	REAL(malloc);
	FAIL_NULL(malloc);
	return counted(real(size));
}

EXPORTED void *calloc(size_t n, size_t size)
{
	REAL(calloc);
	FAIL_NULL(calloc);
	return counted(real(n, size));
}

EXPORTED void *realloc(void *block, size_t size)
{
	void *moved;

	REAL(realloc);
	FAIL_NULL(realloc);
	moved = real(block, size);
	if (!block && moved)
		add_blocks(1);
	if (block && !moved && size == 0)
		add_blocks(-1);
	return moved;
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
	REAL(aligned_alloc);
	FAIL_NULL(aligned_alloc);
	return counted(real(alignment, size));
}

EXPORTED int posix_memalign(void **blockp, size_t alignment, size_t size)
{
	static __typeof__(&posix_memalign) real;
	int r;

	if (!real)
		real = (__typeof__(&posix_memalign))look_up("posix_memalign");
	if (decide(FUNCTION_posix_memalign, 0) != 0)
		return ENOMEM;
	r = real(blockp, alignment, size);
	if (r == 0)
		add_blocks(1);
	return r;
}

EXPORTED void free(void *block)
{
	static __typeof__(&free) real;

	if (!block || (!real && busy)) /* dlsym() forgets its last error */
		return;
	if (!real)
		real = (__typeof__(&free))look_up("free");
	add_blocks(-1);
	real(block);
}

/* ---- the rest ------------------------------------------------------------- */

typedef long any_fn(long a, long b, long c, long d, long e, long f);

static long call_closed(any_fn *real, const long *a)
{
	bool was = busy;
	long result;

	busy = true;
	result = real(a[0], a[1], a[2], a[3], a[4], a[5]);
	busy = was;
	return result;
}

/* What it returns; all those that can do a part take the length third. */
static long fail(enum faults_manner manner, int error, any_fn *real,
		 const long *a)
{
	if (error == FAULTS_SHORT)
		return real(a[0], a[1], a[2] > 1 ? a[2] / 2 : a[2], a[3], a[4],
			    a[5]);
	if (manner == FAULTS_DONE)
		(void)real(a[0], a[1], a[2], a[3], a[4], a[5]);
	if (manner == FAULTS_CODE || manner == FAULTS_CLOSED)
		return error;
	errno = error;
	return manner == FAULTS_POINTER ? 0 : -1;
}

#define HOOK(name, manner)                                                    \
	long hook_##name(long a, long b, long c, long d, long e,              \
			 long f) __asm__(#name) EXPORTED;                     \
	long hook_##name(long a, long b, long c, long d, long e, long f)      \
	{                                                                     \
		static any_fn *real;                                          \
		int error = decide(FUNCTION_##name, a);                       \
                                                                              \
		if (!real)                                                    \
			real = (any_fn *)look_up(#name);                      \
		if (error == 0 && FAULTS_##manner == FAULTS_CLOSED)           \
			return call_closed(real,                              \
					   (const long[]){a, b, c, d, e, f}); \
		if (error == 0)                                               \
			return real(a, b, c, d, e, f);                        \
		return fail(FAULTS_##manner, error, real,                     \
			    (const long[]){a, b, c, d, e, f});                \
	}

#define X(name, manner, ...) HOOK(name, manner)
FAULTS_SYSTEM(X)
#undef X
