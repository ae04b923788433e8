/* SPDX-License-Identifier: MIT */
#include "daemon/probes.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "daemon/sealed.h"
#include "proto/text.h"
#include "util/cleanup.h"
#include "util/log.h"

/*
 * Backends are probed once, at start-up, with the privileges that the daemon
 * has then.  What they said is logged and kept, so that a client can read it
 * long after: "which memory does this machine give, and if not, why not" is the
 * first question of everybody who sets up a board.
 *
 * A daemon without privilege would find out nothing, so it gets a record of
 * what was found out for it.  Of a backend that one of the two does not know,
 * nothing is known.
 */

#define NAME_BYTES 32

struct probe_form {
	char backend[NAME_BYTES];
	uint32_t serves; /* 0 or 1 */
	uint32_t guarantees;
	char text[BACKEND_TEXT_BYTES];
};

static_assert(sizeof(struct probe_form) == 40 + BACKEND_TEXT_BYTES, "no gaps");

static const struct sealed_kind kind = {
	.name = "record of probes",
	.number = 2,
	.version = 1,
	.limit_bytes = 64 * sizeof(struct probe_form),
};

void probes_run(struct probes *probes, const struct backend_options *options)
{
	*probes = (struct probes){.n = 0};
	for (size_t i = 0; backends[i]; i++) {
		struct backend_report *report;

		assert(i < PROBES_MAX_BACKENDS);
		report = &probes->items[i].report;
		probes->items[i].backend = backends[i];
		backends[i]->probe(options, report);
		probes->n = i + 1;
		log_info("backend %s %s: %s", backends[i]->name,
			 report->serves ? "serves" : "cannot serve",
			 report->text);
	}
}

const struct backend_report *probes_find(const struct probes *probes,
					 const struct backend *backend)
{
	for (size_t i = 0; i < probes->n; i++)
		if (probes->items[i].backend == backend)
			return &probes->items[i].report;
	return NULL;
}

int probes_write(const struct probes *probes, struct error *why)
{
	struct probe_form forms[PROBES_MAX_BACKENDS];

	memset(forms, 0, sizeof(forms));
	for (size_t i = 0; i < probes->n; i++) {
		const struct backend_report *report = &probes->items[i].report;

		text_put(forms[i].backend, sizeof(forms[i].backend),
			 probes->items[i].backend->name);
		forms[i].serves = report->serves;
		forms[i].guarantees = report->guarantees;
		text_put(forms[i].text, sizeof(forms[i].text), report->text);
	}
	return sealed_write(&kind, forms, probes->n * sizeof(*forms), why);
}

/* What one form says joins the others; false: it makes no sense. */
static bool add(struct probes *probes, const struct probe_form *form)
{
	const struct backend *backend;

	if (text_check(form->backend, sizeof(form->backend)) != 0 ||
	    text_check(form->text, sizeof(form->text)) != 0 ||
	    form->serves > 1)
		return false;
	backend = backend_find(form->backend);
	if (!backend)
		return true;
	if (probes_find(probes, backend) || probes->n == PROBES_MAX_BACKENDS)
		return false;
	probes->items[probes->n].backend = backend;
	probes->items[probes->n].report = (struct backend_report){
		.serves = form->serves,
		.guarantees = form->guarantees,
	};
	text_put(probes->items[probes->n].report.text, BACKEND_TEXT_BYTES,
		 form->text);
	probes->n++;
	return true;
}

int probes_decode(struct probes *probes, const void *bytes, size_t length,
		  struct error *why)
{
	const char *at = bytes;
	struct probe_form form;

	*probes = (struct probes){.n = 0};
	for (; length >= sizeof(form); length -= sizeof(form)) {
		memcpy(&form, at, sizeof(form));
		at += sizeof(form);
		if (!add(probes, &form))
			break;
	}
	if (length == 0)
		return 0;
	*probes = (struct probes){.n = 0};
	return error_set(why, SEALED_E_DAMAGED, "a %s is damaged", kind.name);
}

int probes_read(struct probes *probes, int fd_borrow, struct error *why)
{
	_cleanup_free_ char *bytes = NULL;
	size_t length;
	int r = sealed_read(&kind, fd_borrow, &bytes, &length, why);

	return r ? r : probes_decode(probes, bytes, length, why);
}
