/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BANNER_H
#define DAEMON_BANNER_H

#include <stddef.h>

#include "daemon/loop.h"
#include "daemon/service.h"
#include "util/cleanup.h"

/* The line in which the service manager shows what the daemon does. */

#define BANNER_BYTES 160
#define BANNER_MS    1000 /* between two of them, at least */

struct banner;

/* What there is to say now. */
void banner_write(char text[BANNER_BYTES], const struct service *service);

/* Calls show with each new line from now on, until it is freed; what there is to
 * say now counts as said.  All is borrowed.  0 or -ENOMEM. */
int banner_new(struct banner **bannerp, struct loop *loop,
	       struct service *service, void (*show)(const char *text));
/* Before the service and the lender. */
struct banner *banner_free(struct banner *banner);
DEFINE_CLEANUP(struct banner *, banner_free)

#endif
