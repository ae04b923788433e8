# SPDX-License-Identifier: MIT
dist_man_MANS += \
	man/contigctl.1 \
	man/contigd.8 \
	man/contigd.conf.5 \
	man/libcontig.3

TESTS += tests/manual_pages
EXTRA_DIST += tests/manual_pages
