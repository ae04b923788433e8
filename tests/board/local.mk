# SPDX-License-Identifier: MIT
# The virtual board: scripts that run from the source tree, and the programs
# that run in the guest, which every build compiles so that they stay sound.

EXTRA_DIST += \
	tests/board/README.md \
	tests/board/archive.py \
	tests/board/board \
	tests/board/board.dts \
	tests/board/build \
	tests/board/check_scripts \
	tests/board/closing.py \
	tests/board/cpio.py \
	tests/board/figures.py \
	tests/board/guest/board.service \
	tests/board/guest/board.sysusers \
	tests/board/guest/control \
	tests/board/image.py \
	tests/board/machine.py \
	tests/board/packages \
	tests/board/proofs.py \
	tests/board/register.py \
	tests/board/restarts.py \
	tests/board/reuse.py \
	tests/board/service.py \
	tests/board/setting.py \
	tests/board/show.py

TESTS += tests/board/check_scripts

check_PROGRAMS += \
	tests/board/guest/as \
	tests/board/guest/camera \
	tests/board/guest/client \
	tests/board/guest/edu \
	tests/board/guest/fence \
	tests/board/guest/hugeframes \
	tests/board/guest/intruder \
	tests/board/guest/isolation \
	tests/board/guest/misaligned \
	tests/board/guest/reuse \
	tests/board/guest/stream

tests_board_guest_camera_SOURCES = \
	tests/board/guest/camera.c \
	tests/board/guest/video.c \
	tests/board/guest/video.h
tests_board_guest_camera_LDADD = libcontig.la
tests_board_guest_client_SOURCES = \
	tests/board/guest/client.c \
	tests/board/guest/pattern.h
tests_board_guest_client_LDADD = libcontig.la
tests_board_guest_fence_LDADD = libcontig.la
tests_board_guest_isolation_SOURCES = \
	tests/board/guest/isolation.c \
	tests/board/guest/pattern.h
tests_board_guest_isolation_LDADD = libcontig.la
tests_board_guest_intruder_SOURCES = \
	tests/board/guest/intruder.c \
	proto/message.h
tests_board_guest_reuse_LDADD = libcontig.la
tests_board_guest_stream_SOURCES = \
	tests/board/guest/stream.c \
	tests/board/guest/video.c \
	tests/board/guest/video.h
tests_board_guest_stream_LDADD = libcontig.la

# What goes onto the board: its own programs, and the unit tests of what touches
# the machine, which skip elsewhere for want of a device or privilege.
board_programs = $(filter tests/board/guest/% \
	tests/check_backend_% \
	tests/check_closings \
	tests/check_device_memory \
	tests/check_dmabuf \
	tests/check_evidence% \
	tests/check_hugepages \
	tests/check_hugepool \
	tests/check_lease \
	tests/check_libcontig_import \
	tests/check_placement \
	tests/check_udmabuf%, \
	$(check_PROGRAMS)) \
	tests/bench/idle

board-programs: $(board_programs)
.PHONY: board-programs
