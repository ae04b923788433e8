/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * Gathers what the running system shows, once, as text: the sources then read
 * the text, and a test gives them any text it likes.
 *
 * Each part is missing where the process may not see it.  The kernel log takes
 * CAP_SYSLOG where kernel.dmesg_restrict is set; /proc/iomem shows zeros for
 * addresses without CAP_SYS_ADMIN; debugfs is root's.  On a long-running
 * machine the log has lost its beginning, which is where memory is placed.
 */

#define EVIDENCE_MAX_BYTES (16u << 20)

/* syslog(2) names these by number only. */
enum {
	KLOG_READ_ALL = 3,
	KLOG_SIZE_BUFFER = 10,
};

static int read_kernel_log(char **textp)
{
	int size = klogctl(KLOG_SIZE_BUFFER, NULL, 0);
	_cleanup_free_ char *text = NULL;
	int len;

	if (size <= 0)
		return 0;
	text = malloc((size_t)size + 1);
	if (!text)
		return -ENOMEM;
	len = klogctl(KLOG_READ_ALL, text, size);
	if (len < 0)
		return 0;
	text[len] = '\0';
	*textp = TAKE_PTR(text);
	return 0;
}

static int read_text(const char *path, char **textp)
{
	size_t len;
	int r = fd_read_file(path, EVIDENCE_MAX_BYTES, textp, &len);

	return r == -ENOMEM ? r : 0;
}

int evidence_read(struct evidence *evidence)
{
	static const char cma[] = "/sys/kernel/debug/cma";
	int r;

	memset(evidence, 0, sizeof(*evidence));
	r = read_kernel_log(&evidence->kernel_log);
	if (r == 0)
		r = read_text("/proc/iomem", &evidence->iomem);
	if (r == 0)
		r = read_text("/sys/kernel/debug/memblock/reserved",
			      &evidence->memblock);
	if (r == 0 && access(cma, R_OK | X_OK) == 0) {
		evidence->debugfs_cma = strdup(cma);
		if (!evidence->debugfs_cma)
			r = -ENOMEM;
	}
	if (r < 0)
		evidence_deinit(evidence);
	return r;
}

void evidence_deinit(struct evidence *evidence)
{
	free(evidence->kernel_log);
	free(evidence->iomem);
	free(evidence->memblock);
	free(evidence->debugfs_cma);
	memset(evidence, 0, sizeof(*evidence));
}

int evidence_answer_add(struct evidence_answer *answer, uint64_t base,
			uint64_t size_bytes)
{
	size_t n = answer->n_ranges;

	/* Room doubles at powers of two, so it need not be kept. */
	if ((n & (n - 1)) == 0) {
		struct reserved_range *grown = reallocarray(
			answer->ranges, n ? n * 2 : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		answer->ranges = grown;
	}
	answer->ranges[answer->n_ranges++] =
		(struct reserved_range){base, size_bytes};
	return 0;
}

int evidence_answer_join(struct evidence_answer *answer, uint64_t base,
			 uint64_t size_bytes)
{
	if (answer->n_ranges > 0) {
		struct reserved_range *last =
			&answer->ranges[answer->n_ranges - 1];
		uint64_t joined;

		if (last->base + last->size_bytes == base &&
		    !__builtin_add_overflow(last->size_bytes, size_bytes,
					    &joined)) {
			last->size_bytes = joined;
			return 0;
		}
	}
	return evidence_answer_add(answer, base, size_bytes);
}

void evidence_answer_deinit(struct evidence_answer *answer)
{
	free(answer->ranges);
	memset(answer, 0, sizeof(*answer));
}

bool evidence_next_line(const char **textp, const char **linep, size_t *lenp)
{
	if (!**textp)
		return false;
	*linep = *textp;
	*lenp = strcspn(*textp, "\n");
	*textp += *lenp;
	if (**textp)
		(*textp)++;
	return true;
}

bool evidence_parse_number(const char **textp, unsigned int radix,
			   uint64_t *valuep)
{
	const char *text = *textp;
	unsigned long long value;
	char *end;

	if (radix == 16 && text[0] == '0' && text[1] == 'x' &&
	    isxdigit((unsigned char)text[2]))
		text += 2;
	/* strtoull() would skip blanks and take a sign. */
	if (!isxdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoull(text, &end, (int)radix);
	if (errno || end == text)
		return false;
	*valuep = value;
	*textp = end;
	return true;
}

bool evidence_skip(const char **textp, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*textp, prefix, len) != 0)
		return false;
	*textp += len;
	return true;
}
