/* SPDX-License-Identifier: MIT */
#include "daemon/account.h"

#include <stdlib.h>

#include "util/broken.h"

/*
 * One book for each uid that uses anything.  It is opened by the first
 * reference (a connection) and closed by the last one (a connection or a
 * buffer that is still held by somebody), so there are never more of them than
 * connections and buffers.  Limits are decided by whoever charges.
 */

static int by_uid(const struct account *a, const struct account *b)
{
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

RB_GENERATE_PRIVATE(account_tree, account, node, by_uid)

void accounts_init(struct accounts *accounts)
{
	RB_INIT(&accounts->tree);
}

struct account *account_get_ref(struct accounts *accounts, uint32_t uid)
{
	struct account key = {.uid = uid};
	struct account *account = RB_FIND(account_tree, &accounts->tree, &key);

	if (account)
		return account_ref(account);
	account = calloc(1, sizeof(*account));
	if (!account)
		return NULL;
	account->uid = uid;
	account->references = 1;
	list_init(&account->turns);
	list_init(&account->turn_link);
	(void)RB_INSERT(account_tree, &accounts->tree, account);
	return account;
}

struct account *account_ref(struct account *account)
{
	account->references++;
	return account;
}

struct account *account_unref(struct accounts *accounts, struct account *account)
{
	if (!account || --account->references > 0)
		return NULL;
	if (account->n_clients > 0 || account->n_buffers > 0 ||
	    account->bytes > 0)
		broken("the account of uid %u closes with charges on it",
		       account->uid);
	(void)RB_REMOVE(account_tree, &accounts->tree, account);
	free(account);
	return NULL;
}

const struct account *account_find(struct accounts *accounts, uint32_t uid)
{
	struct account key = {.uid = uid};

	return RB_FIND(account_tree, &accounts->tree, &key);
}
