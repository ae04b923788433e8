/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_COMPLAIN_H
#define TOOLS_COMPLAIN_H

/* Exit status where the command line cannot be understood; 1 (EXIT_FAILURE) is
 * for what was understood and failed. */
#define STATUS_USAGE 2

/* Writes one line to standard error, with the program's name in front. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
