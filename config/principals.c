/* SPDX-License-Identifier: MIT */
#include "config/principals.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/parse.h"

/*
 * Lists of users and groups.  Names become numbers here, once, when the file
 * is read: rights are decided by the numbers that the kernel states, and a
 * user database that is slow or gone later must not be asked in the loop.
 *
 * An entry that is wrong gives nobody a right, so that a typing mistake can
 * only take rights away.
 */

/* -1 as a uid or gid means "none" to the kernel. */
#define HIGHEST_ID	   (UINT32_MAX - 1)
#define LOOKUP_BYTES_LIMIT (1024 * 1024)

static int append_id(uint32_t **idsp, size_t *np, uint32_t id)
{
	uint32_t *ids = reallocarray(*idsp, *np + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	ids[(*np)++] = id;
	*idsp = ids;
	return 0;
}

/* One look-up with a buffer of a given size: 0, -ENOENT or a negative errno. */
static int look_up_user(const char *name, char *buffer, size_t size,
			uint32_t *idp)
{
	struct passwd entry, *found;
	int r = getpwnam_r(name, &entry, buffer, size, &found);

	if (r == 0 && found)
		*idp = found->pw_uid;
	return r ? -r : found ? 0 : -ENOENT;
}

static int look_up_group(const char *name, char *buffer, size_t size,
			 uint32_t *idp)
{
	struct group entry, *found;
	int r = getgrnam_r(name, &entry, buffer, size, &found);

	if (r == 0 && found)
		*idp = found->gr_gid;
	return r ? -r : found ? 0 : -ENOENT;
}

/* With a buffer as large as the entry needs: groups can have many members. */
static int look_up(const char *name, bool is_group, uint32_t *idp)
{
	int r = -ERANGE;

	for (size_t size = 1024; r == -ERANGE && size <= LOOKUP_BYTES_LIMIT;
	     size *= 2) {
		_cleanup_free_ char *buffer = malloc(size);

		if (!buffer)
			return -ENOMEM;
		r = is_group ? look_up_group(name, buffer, size, idp)
			     : look_up_user(name, buffer, size, idp);
	}
	return r;
}

/* A number as it is, a name by the user database. */
static int resolve(const char *entry, bool is_group, uint32_t *idp,
		   struct error *why)
{
	const char *what = is_group ? "group" : "user";
	int r;

	if (isdigit((unsigned char)entry[0])) {
		r = parse_u32(entry, HIGHEST_ID, idp, why);
		return r < 0 ? error_prefix(why, r, "%s", what) : 0;
	}
	r = look_up(entry, is_group, idp);
	switch (r) {
	case 0:
	case -ENOMEM:
		return r;
	case -ENOENT:
	case -ESRCH:
	case -EBADF:
	case -EPERM: /* all of these mean that there is no such entry */
		return error_set(why, -ENOENT, "there is no %s '%.64s'", what,
				 entry);
	default:
		return error_set(why, r, "%s '%.64s' cannot be looked up: %s",
				 what, entry, strerror(-r));
	}
}

static int add_entry(void *data, char *entry, struct error *why)
{
	struct config_principals *principals = data;
	bool is_group = entry[0] == '@';
	uint32_t id;
	int r;

	if (strcmp(entry, "*") == 0) {
		principals->everybody = true;
		return 0;
	}
	if (entry[is_group] == '\0')
		return error_set(why, -EINVAL, "an entry of the list is empty");
	r = resolve(entry + is_group, is_group, &id, why);
	if (r < 0)
		return r;
	if (is_group)
		return append_id(&principals->gids, &principals->n_gids, id);
	return append_id(&principals->uids, &principals->n_uids, id);
}

int config_group_find(const char *text, uint32_t *gidp, struct error *why)
{
	return resolve(text, true, gidp, why);
}

int config_user_find(const char *text, uint32_t *uidp, struct error *why)
{
	return resolve(text, false, uidp, why);
}

int config_principals_add(struct config_principals *principals,
			  const struct config_list *list)
{
	return config_list_read(list, add_entry, principals);
}

void config_principals_deinit(struct config_principals *principals)
{
	free(principals->uids);
	free(principals->gids);
	*principals = (struct config_principals){.everybody = false};
}

static bool contains(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool config_principals_match(const struct config_principals *principals,
			     uint32_t uid, uint32_t gid, const uint32_t *groups,
			     size_t n_groups)
{
	if (principals->everybody ||
	    contains(principals->uids, principals->n_uids, uid) ||
	    contains(principals->gids, principals->n_gids, gid))
		return true;
	/* A process may have very many groups, a list has few. */
	for (size_t i = 0; n_groups > 0 && i < principals->n_gids; i++)
		if (bsearch(&principals->gids[i], groups, n_groups,
			    sizeof(*groups), by_number))
			return true;
	return false;
}
