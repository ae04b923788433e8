# SPDX-License-Identifier: MIT
# daemon: contigd.  Everything but main.c is in libdaemon, which the tests link.

noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	daemon/account.c daemon/account.h \
	daemon/attempt.c daemon/attempt.h \
	daemon/backend.c daemon/backend.h \
	daemon/backend_devmem.c \
	daemon/backend_simulated.c \
	daemon/backend_udmabuf.c \
	daemon/banner.c daemon/banner.h \
	daemon/batch.c daemon/batch.h \
	daemon/bins.c daemon/bins.h \
	daemon/bitmap.c daemon/bitmap.h \
	daemon/btree.c daemon/btree.h \
	daemon/btree_cursor.c \
	daemon/btree_maxima.c \
	daemon/btree_node.c daemon/btree_node.h \
	daemon/btree_verify.c \
	daemon/bounce.c daemon/bounce.h \
	daemon/budget.c daemon/budget.h \
	daemon/buffer.c daemon/buffer.h \
	daemon/choice.c daemon/choice.h \
	daemon/client.c daemon/client.h \
	daemon/closer.c daemon/closer.h \
	daemon/closings.c daemon/closings.h \
	daemon/command_line.c daemon/command_line.h \
	daemon/credentials.c daemon/credentials.h \
	daemon/custody.c daemon/custody.h \
	daemon/damage.c daemon/damage.h \
	daemon/deed.c daemon/deed.h \
	daemon/device_memory.c daemon/device_memory.h \
	daemon/dirt.c daemon/dirt.h \
	daemon/dmabuf.c daemon/dmabuf.h \
	daemon/entry.c daemon/entry.h \
	daemon/extent.c daemon/extent.h \
	daemon/fit.c daemon/fit.h \
	daemon/file_pages.c daemon/file_pages.h \
	daemon/frames.c daemon/frames.h \
	daemon/guarantee.c daemon/guarantee.h \
	daemon/guard.c daemon/guard.h \
	daemon/hugepages.c daemon/hugepages.h \
	daemon/hugepool.c daemon/hugepool.h \
	daemon/inheritance.c daemon/inheritance.h \
	daemon/journal.c daemon/journal.h \
	daemon/kept.c daemon/kept.h \
	daemon/kernel_number.c daemon/kernel_number.h \
	daemon/kernel_release.c daemon/kernel_release.h \
	daemon/lease.c daemon/lease.h \
	daemon/lease_object.c daemon/lease_object.h \
	daemon/ledger.c daemon/ledger.h \
	daemon/ledger_check.c daemon/ledger_check.h \
	daemon/ledger_file.c daemon/ledger_file.h \
	daemon/ledger_form.h \
	daemon/lender.c daemon/lender.h \
	daemon/lending.c daemon/lending.h \
	daemon/listening.c daemon/listening.h \
	daemon/loan.c daemon/loan.h \
	daemon/loop.c daemon/loop.h \
	daemon/moderation.c daemon/moderation.h \
	daemon/manager.c daemon/manager.h \
	daemon/occupancy.c daemon/occupancy.h \
	daemon/offers.c daemon/offers.h \
	daemon/owner.c daemon/owner.h \
	daemon/parcel.c daemon/parcel.h \
	daemon/partitions.c daemon/partitions.h \
	daemon/patrol.c daemon/patrol.h \
	daemon/pattern.c daemon/pattern.h \
	daemon/policy.c daemon/policy.h \
	daemon/prepare.c daemon/prepare.h \
	daemon/privilege.c daemon/privilege.h \
	daemon/probes.c daemon/probes.h \
	daemon/pulse.c daemon/pulse.h \
	daemon/quota.c daemon/quota.h \
	daemon/reach.h \
	daemon/reaper.c daemon/reaper.h \
	daemon/refusal.c daemon/refusal.h \
	daemon/region.c daemon/region.h \
	daemon/registry.c daemon/registry.h \
	daemon/reply.c daemon/reply.h \
	daemon/request.c daemon/request.h \
	daemon/request_alloc.c daemon/request_alloc.h \
	daemon/request_check.c daemon/request_check.h \
	daemon/request_cpu.c daemon/request_cpu.h \
	daemon/request_list.c daemon/request_list.h \
	daemon/request_path.c daemon/request_path.h \
	daemon/restore.c daemon/restore.h \
	daemon/roll.c daemon/roll.h \
	daemon/round.c daemon/round.h \
	daemon/row.c daemon/row.h \
	daemon/run.h \
	daemon/schedule.c daemon/schedule.h \
	daemon/scrubber.c daemon/scrubber.h \
	daemon/sealed.c daemon/sealed.h \
	daemon/server.c daemon/server.h \
	daemon/service.c daemon/service.h \
	daemon/session.c daemon/session.h \
	daemon/setup.c daemon/setup.h \
	daemon/setup_custody.c daemon/setup_custody.h \
	daemon/setup_devicetree.c daemon/setup_devicetree.h \
	daemon/shelf.c daemon/shelf.h \
	daemon/shelf_queue.c daemon/shelf_queue.h \
	daemon/shelves.c daemon/shelves.h \
	daemon/space.c daemon/space.h \
	daemon/stock.c daemon/stock.h \
	daemon/timeslice.c daemon/timeslice.h \
	daemon/token.c daemon/token.h \
	daemon/tract.c daemon/tract.h \
	daemon/turns.c daemon/turns.h \
	daemon/udmabuf.c daemon/udmabuf.h \
	daemon/udmabuf_memory.c daemon/udmabuf_memory.h \
	daemon/udmabuf_probe.c daemon/udmabuf_probe.h \
	daemon/udmabuf_trial.c daemon/udmabuf_trial.h \
	daemon/udmabuf_window.c daemon/udmabuf_window.h \
	daemon/usable.c daemon/usable.h \
	daemon/vault.c daemon/vault.h \
	daemon/warden.c daemon/warden.h \
	daemon/wipe.c daemon/wipe.h \
	daemon/worker.c daemon/worker.h
libdaemon_la_CFLAGS = $(AM_CFLAGS) $(CAPNG_CFLAGS) $(EVENT_CFLAGS) $(SYSTEMD_CFLAGS)
libdaemon_la_LIBADD = libproto.la libdevicetree.la libconfiguration.la libutil.la \
	$(CAPNG_LIBS) $(EVENT_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += contigd
contigd_SOURCES = daemon/main.c
contigd_LDADD = libdaemon.la
EXTRA_DIST += daemon/request_path.list daemon/start.list tests/link_order
TESTS += tests/link_order
if ORDERED_LINKS
contigd_LDFLAGS = $(AM_LDFLAGS) -Wl,-T,daemon/link_order.ld
EXTRA_contigd_DEPENDENCIES = daemon/link_order.ld
CLEANFILES += daemon/link_order.ld
endif

# What a compiler splits off a function has its name with something behind a dot.
LIST_SECTIONS = $(AWK) '!/^\#/ { for (i = 2; i <= NF; i++) \
	printf("*(.text.%s .text.%s.* .text.startup.%s)\n", $$i, $$i, $$i) }'

daemon/link_order.ld: $(srcdir)/daemon/start.list \
		$(srcdir)/daemon/request_path.list
	$(AM_V_GEN)$(MKDIR_P) daemon && { \
		echo 'SECTIONS { .text.ordered : {' && \
		echo '*crt*.o(.text) start_begin = .;' && \
		$(LIST_SECTIONS) $(srcdir)/daemon/start.list && \
		echo 'start_end = .; . = ALIGN(64);' && \
		echo 'request_path_begin = .;' && \
		$(LIST_SECTIONS) $(srcdir)/daemon/request_path.list && \
		echo 'request_path_end = .; } } INSERT BEFORE .text;'; \
	} >$@.new && mv $@.new $@

if HAVE_CHECK
DAEMON_TESTS = \
	tests/check_account \
	tests/check_attempt \
	tests/check_backend_devmem \
	tests/check_backend_simulated \
	tests/check_backend_udmabuf \
	tests/check_banner \
	tests/check_batch \
	tests/check_bins \
	tests/check_bitmap \
	tests/check_bounce \
	tests/check_btree \
	tests/check_budget \
	tests/check_buffer \
	tests/check_choice \
	tests/check_client \
	tests/check_closer \
	tests/check_closings \
	tests/check_command_line \
	tests/check_credentials \
	tests/check_custody \
	tests/check_damage \
	tests/check_deed \
	tests/check_device_memory \
	tests/check_dirt \
	tests/check_dmabuf \
	tests/check_extent \
	tests/check_fit \
	tests/check_file_pages \
	tests/check_frames \
	tests/check_guarantee \
	tests/check_guard \
	tests/check_hugepages \
	tests/check_hugepool \
	tests/check_inheritance \
	tests/check_journal \
	tests/check_kept \
	tests/check_kernel_number \
	tests/check_kernel_release \
	tests/check_lease \
	tests/check_ledger \
	tests/check_ledger_check \
	tests/check_ledger_file \
	tests/check_lender \
	tests/check_lender_policy \
	tests/check_lending \
	tests/check_listening \
	tests/check_loan \
	tests/check_loop \
	tests/check_moderation \
	tests/check_manager \
	tests/check_occupancy \
	tests/check_offers \
	tests/check_owner \
	tests/check_parcel \
	tests/check_partitions \
	tests/check_patrol \
	tests/check_pattern \
	tests/check_policy \
	tests/check_prepare \
	tests/check_privilege \
	tests/check_probes \
	tests/check_pulse \
	tests/check_quota \
	tests/check_reaper \
	tests/check_reaper_budget \
	tests/check_refusal \
	tests/check_region \
	tests/check_registry \
	tests/check_reply \
	tests/check_request \
	tests/check_request_check \
	tests/check_restore \
	tests/check_restore_doubt \
	tests/check_roll \
	tests/check_round \
	tests/check_row \
	tests/check_schedule \
	tests/check_scrubber \
	tests/check_sealed \
	tests/check_server \
	tests/check_session \
	tests/check_stock \
	tests/check_setup \
	tests/check_setup_custody \
	tests/check_setup_devicetree \
	tests/check_shelf \
	tests/check_shelf_queue \
	tests/check_shelves \
	tests/check_space \
	tests/check_space_model \
	tests/check_timeslice \
	tests/check_token \
	tests/check_tract \
	tests/check_turns \
	tests/check_udmabuf \
	tests/check_udmabuf_memory \
	tests/check_udmabuf_probe \
	tests/check_udmabuf_window \
	tests/check_usable \
	tests/check_vault \
	tests/check_warden \
	tests/check_wipe \
	tests/check_worker
check_PROGRAMS += $(DAEMON_TESTS)
TESTS += $(DAEMON_TESTS)
tests_check_account_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_attempt_LDADD = libharness.la libfake.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_backend_devmem_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_backend_simulated_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_backend_udmabuf_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_banner_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_batch_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_bins_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_bitmap_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_bounce_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_btree_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_budget_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_buffer_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_choice_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_client_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_closer_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_closings_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_command_line_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_credentials_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_custody_LDADD = libcustodian.la libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_damage_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_deed_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_device_memory_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_dirt_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_dmabuf_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_extent_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_fit_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_file_pages_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_frames_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_guarantee_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_guard_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_hugepages_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_hugepool_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_inheritance_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_journal_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_kept_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_kernel_number_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_kernel_release_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_lease_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_ledger_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_ledger_check_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_ledger_file_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_lender_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_lender_policy_LDADD = libharness.la libfake.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_lending_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_listening_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_loan_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_loop_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_moderation_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_manager_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_occupancy_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_offers_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_owner_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_parcel_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_partitions_LDADD = libharness.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_patrol_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_pattern_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_policy_LDADD = libharness.la libfake.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_prepare_LDADD = libcustodian.la libharness.la libtreedir.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_privilege_LDADD = libharness.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_probes_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_pulse_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_quota_LDADD = libharness.la libfake.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_reaper_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_reaper_budget_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_refusal_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_region_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_registry_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_reply_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_request_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_request_check_LDADD = libharness.la libfake.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_restore_SOURCES = tests/check_restore.c tests/lives.c tests/lives.h
tests_check_restore_LDADD = libcustodian.la libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_restore_doubt_SOURCES = tests/check_restore_doubt.c tests/lives.c tests/lives.h
tests_check_restore_doubt_LDADD = libcustodian.la libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_roll_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_round_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_row_LDADD = libharness.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_schedule_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_scrubber_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_sealed_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_server_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_session_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_setup_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_setup_custody_LDADD = libcustodian.la libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_setup_devicetree_LDADD = libharness.la libtreedir.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_shelf_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_shelf_queue_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_shelves_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_space_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_space_model_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_stock_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_timeslice_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_token_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_tract_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_turns_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_udmabuf_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_udmabuf_memory_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_udmabuf_probe_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_udmabuf_window_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_usable_LDADD = libharness.la libfake.la libdaemon.la libconfiguration.la libutil.la $(CHECK_LIBS)
tests_check_vault_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_warden_LDADD = libharness.la libfake.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_wipe_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
tests_check_worker_LDADD = libharness.la libdaemon.la libutil.la $(CHECK_LIBS)
endif
