/* SPDX-License-Identifier: MIT */
#include <event2/event.h>

#include <signal.h>
#include <stddef.h>

/*
 * A program that links what contigd links and only loops: what a process of
 * these libraries costs before it does anything.  A signal ends it, as it ends
 * the daemon.
 */
static void on_end(evutil_socket_t signo, short what, void *data)
{
	(void)signo;
	(void)what;
	(void)event_base_loopbreak(data);
}

int main(void)
{
	struct event_base *base = event_base_new();
	struct event *end =
		base ? evsignal_new(base, SIGTERM, on_end, base) : NULL;

	if (!end || event_add(end, NULL) < 0)
		return 1;
	(void)event_base_dispatch(base);
	event_free(end);
	event_base_free(base);
	return 0;
}
