# SPDX-License-Identifier: MIT
# systemd: units, and the group and directory that they need.  The paths in the
# units are make's and not configure's: only make knows what prefix ends up as.

systemdsystemunit_DATA = \
	systemd/contigd.service \
	systemd/contigd.socket
EXTRA_DIST += \
	systemd/contigd.service.in \
	systemd/contigd.socket.in
CLEANFILES += $(systemdsystemunit_DATA)

dist_sysusers_DATA = systemd/sysusers.d/contigd.conf
dist_tmpfiles_DATA = systemd/tmpfiles.d/contigd.conf

CONTIG_FILL_IN = $(MKDIR_P) systemd && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@socket[@]|$(CONTIG_DEFAULT_SOCKET)|g'

systemd/contigd.service: $(top_srcdir)/systemd/contigd.service.in Makefile
	$(AM_V_GEN)$(CONTIG_FILL_IN) $(top_srcdir)/systemd/contigd.service.in > $@

systemd/contigd.socket: $(top_srcdir)/systemd/contigd.socket.in Makefile
	$(AM_V_GEN)$(CONTIG_FILL_IN) $(top_srcdir)/systemd/contigd.socket.in > $@

TESTS += tests/systemd_units
EXTRA_DIST += tests/systemd_units
