/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include "lib/call.h"
#include "lib/incoming.h"
#include "util/fd.h"

/*
 * Delivering what contig_alloc_start() began.  Callbacks run here and nowhere
 * else, without the lock, so that they may use the connection: allocate,
 * release, start the next one.  Each call is off the list before its callback
 * runs, so several threads may dispatch, and a callback may dispatch too.
 */

static struct call *next_finished(struct contig *contig)
{
	struct call *call = list_first(&contig->finished, struct call, link);

	if (call)
		list_remove(&call->link);
	else
		fd_clear_event(contig->event_fd);
	return call;
}

int contig_dispatch(struct contig *contig)
{
	struct call *call;
	int told = 0;

	if (connection_inherited(contig))
		return 0;
	pthread_mutex_lock(&contig->lock);
	if (!contig->reading) {
		incoming_receive(contig);
		pthread_cond_broadcast(&contig->changed);
	}
	while ((call = next_finished(contig))) {
		pthread_mutex_unlock(&contig->lock);
		call->settle(call, true);
		told++;
		pthread_mutex_lock(&contig->lock);
	}
	pthread_mutex_unlock(&contig->lock);
	return told;
}
