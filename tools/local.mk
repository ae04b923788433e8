# SPDX-License-Identifier: MIT
# contigctl: everything but its main() is a convenience library, which the
# tests link too.

noinst_LTLIBRARIES += libtools.la
libtools_la_SOURCES = \
	tools/alloc.c \
	tools/buffers.c tools/buffers.h \
	tools/check.c \
	tools/clients.c \
	tools/column.c tools/column.h \
	tools/command.c tools/command.h \
	tools/complain.c tools/complain.h \
	tools/connection.c tools/connection.h \
	tools/damages.c tools/damages.h \
	tools/facts.c tools/facts.h \
	tools/listing.c tools/listing.h \
	tools/map.c \
	tools/options.c tools/options.h \
	tools/order.c tools/order.h \
	tools/output.c tools/output.h \
	tools/picture.c tools/picture.h \
	tools/probe.c \
	tools/probe_facts.c tools/probe_facts.h \
	tools/regions.c tools/regions.h \
	tools/status.c \
	tools/terminal.c tools/terminal.h
libtools_la_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSONC_CFLAGS)
libtools_la_LIBADD = libdevicetree.la libconfiguration.la libutil.la \
	$(SMARTCOLS_LIBS) $(JSONC_LIBS)

bin_PROGRAMS += contigctl
contigctl_SOURCES = tools/contigctl.c
contigctl_CFLAGS = $(AM_CFLAGS) $(JSONC_CFLAGS)
contigctl_LDADD = libtools.la libcontig.la

dist_bashcompletion_DATA = tools/completion/contigctl

if HAVE_CHECK
TOOLS_TESTS = \
	tests/check_buffers \
	tests/check_column \
	tests/check_command \
	tests/check_damages \
	tests/check_facts \
	tests/check_options \
	tests/check_order \
	tests/check_output \
	tests/check_picture \
	tests/check_probe_facts \
	tests/check_regions \
	tests/check_terminal
check_PROGRAMS += $(TOOLS_TESTS)
TESTS += $(TOOLS_TESTS)
tests_check_buffers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_buffers_LDADD = libharness.la libtools.la libcontig.la \
	$(JSONC_LIBS) $(CHECK_LIBS)
tests_check_column_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_column_LDADD = libharness.la libtools.la $(JSONC_LIBS) $(CHECK_LIBS)
tests_check_command_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_command_LDADD = libharness.la libtools.la $(JSONC_LIBS) $(CHECK_LIBS)
tests_check_damages_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_damages_LDADD = libharness.la libtools.la libcontig.la \
	$(JSONC_LIBS) $(CHECK_LIBS)
tests_check_facts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_facts_LDADD = libharness.la libtools.la $(JSONC_LIBS) $(CHECK_LIBS)
tests_check_options_LDADD = libharness.la libtools.la $(CHECK_LIBS)
tests_check_order_LDADD = libharness.la libtools.la $(CHECK_LIBS)
tests_check_output_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_output_LDADD = libharness.la libtools.la $(JSONC_LIBS) $(CHECK_LIBS)
tests_check_picture_LDADD = libharness.la libtools.la $(CHECK_LIBS)
tests_check_probe_facts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_probe_facts_LDADD = libharness.la libtools.la libcontig.la \
	$(JSONC_LIBS) $(CHECK_LIBS)
tests_check_regions_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_regions_LDADD = libharness.la libtools.la libcontig.la \
	$(JSONC_LIBS) $(CHECK_LIBS)
tests_check_terminal_LDADD = libharness.la libtools.la $(CHECK_LIBS)
endif

TESTS += tests/probe
EXTRA_DIST += \
	tests/probe \
	tests/corpus/corpus \
	tests/corpus/witness.py

# Every board of a kernel package, which may have to be fetched first.
check-corpus: contigctl
	$(srcdir)/tests/corpus/corpus --contigctl ./contigctl $(CORPUS)
.PHONY: check-corpus

TESTS += tests/integration/contigctl
EXTRA_DIST += tests/integration/contigctl
