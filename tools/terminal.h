/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include "tools/picture.h"

/* What may be drawn on fd: the width of a terminal, else of the variable
 * COLUMNS, else 80; Unicode where the locale's character set is UTF-8; colours
 * only on a terminal that is not "dumb" and where NO_COLOR is unset or empty. */
void terminal_look(int fd, struct picture_style *style);

#endif
