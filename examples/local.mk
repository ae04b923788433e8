# SPDX-License-Identifier: MIT
# examples: one program for each use of libcontig, as a program outside the
# tree would be written.  They run against a daemon in the integration tests.

noinst_PROGRAMS += \
	examples/allocate \
	examples/constraints \
	examples/poll_loop \
	examples/refusal \
	examples/regions \
	examples/share

examples_allocate_LDADD = libcontig.la
examples_constraints_LDADD = libcontig.la
examples_poll_loop_LDADD = libcontig.la
examples_refusal_LDADD = libcontig.la
examples_regions_LDADD = libcontig.la
examples_share_LDADD = libcontig.la
