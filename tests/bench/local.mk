# SPDX-License-Identifier: MIT
# Measurements: built and run by `make bench` alone, and no part of the tests.

EXTRA_PROGRAMS += tests/bench/idle
EXTRA_DIST += tests/bench/bench
CLEANFILES += tests/bench/idle

tests_bench_idle_LDADD = libcontig.la

bench: contigd contigctl tests/bench/idle
	$(srcdir)/tests/bench/bench
.PHONY: bench
