/* SPDX-License-Identifier: MIT */
#include "daemon/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION /* the text says where, in words */
#include <systemd/sd-journal.h>

/*
 * The journal keeps a message's priority and what it is about as fields, so
 * that `journalctl CONTIG_REGION=camera` finds everything that happened to a
 * region.  It is used where standard error would end up there anyway: the
 * device and inode in $JOURNAL_STREAM are those of descriptor 2.  A daemon that
 * is started by hand, or whose error output goes to a file, writes text.
 */

#define FIELD_BYTES 1088 /* a message's text and its field's name */

bool journal_is_connected(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t device, inode;
	struct stat st;

	return stream &&
	       sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

#define FIELD(format, ...)                                                 \
	do {                                                               \
		(void)snprintf(room[n], FIELD_BYTES, format, __VA_ARGS__); \
		iov[n].iov_base = room[n];                                 \
		iov[n].iov_len = strlen(room[n]);                          \
		n++;                                                       \
	} while (0)

void journal_sink(enum log_level level, const struct log_fields *fields,
		  const char *text)
{
	char room[6][FIELD_BYTES];
	struct iovec iov[6];
	size_t n = 0;

	FIELD("MESSAGE=%s", text);
	FIELD("PRIORITY=%d", (int)level);
	FIELD("SYSLOG_IDENTIFIER=%s", "contigd");
	if (fields && fields->region)
		FIELD("CONTIG_REGION=%s", fields->region);
	if (fields && fields->buffer)
		FIELD("CONTIG_BUFFER=%s", fields->buffer);
	if (fields && fields->has_uid)
		FIELD("CONTIG_UID=%" PRIu32, fields->uid);
	(void)sd_journal_sendv(iov, (int)n);
}
