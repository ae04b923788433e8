/* SPDX-License-Identifier: MIT */
#include "proto/text.h"

#include <string.h>

/*
 * Names and sentences cross a border of trust in both directions and end on
 * terminals, in logs and in JSON.  So the wire carries only what every one of
 * those takes as it is, and a field has exactly one spelling for each text:
 * bytes behind the NUL would be a place to leak memory or to smuggle data.
 *
 * Region names come from devicetrees and error texts quote them; therefore
 * text_put() repairs instead of failing.  What a client sends is not repaired
 * but judged, by text_check().
 */

static bool printable(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

int text_check(const char *field, size_t size)
{
	size_t len = strnlen(field, size);

	if (len == size)
		return TEXT_E_OPEN;
	/* the rest is as the NUL in front of it */
	if (memcmp(field + len, field + len + 1, size - len - 1) != 0)
		return TEXT_E_OPEN;
	for (size_t i = 0; i < len; i++)
		if (!printable(field[i]))
			return TEXT_E_UNPRINTABLE;
	return 0;
}

void text_put(char *field, size_t size, const char *string)
{
	size_t len = strnlen(string, size - 1);

	for (size_t i = 0; i < len; i++)
		field[i] = printable(string[i]) ? string[i] : '?';
	memset(field + len, 0, size - len);
}

bool text_fits(const char *string, size_t size)
{
	size_t len = strnlen(string, size);

	if (len == size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!printable(string[i]))
			return false;
	return true;
}
