# SPDX-License-Identifier: MIT
# Measurements, built and run by `make bench` alone, and the soak.

# Each prints what it found as records and runs without arguments.  A new one is a
# line here and a line for what it links; a script is a line below.
BENCHES_COMPILED = \
	tests/bench/allocator \
	tests/bench/fragmentation \
	tests/bench/round_trip \
	tests/bench/mapped \
	tests/bench/zeroing \
	tests/bench/crowd_size \
	tests/bench/footprint \
	tests/bench/idle
BENCHES_SCRIPTED = \
	$(srcdir)/tests/bench/on_board \
	$(srcdir)/tests/bench/size
BENCHES = $(BENCHES_COMPILED) $(BENCHES_SCRIPTED)
check_PROGRAMS += $(BENCHES_COMPILED)
tests_bench_allocator_SOURCES = \
	tests/bench/adversary.c tests/bench/adversary.h \
	tests/bench/allocator.c
tests_bench_allocator_LDADD = libbench.la libpeers.la -lm
tests_bench_footprint_LDADD = libbench.la libcontig.la
tests_bench_fragmentation_LDADD = libbench.la libpeers.la -lm
tests_bench_idle_LDADD = libbench.la libcontig.la
tests_bench_crowd_size_LDADD = libbench.la libcontig.la
tests_bench_zeroing_LDADD = libbench.la libdaemon.la libcontig.la
tests_bench_mapped_SOURCES = \
	tests/bench/large_pages.c tests/bench/large_pages.h \
	tests/bench/mapped.c
tests_bench_mapped_LDADD = libbench.la libcontig.la
tests_bench_round_trip_SOURCES = \
	tests/bench/echo.c tests/bench/echo.h \
	tests/bench/round_trip.c
tests_bench_round_trip_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_bench_round_trip_LDADD = libbench.la libcontig.la $(EVENT_LIBS)

# How a measurement says what it found, and what several of them need.
check_LTLIBRARIES += libbench.la
libbench_la_SOURCES = \
	tests/bench/daemon.c tests/bench/daemon.h \
	tests/bench/process.c tests/bench/process.h \
	tests/bench/record.c tests/bench/record.h \
	tests/bench/samples.c tests/bench/samples.h \
	tests/bench/ticks.c tests/bench/ticks.h
libbench_la_CFLAGS = $(AM_CFLAGS) $(JSONC_CFLAGS)
libbench_la_LIBADD = libutil.la $(JSONC_LIBS) -lm

# What contigd's footprint is compared with: the same libraries and no daemon.
check_PROGRAMS += tests/bench/bare
tests_bench_bare_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_bench_bare_LDFLAGS = $(AM_LDFLAGS) -Wl,--no-as-needed
tests_bench_bare_LDADD = libdaemon.la

# All of them, with a table at the end; BENCHES=tests/bench/idle runs that one,
# BOARD=1 measures on the virtual board, too.
bench: contigd contigctl $(BENCHES) tests/bench/bare
	BOARD='$(BOARD)' CC='$(CC)' CFLAGS='$(CFLAGS)' $(srcdir)/tests/bench/bench $(BENCHES)
.PHONY: bench

AM_TESTS_ENVIRONMENT += BENCHES='$(BENCHES)'; export BENCHES;
TESTS += tests/bench/check_bench
EXTRA_DIST += tests/bench/bench tests/bench/check_bench \
	tests/bench/on_board \
	tests/bench/plots.py tests/bench/report.py \
	tests/bench/size
CLEANFILES += bench.json bench.md
clean-local: clean-plots
clean-plots:
	rm -rf plots
.PHONY: clean-plots

# Allocators that are compared, contigd's among them.
check_LTLIBRARIES += libpeers.la
libpeers_la_SOURCES = \
	tests/bench/linear.c tests/bench/linear.h \
	tests/bench/peer.c tests/bench/peer.h \
	tests/bench/peer_clairvoyant.c \
	tests/bench/peer_contigd.c \
	tests/bench/peer_first_fit.c \
	tests/bench/peer_next_fit.c \
	tests/bench/peer_summary.c \
	tests/bench/peer_tlsf.c \
	tests/bench/trace.c tests/bench/trace.h
libpeers_la_LIBADD = libdaemon.la

if HAVE_CHECK
BENCHES_COMPILED += tests/bench/kept
tests_bench_kept_LDADD = libbench.la libintegration.la libcontig.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_record tests/check_samples
TESTS += tests/check_record tests/check_samples
tests_check_record_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JSONC_CFLAGS)
tests_check_record_LDADD = libharness.la libbench.la libutil.la $(JSONC_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/check_peers tests/check_trace
TESTS += tests/check_peers tests/check_trace
tests_check_peers_LDADD = libharness.la libpeers.la $(CHECK_LIBS)
tests_check_trace_LDADD = libharness.la libpeers.la $(CHECK_LIBS)
tests_check_samples_LDADD = libharness.la libbench.la $(CHECK_LIBS) -lm

EXTRA_PROGRAMS += tests/bench/neighbour
CLEANFILES += tests/bench/neighbour
tests_bench_neighbour_SOURCES = \
	tests/bench/hostile.c tests/bench/hostile.h \
	tests/bench/neighbour.c
tests_bench_neighbour_LDADD = libfake.la libintegration.la libcontig.la $(CHECK_LIBS)

# A healthy client beside one hostile neighbour after the other.
neighbours: contigd tests/bench/neighbour
	tests/bench/neighbour

check_PROGRAMS += tests/bench/soak
TESTS += tests/bench/soak
tests_bench_soak_SOURCES = \
	tests/bench/crowd.c tests/bench/crowd.h \
	tests/bench/soak.c
tests_bench_soak_LDADD = libintegration.la $(CHECK_LIBS)

# A million mixed requests, or as many as one likes: make soak SOAK_REQUESTS=N
SOAK_REQUESTS ?= 1000000
soak: contigd tests/bench/soak
	SOAK_REQUESTS=$(SOAK_REQUESTS) tests/bench/soak
endif
.PHONY: neighbours soak
