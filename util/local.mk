# SPDX-License-Identifier: MIT
# util: what every folder may use; knows nothing above it.

noinst_LTLIBRARIES += libutil.la
libutil_la_SOURCES = \
	util/cleanup.h \
	util/error.c util/error.h \
	util/fd.c util/fd.h \
	util/format.c util/format.h \
	util/list.h \
	util/log.c util/log.h \
	util/parse.c util/parse.h
