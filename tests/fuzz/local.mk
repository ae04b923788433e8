# SPDX-License-Identifier: MIT
# Fuzz targets.  With --enable-fuzzing each is a fuzzer, run by `make fuzz`;
# else it runs its seeds and fixtures as an ordinary test.

FUZZ_TARGETS = \
	tests/fuzz/config \
	tests/fuzz/deeds \
	tests/fuzz/devicetree \
	tests/fuzz/ledger \
	tests/fuzz/live_tree \
	tests/fuzz/messages \
	tests/fuzz/replies
check_PROGRAMS += $(FUZZ_TARGETS)

check_LTLIBRARIES += libfuzz.la
libfuzz_la_SOURCES = \
	tests/fuzz/fuzz.c tests/fuzz/fuzz.h \
	tests/fuzz/input.c tests/fuzz/input.h
libfuzz_la_LIBADD = libutil.la

# What the targets about devicetrees share.
check_LTLIBRARIES += libjudge.la
libjudge_la_SOURCES = \
	tests/fuzz/grow.c tests/fuzz/grow.h \
	tests/fuzz/judge.c tests/fuzz/judge.h
libjudge_la_LIBADD = libfuzz.la libdevicetree.la

# The main program: libFuzzer's own, or one that replays files.
check_LTLIBRARIES += libreplay.la
libreplay_la_SOURCES = tests/fuzz/replay.c
libreplay_la_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFUZZ_FOLDER='"$(abs_top_srcdir)/tests/fuzz"'
if FUZZING
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) $(CONTIG_FUZZER)
else
FUZZ_MAIN = libreplay.la
FUZZ_LINK = $(AM_LDFLAGS)
TESTS += $(FUZZ_TARGETS)
endif

tests_fuzz_config_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_config_LDADD = $(FUZZ_MAIN) libfuzz.la libconfiguration.la
tests_fuzz_deeds_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_deeds_LDADD = $(FUZZ_MAIN) libfuzz.la libdaemon.la
tests_fuzz_devicetree_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_devicetree_LDADD = $(FUZZ_MAIN) libjudge.la $(FDT_LIBS)
tests_fuzz_ledger_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_ledger_LDADD = $(FUZZ_MAIN) libfuzz.la libdaemon.la
tests_fuzz_live_tree_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_live_tree_LDADD = $(FUZZ_MAIN) libjudge.la
tests_fuzz_messages_SOURCES = \
	tests/fuzz/guest.c tests/fuzz/guest.h \
	tests/fuzz/messages.c \
	tests/fuzz/stage.c tests/fuzz/stage.h
tests_fuzz_messages_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_messages_LDADD = $(FUZZ_MAIN) libfuzz.la libdaemon.la
tests_fuzz_replies_SOURCES = \
	tests/fuzz/answers.c tests/fuzz/answers.h \
	tests/fuzz/liar.c tests/fuzz/liar.h \
	tests/fuzz/replies.c
tests_fuzz_replies_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_replies_LDADD = $(FUZZ_MAIN) libfuzz.la libproto.la libcontig.la

EXTRA_DIST += \
	tests/fuzz/README.md \
	tests/fuzz/config.dict \
	tests/fuzz/devicetree.dict \
	tests/fuzz/make_seeds \
	tests/fuzz/run \
	tests/fuzz/seeds

# Each target for FUZZ_SECONDS, FUZZ_JOBS of them at a time.
if FUZZING
fuzz: $(FUZZ_TARGETS)
	$(srcdir)/tests/fuzz/run $(FUZZ_TARGETS)
else
fuzz:
	@echo "make fuzz: configure with --enable-fuzzing CC=clang" >&2; exit 1
endif
.PHONY: fuzz
