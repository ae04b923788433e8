# SPDX-License-Identifier: MIT
# config: the configuration file and the options that describe regions.

noinst_LTLIBRARIES += libconfiguration.la
libconfiguration_la_SOURCES = \
	config/principals.c config/principals.h \
	config/syntax.c config/syntax.h
libconfiguration_la_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)
libconfiguration_la_LIBADD = libutil.la $(INIH_LIBS)

if HAVE_CHECK
check_PROGRAMS += \
	tests/check_principals \
	tests/check_syntax
TESTS += \
	tests/check_principals \
	tests/check_syntax
tests_check_principals_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_syntax_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
endif
