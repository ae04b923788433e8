/* SPDX-License-Identifier: MIT */
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * strtoull() takes signs and leading blanks and wraps negative numbers; what a
 * person typed as a size must not, so the first character is looked at here.
 */
static int parse_number(const char *text, uint64_t *valuep, const char **endp,
			struct error *why)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]) ||
	    (hex && !isxdigit((unsigned char)text[2])))
		return error_set(why, -EINVAL, "'%.64s' is not a number", text);
	errno = 0;
	value = strtoull(text, &end, hex ? 16 : 10);
	if (errno == ERANGE)
		return error_set(why, -ERANGE, "'%.64s' exceeds 2^64-1", text);
	*valuep = value;
	*endp = end;
	return 0;
}

int parse_u64(const char *text, uint64_t *valuep, struct error *why)
{
	const char *end;
	uint64_t value;
	int r = parse_number(text, &value, &end, why);

	if (r < 0)
		return r;
	if (*end)
		return error_set(why, -EINVAL, "'%.64s' is not a number", text);
	*valuep = value;
	return 0;
}

int parse_u32(const char *text, uint32_t max, uint32_t *valuep,
	      struct error *why)
{
	uint64_t value;
	int r = parse_u64(text, &value, why);

	if (r < 0)
		return r;
	if (value > max)
		return error_set(why, -ERANGE, "'%.64s' is more than %u", text,
				 max);
	*valuep = (uint32_t)value;
	return 0;
}

int parse_size(const char *text, uint64_t *bytesp, struct error *why)
{
	static const char units[] = "KMGTP";
	const char *end, *unit;
	unsigned int shift = 0;
	uint64_t value;
	int r = parse_number(text, &value, &end, why);

	if (r < 0)
		return r;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
		if (strcasecmp(end, "iB") == 0)
			end += 2;
	} else if (strcasecmp(end, "B") == 0) {
		end++;
	}
	if (*end)
		return error_set(why, -EINVAL,
				 "'%.64s' is not a size: a number, optionally "
				 "with K, M, G, T or P, is",
				 text);
	if (value > UINT64_MAX >> shift)
		return error_set(why, -ERANGE, "'%.64s' exceeds 2^64-1 bytes",
				 text);
	*bytesp = value << shift;
	return 0;
}

int parse_bool(const char *text, bool *valuep, struct error *why)
{
	static const char *const words[2][4] = {
		{"no", "false", "off", "0"},
		{"yes", "true", "on", "1"},
	};

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (strcasecmp(text, words[value][i]) == 0) {
				*valuep = value;
				return 0;
			}
	return error_set(why, -EINVAL, "'%.64s' is neither yes nor no", text);
}
