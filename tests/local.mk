# SPDX-License-Identifier: MIT
# What the tests share.  The unit test of a module is listed in the fragment of
# the module's own folder.

include tests/board/local.mk
include tests/bench/local.mk
include tests/fuzz/local.mk

if HAVE_CHECK
check_LTLIBRARIES += libharness.la
libharness_la_SOURCES = \
	tests/descriptor_limit.c tests/descriptor_limit.h \
	tests/harness.c tests/harness.h \
	tests/holder.c tests/holder.h \
	tests/logged.c tests/logged.h \
	tests/own_slice.h
libharness_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libharness_la_LIBADD = libutil.la

# A backend that does as the tests of the daemon say.
check_LTLIBRARIES += libfake.la
libfake_la_SOURCES = \
	tests/chore.c tests/chore.h \
	tests/deal.c tests/deal.h \
	tests/lingering.c tests/lingering.h \
	tests/fake.c tests/fake.h \
	tests/lot.c tests/lot.h \
	tests/plug.c tests/plug.h \
	tests/rules.c tests/rules.h \
	tests/stage.c tests/stage.h \
	tests/vigil.c tests/vigil.h
libfake_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libfake_la_LIBADD = libdaemon.la

# Tests of the daemon as clients see it, over its socket.
check_LTLIBRARIES += libintegration.la
libintegration_la_SOURCES = \
	tests/integration/countdown.c tests/integration/countdown.h \
	tests/integration/daemon.c tests/integration/daemon.h \
	tests/integration/faults.c tests/integration/faults.h \
	tests/integration/faults_functions.h \
	tests/integration/files.c tests/integration/files.h \
	tests/integration/launch.c tests/integration/launch.h \
	tests/integration/notification.c tests/integration/notification.h \
	tests/integration/preload.c tests/integration/preload.h \
	tests/integration/raw.c tests/integration/raw.h \
	tests/integration/script.c tests/integration/script.h \
	tests/integration/stage.c tests/integration/stage.h \
	tests/integration/store.c tests/integration/store.h \
	tests/integration/supervisor.c tests/integration/supervisor.h \
	tests/integration/sweep.c tests/integration/sweep.h
libintegration_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libintegration_la_LIBADD = libharness.la libproto.la libutil.la

# Preloaded into the daemon to kill it at a chosen moment.
check_LTLIBRARIES += libcountdown.la
libcountdown_la_SOURCES = \
	tests/integration/countdown_preload.c \
	tests/integration/preload_page.h
# It is there before the program's sanitizer is.
libcountdown_la_CFLAGS = $(AM_CFLAGS) -fno-sanitize=all
libcountdown_la_LDFLAGS = $(AM_LDFLAGS) -fno-sanitize=all -module -avoid-version -shared -rpath /nowhere

# Preloaded into a program to make one of its calls fail.
check_LTLIBRARIES += libfaults.la
libfaults_la_SOURCES = \
	tests/integration/faults_preload.c \
	tests/integration/preload_page.h
libfaults_la_CFLAGS = $(AM_CFLAGS) -fno-sanitize=all -fno-builtin
libfaults_la_LDFLAGS = $(AM_LDFLAGS) -fno-sanitize=all -module -avoid-version -shared -rpath /nowhere

# A service manager for tests that call what leaves things with one.
check_LTLIBRARIES += libcustodian.la
libcustodian_la_SOURCES = tests/custodian.c tests/custodian.h
libcustodian_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SYSTEMD_CFLAGS)
libcustodian_la_LIBADD = libintegration.la libdaemon.la $(SYSTEMD_LIBS)

# Those that take longest come first: they mostly wait, and others run beside
# them.
INTEGRATION_TESTS = \
	tests/integration/check_faults_start \
	tests/integration/check_windows \
	tests/integration/check_faults_service \
	tests/integration/check_kills \
	tests/integration/check_isolation \
	tests/integration/check_faults_alone \
	tests/integration/check_killed_clients \
	tests/integration/check_attacks \
	tests/integration/check_countdown \
	tests/integration/check_damage \
	tests/integration/check_faults \
	tests/integration/check_faults_library \
	tests/integration/check_faults_tools \
	tests/integration/check_guards \
	tests/integration/check_life \
	tests/integration/check_limits \
	tests/integration/check_policy \
	tests/integration/check_prepare \
	tests/integration/check_privilege \
	tests/integration/check_process \
	tests/integration/check_reconnect \
	tests/integration/check_restart \
	tests/integration/check_supervisor \
	tests/integration/check_users \
	tests/integration/check_watchdog
check_PROGRAMS += $(INTEGRATION_TESTS)
tests_integration_check_attacks_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_countdown_LDADD = libintegration.la $(CHECK_LIBS)
tests_integration_check_damage_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_faults_LDADD = libintegration.la $(CHECK_LIBS)
tests_integration_check_faults_alone_LDADD = libintegration.la libtreedir.la libcontig.la $(CHECK_LIBS)
tests_integration_check_faults_library_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_faults_service_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_faults_start_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_faults_tools_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_isolation_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_guards_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_killed_clients_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_kills_SOURCES = \
	tests/integration/check_kills.c \
	tests/integration/witness.c tests/integration/witness.h \
	tests/integration/workload.c tests/integration/workload.h \
	tests/integration/workload_client.c
tests_integration_check_kills_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_life_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_limits_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_policy_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_prepare_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_privilege_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_process_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_reconnect_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_restart_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_supervisor_LDADD = libintegration.la $(CHECK_LIBS) $(SYSTEMD_LIBS)
tests_integration_check_users_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_windows_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
tests_integration_check_watchdog_LDADD = libintegration.la libcontig.la $(CHECK_LIBS)
endif

# The daemon of this one may open so few files that what other tests have on its way
# in sockets, if they run as the same user, is more than it may send: it waits for
# them to end.
LAST_LOG = tests/integration/check_limits.log
$(LAST_LOG): $(filter-out $(LAST_LOG),$(TEST_LOGS))

# Scripts are part of the tree and run where they stand.
TESTS += tests/include_directions tests/security_document \
	tests/integration/examples
EXTRA_DIST += tests/include_directions tests/security_document \
	tests/integration/examples

# Every compiled test again, under valgrind.  An error or a leak in a test's
# own process makes the test fail.  Left out is the arithmetic of simulated hours,
# which takes minutes there: check_reaper runs the same code.
VALGRIND_FLAGS = -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite,indirect \
	--show-leak-kinds=definite,indirect
check-valgrind: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_LTLIBRARIES) $(check_PROGRAMS)
	CONTIG_TESTS_VALGRIND=1 $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		TESTS='$(filter-out tests/check_reaper_budget,$(filter tests/check_%,$(TESTS)))' \
		LOG_COMPILER='$(LIBTOOL) --silent --mode=execute valgrind $(VALGRIND_FLAGS)'
.PHONY: check-valgrind
