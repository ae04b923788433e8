# SPDX-License-Identifier: MIT
# lib: libcontig.  Of proto and util it takes single files rather than their
# convenience libraries, which would bring in whole what it never calls.

include_HEADERS += lib/contig.h
pkgconfig_DATA += lib/libcontig.pc
EXTRA_DIST += lib/libcontig.map

lib_LTLIBRARIES += libcontig.la
libcontig_la_SOURCES = \
	lib/allocation.c \
	lib/buffer.c lib/buffer.h \
	lib/call.c lib/call.h \
	lib/check.c \
	lib/connection.c lib/connection.h \
	lib/contig.h \
	lib/cpu.c \
	lib/dispatch.c \
	lib/failure.c lib/failure.h \
	lib/import.c \
	lib/incoming.c lib/incoming.h \
	lib/lists.c \
	lib/mapping.c lib/mapping.h \
	lib/occupancy.c \
	lib/request.c lib/request.h \
	lib/session.c lib/session.h \
	lib/status.c \
	proto/channel.c proto/channel.h \
	proto/form.c proto/form.h \
	proto/message.h \
	proto/text.c proto/text.h \
	proto/validate.c proto/validate.h \
	util/cleanup.h \
	util/error.c util/error.h \
	util/fd.c util/fd.h \
	util/list.h \
	util/power.h
libcontig_la_CFLAGS = $(AM_CFLAGS)
libcontig_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined \
	-version-info $(CONTIG_LT_VERSION) \
	-Wl,--version-script=$(top_srcdir)/lib/libcontig.map
EXTRA_libcontig_la_DEPENDENCIES = lib/libcontig.map

if HAVE_CHECK
check_LTLIBRARIES += libfakedaemon.la
libfakedaemon_la_SOURCES = tests/fake_daemon.c tests/fake_daemon.h
libfakedaemon_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libfakedaemon_la_LIBADD = libharness.la libproto.la

LIB_TESTS = \
	tests/check_libcontig_allocation \
	tests/check_libcontig_buffer \
	tests/check_libcontig_call \
	tests/check_libcontig_check \
	tests/check_libcontig_connection \
	tests/check_libcontig_cpu \
	tests/check_libcontig_failure \
	tests/check_libcontig_import \
	tests/check_libcontig_lists \
	tests/check_libcontig_occupancy \
	tests/check_libcontig_request \
	tests/check_libcontig_status
check_PROGRAMS += $(LIB_TESTS)
TESTS += $(LIB_TESTS)

libcontig_tests = libcontig.la libfakedaemon.la $(CHECK_LIBS)
tests_check_libcontig_allocation_LDADD = $(libcontig_tests)
tests_check_libcontig_buffer_LDADD = $(libcontig_tests)
tests_check_libcontig_call_LDADD = $(libcontig_tests)
tests_check_libcontig_check_LDADD = $(libcontig_tests)
tests_check_libcontig_connection_LDADD = $(libcontig_tests)
tests_check_libcontig_cpu_LDADD = $(libcontig_tests)
tests_check_libcontig_failure_LDADD = $(libcontig_tests)
tests_check_libcontig_import_LDADD = $(libcontig_tests)
tests_check_libcontig_lists_LDADD = $(libcontig_tests)
tests_check_libcontig_occupancy_LDADD = $(libcontig_tests)
tests_check_libcontig_request_LDADD = $(libcontig_tests)
tests_check_libcontig_status_LDADD = $(libcontig_tests)
endif

check_PROGRAMS += tests/check_cplusplus
TESTS += tests/check_cplusplus
tests_check_cplusplus_SOURCES = tests/check_cplusplus.cc
tests_check_cplusplus_CXXFLAGS = $(AM_CXXFLAGS) -std=c++11 -Wall -Wextra \
	-Wpedantic -Werror
tests_check_cplusplus_LDADD = libcontig.la

TESTS += tests/exported_symbols
EXTRA_DIST += tests/exported_symbols

# Hooks of automake may be defined once in the tree; this one collects targets.
EXTRA_DIST += tests/installed_library
installcheck-local: installcheck-library
.PHONY: installcheck-library
installcheck-library:
	CC='$(CC)' CFLAGS='$(CFLAGS) $(CONTIG_SANITIZE)' DESTDIR='$(DESTDIR)' \
		$(srcdir)/tests/installed_library $(libdir) $(pkgconfigdir) \
		$(srcdir)/examples
