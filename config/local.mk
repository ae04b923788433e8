# SPDX-License-Identifier: MIT
# config: the configuration file and the options that describe regions.

noinst_LTLIBRARIES += libconfiguration.la
libconfiguration_la_SOURCES = \
	config/access.c config/access.h \
	config/arguments.c \
	config/configuration.c config/configuration.h \
	config/description.c config/description.h \
	config/identity.c config/identity.h \
	config/lists.c config/lists.h \
	config/principals.c config/principals.h \
	config/quotas.c config/quotas.h \
	config/reservations.c config/reservations.h \
	config/sections.c config/sections.h \
	config/syntax.c config/syntax.h
libconfiguration_la_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)
libconfiguration_la_LIBADD = libutil.la $(INIH_LIBS)

dist_doc_DATA += config/contigd.conf.sample

EXTRA_DIST += \
	tests/configuration/bad-heading.conf \
	tests/configuration/bad-name.conf \
	tests/configuration/bad-value.conf \
	tests/configuration/byte-order-mark-and-crlf.conf \
	tests/configuration/complete.conf \
	tests/configuration/duplicate-key.conf \
	tests/configuration/duplicate-name.conf \
	tests/configuration/line-too-long.conf \
	tests/configuration/missing-size.conf \
	tests/configuration/no-equals-sign.conf \
	tests/configuration/no-section.conf \
	tests/configuration/nul-byte.conf \
	tests/configuration/uneven-size.conf \
	tests/configuration/unknown-key.conf \
	tests/configuration/unknown-section.conf \
	tests/configuration/unknown-user.conf

if HAVE_CHECK
CONFIG_TESTS = \
	tests/check_access \
	tests/check_arguments \
	tests/check_configuration \
	tests/check_description \
	tests/check_identity \
	tests/check_lists \
	tests/check_principals \
	tests/check_quotas \
	tests/check_reservations \
	tests/check_sections \
	tests/check_syntax
check_PROGRAMS += $(CONFIG_TESTS)
TESTS += $(CONFIG_TESTS)
tests_check_access_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_arguments_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_configuration_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_description_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_identity_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_lists_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_principals_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_quotas_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_reservations_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_sections_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_syntax_LDADD = \
	libharness.la libconfiguration.la libutil.la $(CHECK_LIBS)
endif
