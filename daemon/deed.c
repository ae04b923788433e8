/* SPDX-License-Identifier: MIT */
#include "daemon/deed.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/description.h"
#include "daemon/sealed.h"
#include "proto/text.h"
#include "util/cleanup.h"
#include "util/power.h"

/*
 * The form is of fixed size, in the byte order of the machine, which it never
 * leaves, with the words of the parcel behind it.  What is read is checked as
 * if somebody had made it up: everything that must be so whatever the backend
 * is checked here, and what the backend needs, there, when it unpacks.
 *
 * A form that grows gets a new version: a daemon that does not know it refuses
 * it, and one that knows more reads the old one too.
 */

#define NAME_BYTES    64
#define BACKEND_BYTES 32
#define SMALLEST_PAGE UINT64_C(4096) /* of any Linux */

#define DEED_PUBLIC_BASE   (UINT32_C(1) << 0)
#define DEED_WANTS_DEFAULT (UINT32_C(1) << 1)
#define DEED_FLAGS	   (DEED_PUBLIC_BASE | DEED_WANTS_DEFAULT)

struct deed_form {
	uint32_t id;
	uint32_t flags;
	char name[NAME_BYTES];
	char backend[BACKEND_BYTES];
	char section[NAME_BYTES]; /* empty: the one of its name */
	uint64_t base;
	uint64_t size_bytes;
	uint64_t granule_bytes;
	uint64_t page_bytes;
	uint64_t guard_bytes;
	uint64_t n_words; /* which follow */
};

static_assert(sizeof(struct deed_form) == 216, "form of a deed");
static_assert(NAME_BYTES == CONFIG_NAME_BYTES, "names are wire strings");

/* 1 TiB of pages of 64 KiB, with a word for each, is 128 MiB. */
static const struct sealed_kind kind = {
	.name = "region's deed",
	.number = 1,
	.version = 1,
	.limit_bytes = UINT64_C(1) << 28,
};

int deed_write(const struct tract *tract, const struct parcel *parcel,
	       struct error *why)
{
	size_t words_bytes = parcel->n_words * sizeof(*parcel->words);
	_cleanup_free_ struct deed_form *form =
		calloc(1, sizeof(*form) + words_bytes);

	if (!form)
		return error_set(why, -ENOMEM, "out of memory");
	form->id = tract->id;
	form->flags = (tract->public_base ? DEED_PUBLIC_BASE : 0) |
		      (tract->wants_default ? DEED_WANTS_DEFAULT : 0);
	text_put(form->name, sizeof(form->name), tract->name);
	text_put(form->backend, sizeof(form->backend), tract->backend->name);
	if (tract->section)
		text_put(form->section, sizeof(form->section), tract->section);
	form->base = tract->spec.base;
	form->size_bytes = tract->spec.size_bytes;
	form->granule_bytes = tract->spec.granule_bytes;
	form->page_bytes = tract->spec.page_bytes;
	form->guard_bytes = tract->spec.guard_bytes;
	form->n_words = parcel->n_words;
	if (words_bytes > 0)
		memcpy(form + 1, parcel->words, words_bytes);
	return sealed_write(&kind, form, sizeof(*form) + words_bytes, why);
}

static int refuse(const char *what, struct error *why)
{
	return error_set(why, SEALED_E_DAMAGED, "a %s is damaged: %s",
			 kind.name, what);
}

static int check_form(const struct deed_form *form, size_t length,
		      struct error *why)
{
	uint64_t words_bytes, last;

	if (__builtin_mul_overflow(form->n_words, sizeof(uint64_t),
				   &words_bytes) ||
	    words_bytes != length - sizeof(*form))
		return refuse("its length is wrong", why);
	if (text_check(form->name, sizeof(form->name)) != 0 ||
	    config_name_check(form->name, NULL) < 0)
		return refuse("the name is none", why);
	if (text_check(form->backend, sizeof(form->backend)) != 0)
		return refuse("the backend's name is none", why);
	if (text_check(form->section, sizeof(form->section)) != 0 ||
	    (form->section[0] && config_name_check(form->section, NULL) < 0))
		return refuse("the section's name is none", why);
	if (form->id == 0 || form->id > INT32_MAX ||
	    (form->flags & ~DEED_FLAGS))
		return refuse("a number is out of range", why);
	if (form->size_bytes == 0 ||
	    __builtin_add_overflow(form->base, form->size_bytes - 1, &last))
		return refuse("it is no range of addresses", why);
	if (form->granule_bytes < SMALLEST_PAGE ||
	    !is_power_of_two(form->granule_bytes))
		return refuse("the granule is none", why);
	if (form->page_bytes != 0 && !is_power_of_two(form->page_bytes))
		return refuse("the page size is none", why);
	if (form->guard_bytes % form->granule_bytes != 0 ||
	    form->guard_bytes > INT64_MAX)
		return refuse("the guard is none", why);
	return 0;
}

static int copy_words(struct parcel *parcel, const void *bytes, size_t n,
		      struct error *why)
{
	if (n == 0)
		return 0;
	parcel->words = calloc(n, sizeof(*parcel->words));
	if (!parcel->words)
		return error_set(why, -ENOMEM, "out of memory");
	memcpy(parcel->words, bytes, n * sizeof(*parcel->words));
	parcel->n_words = n;
	return 0;
}

int deed_decode(const void *bytes, size_t length, struct tract **tractp,
		struct parcel *parcel, struct error *why)
{
	_cleanup_(tract_freep) struct tract *tract = NULL;
	struct tract_description description;
	struct deed_form form;
	int r;

	if (length < sizeof(form))
		return refuse("it is too short", why);
	memcpy(&form, bytes, sizeof(form));
	r = check_form(&form, length, why);
	if (r)
		return r;
	description = (struct tract_description){
		.id = form.id,
		.name = form.name,
		.backend = form.backend,
		.section = form.section[0] ? form.section : NULL,
		.public_base = form.flags & DEED_PUBLIC_BASE,
		.wants_default = form.flags & DEED_WANTS_DEFAULT,
		.memory.base = form.base,
		.memory.size_bytes = form.size_bytes,
		.memory.granule_bytes = form.granule_bytes,
		.memory.page_bytes = form.page_bytes,
		.memory.guard_bytes = form.guard_bytes,
	};
	r = tract_new(&tract, &description, why);
	if (r == 0)
		r = copy_words(parcel, (const char *)bytes + sizeof(form),
			       (size_t)form.n_words, why);
	if (r == 0)
		*tractp = TAKE_PTR(tract);
	return r;
}

int deed_read(int fd_borrow, struct tract **tractp, struct parcel *parcel,
	      struct error *why)
{
	_cleanup_free_ char *bytes = NULL;
	size_t length;
	int r = sealed_read(&kind, fd_borrow, &bytes, &length, why);

	return r ? r : deed_decode(bytes, length, tractp, parcel, why);
}
