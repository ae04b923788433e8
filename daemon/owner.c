/* SPDX-License-Identifier: MIT */
#include "daemon/owner.h"

#include <errno.h>

#include "util/broken.h"

/*
 * Who a buffer was lent to.  The connection counts as one client of its uid;
 * what its buffers cost is charged to the uid's account by the buffers
 * themselves, since they may stay when the connection has gone.
 */

int owner_init(struct owner *owner, struct accounts *accounts, uint32_t uid)
{
	owner->account = account_get_ref(accounts, uid);
	if (!owner->account)
		return -ENOMEM;
	list_init(&owner->buffers);
	owner->n_buffers = 0;
	owner->bytes = 0;
	owner->accounts = accounts;
	owner->account->n_clients++;
	return 0;
}

void owner_deinit(struct owner *owner)
{
	if (!list_empty(&owner->buffers))
		broken("a connection ends with %zu buffers still on it",
		       owner->n_buffers);
	owner->account->n_clients--;
	owner->account = account_unref(owner->accounts, owner->account);
}
