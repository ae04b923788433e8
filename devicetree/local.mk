# SPDX-License-Identifier: MIT
# devicetree: what a board reserved, where it is, and what may be lent.  libfdt
# is seen by tree.c only.

noinst_LTLIBRARIES += libdevicetree.la
libdevicetree_la_SOURCES = \
	devicetree/adoption.c devicetree/adoption.h \
	devicetree/directory.c devicetree/directory.h \
	devicetree/evidence.c devicetree/evidence.h \
	devicetree/evidence_cma.c \
	devicetree/evidence_iomem.c \
	devicetree/evidence_log.c \
	devicetree/evidence_memblock.c \
	devicetree/overlap.c devicetree/overlap.h \
	devicetree/placement.c devicetree/placement.h \
	devicetree/references.c devicetree/references.h \
	devicetree/reserved.c devicetree/reserved.h \
	devicetree/tree.c devicetree/tree.h \
	devicetree/words.c devicetree/words.h
libdevicetree_la_LIBADD = libutil.la $(FDT_LIBS)

DEVICETREE_FIXTURES = \
	tests/devicetree/adoption.dts \
	tests/devicetree/board.dts \
	tests/devicetree/broken-nodes.dts \
	tests/devicetree/cells-0.dts \
	tests/devicetree/cells-1-1.dts \
	tests/devicetree/cells-1-2.dts \
	tests/devicetree/cells-2-1.dts \
	tests/devicetree/cells-3.dts \
	tests/devicetree/cells-missing.dts \
	tests/devicetree/cells-not-the-roots.dts \
	tests/devicetree/cells-two-values.dts \
	tests/devicetree/no-ranges.dts \
	tests/devicetree/no-reserved-memory.dts \
	tests/devicetree/phandle-circle.dts \
	tests/devicetree/phandle-duplicate.dts \
	tests/devicetree/phandle-unknown.dts \
	tests/devicetree/reserved-ranges.dts
EXTRA_DIST += $(DEVICETREE_FIXTURES)

if HAVE_DTC
check_DATA += $(DEVICETREE_FIXTURES:.dts=.dtb)
CLEANFILES += $(DEVICETREE_FIXTURES:.dts=.dtb)

# Forced and silent: most of these are broken on purpose.
SUFFIXES = .dts .dtb
.dts.dtb:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		$(DTC) -q -q -q -f -I dts -O dtb -o $@ $<
endif

if HAVE_CHECK
check_LTLIBRARIES += libtreedir.la
libtreedir_la_SOURCES = tests/treedir.c tests/treedir.h
libtreedir_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libtreedir_la_LIBADD = libutil.la

DEVICETREE_TESTS = \
	tests/check_adoption \
	tests/check_directory \
	tests/check_evidence \
	tests/check_evidence_cma \
	tests/check_evidence_iomem \
	tests/check_evidence_log \
	tests/check_evidence_memblock \
	tests/check_overlap \
	tests/check_placement \
	tests/check_references \
	tests/check_reserved \
	tests/check_tree \
	tests/check_words
check_PROGRAMS += $(DEVICETREE_TESTS)
TESTS += $(DEVICETREE_TESTS)
DEVICETREE_TEST_CPPFLAGS = $(AM_CPPFLAGS) \
	-DFIXTURES='"$(abs_builddir)/tests/devicetree"'
DEVICETREE_TEST_LIBS = libharness.la libtreedir.la libdevicetree.la \
	libutil.la $(CHECK_LIBS)
tests_check_adoption_CPPFLAGS = $(DEVICETREE_TEST_CPPFLAGS)
tests_check_adoption_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_directory_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_evidence_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_evidence_cma_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_evidence_iomem_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_evidence_log_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_evidence_memblock_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_overlap_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_placement_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_references_CPPFLAGS = $(DEVICETREE_TEST_CPPFLAGS)
tests_check_references_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_reserved_CPPFLAGS = $(DEVICETREE_TEST_CPPFLAGS)
tests_check_reserved_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_tree_CPPFLAGS = $(DEVICETREE_TEST_CPPFLAGS)
tests_check_tree_LDADD = $(DEVICETREE_TEST_LIBS)
tests_check_words_LDADD = $(DEVICETREE_TEST_LIBS)
endif
