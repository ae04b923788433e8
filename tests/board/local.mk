# SPDX-License-Identifier: MIT
# The virtual board: scripts that run from the source tree.

EXTRA_DIST += \
	tests/board/archive.py \
	tests/board/board.dts \
	tests/board/build \
	tests/board/guest/init \
	tests/board/image.py \
	tests/board/machine.py \
	tests/board/packages
