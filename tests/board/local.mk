# SPDX-License-Identifier: MIT
# The virtual board: scripts that run from the source tree.

EXTRA_DIST += \
	tests/board/archive.py \
	tests/board/build \
	tests/board/packages
