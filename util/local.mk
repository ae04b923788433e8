# SPDX-License-Identifier: MIT
# util: what every folder may use; knows nothing above it.

noinst_LTLIBRARIES += libutil.la
libutil_la_SOURCES = \
	util/broken.c util/broken.h \
	util/checksum.h \
	util/cleanup.h \
	util/clock.h \
	util/error.c util/error.h \
	util/fd.c util/fd.h \
	util/format.c util/format.h \
	util/list.h \
	util/log.c util/log.h \
	util/parse.c util/parse.h \
	util/power.h \
	util/rb.h

if HAVE_CHECK
UTIL_TESTS = \
	tests/check_broken \
	tests/check_checksum \
	tests/check_error \
	tests/check_fd \
	tests/check_format \
	tests/check_harness \
	tests/check_list \
	tests/check_log \
	tests/check_parse \
	tests/check_power
check_PROGRAMS += $(UTIL_TESTS)
TESTS += $(UTIL_TESTS)
tests_check_broken_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_checksum_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_error_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_fd_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_format_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_harness_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_list_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_log_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_parse_LDADD = libharness.la libutil.la $(CHECK_LIBS)
tests_check_power_LDADD = libharness.la libutil.la $(CHECK_LIBS)
endif
