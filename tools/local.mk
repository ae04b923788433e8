# SPDX-License-Identifier: MIT
# contigctl: everything but its main() is a convenience library, which the
# tests link too.

noinst_LTLIBRARIES += libtools.la
libtools_la_SOURCES = \
	tools/column.c tools/column.h \
	tools/command.c tools/command.h \
	tools/complain.c tools/complain.h \
	tools/facts.c tools/facts.h \
	tools/options.c tools/options.h \
	tools/output.c tools/output.h
libtools_la_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS) $(JSONC_CFLAGS)
libtools_la_LIBADD = libutil.la $(SMARTCOLS_LIBS) $(JSONC_LIBS)

bin_PROGRAMS += contigctl
contigctl_SOURCES = tools/contigctl.c
contigctl_CFLAGS = $(AM_CFLAGS) $(JSONC_CFLAGS)
contigctl_LDADD = libtools.la

if HAVE_CHECK
check_PROGRAMS += \
	tests/check_column \
	tests/check_options \
	tests/check_output
TESTS += \
	tests/check_column \
	tests/check_options \
	tests/check_output
tests_check_column_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_column_LDADD = libharness.la libtools.la $(JSONC_LIBS) $(CHECK_LIBS)
tests_check_options_LDADD = libharness.la libtools.la $(CHECK_LIBS)
tests_check_output_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_output_LDADD = libharness.la libtools.la $(JSONC_LIBS) $(CHECK_LIBS)
endif
