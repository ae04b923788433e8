# SPDX-License-Identifier: MIT
dist_man_MANS += \
	man/contigctl.1 \
	man/contigd.conf.5
