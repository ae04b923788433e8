# SPDX-License-Identifier: MIT
# What the tests share.  The unit test of a module is listed in the fragment of
# the module's own folder.

include tests/board/local.mk

if HAVE_CHECK
check_LTLIBRARIES += libharness.la
libharness_la_SOURCES = \
	tests/harness.c tests/harness.h \
	tests/holder.c tests/holder.h
libharness_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libharness_la_LIBADD = libutil.la

# A backend that does as the tests of the daemon say.
check_LTLIBRARIES += libfake.la
libfake_la_SOURCES = \
	tests/fake.c tests/fake.h \
	tests/lot.c tests/lot.h
libfake_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libfake_la_LIBADD = libdaemon.la
endif

# Scripts are part of the tree and run where they stand.
TESTS += tests/include_directions
EXTRA_DIST += tests/include_directions
