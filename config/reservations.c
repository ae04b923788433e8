/* SPDX-License-Identifier: MIT */
#include "config/reservations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/parse.h"

/*
 *	reserve = camera:64M, @video:32M below 4G
 *
 * Whose it is comes first, as in the lists of rights, and neither a user's nor
 * a group's name can have a colon in it.  An address that the piece must end
 * below is for devices that do not reach everything: a piece that their user
 * cannot give them would be reserved in vain.
 */

static void reservation_deinit(struct config_reservation *reservation)
{
	free(reservation->name);
	config_principals_deinit(&reservation->who);
}

/* Where complaints of the one name in an entry go. */
struct single {
	struct error *why;
	bool wrong;
};

static void complain_of_name(void *data, const char *reason)
{
	struct single *single = data;

	error_write(single->why, "%s", reason);
	single->wrong = true;
}

static int set_who(struct config_reservation *reservation, const char *name,
		   struct error *why)
{
	struct single single = {.why = why};
	const struct config_list list = {
		.text = name,
		.complain = complain_of_name,
		.data = &single,
	};
	int r = config_principals_add(&reservation->who, &list);

	if (r < 0)
		return r;
	if (single.wrong)
		return -EINVAL;
	if (reservation->who.everybody)
		return error_set(why, -EINVAL,
				 "what is for everybody is not reserved");
	if (reservation->who.n_uids + reservation->who.n_gids != 1)
		return error_set(why, -EINVAL, "the name is missing");
	reservation->name = strdup(name);
	return reservation->name ? 0 : -ENOMEM;
}

/* SIZE, or SIZE below ADDRESS. */
static int set_place(struct config_reservation *reservation, char *text,
		     struct error *why)
{
	static const char word[] = "below";
	char *size = config_list_trim(text);
	char *rest = size + strcspn(size, " \t");
	int r;

	if (*rest) {
		*rest++ = '\0';
		rest = config_list_trim(rest);
		if (strncmp(rest, word, strlen(word)) != 0)
			return error_set(why, -EINVAL,
					 "'%.64s' is not 'below ADDRESS'", rest);
		rest = config_list_trim(rest + strlen(word));
		r = parse_size(rest, &reservation->below, why);
		if (r < 0)
			return r;
		if (reservation->below == 0)
			return error_set(why, -EINVAL,
					 "there is nothing below address 0");
	}
	r = parse_size(size, &reservation->size_bytes, why);
	if (r < 0)
		return r;
	if (reservation->size_bytes == 0)
		return error_set(why, -EINVAL, "a size of 0 reserves nothing");
	return 0;
}

static int read_entry(struct config_reservation *reservation, char *entry,
		      struct error *why)
{
	char *colon = strchr(entry, ':');
	int r;

	if (*entry == '\0')
		return error_set(why, -EINVAL, "an entry of the list is empty");
	if (!colon)
		return error_set(why, -EINVAL, "'%.64s' is not NAME:SIZE",
				 entry);
	*colon++ = '\0';
	r = set_who(reservation, config_list_trim(entry), why);
	if (r == 0)
		r = set_place(reservation, colon, why);
	return r;
}

static int append(struct config_reservations *reservations,
		  struct config_reservation *reservation)
{
	struct config_reservation *items = reallocarray(
		reservations->items, reservations->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	reservations->items = items;
	items[reservations->n++] = *reservation;
	*reservation = (struct config_reservation){.name = NULL};
	return 0;
}

/* A list on its way into the reservations. */
struct addition {
	struct config_reservations *reservations;
	unsigned int line;
};

static int add_entry(void *data, char *entry, struct error *why)
{
	const struct addition *addition = data;
	_cleanup_(reservation_deinit) struct config_reservation one = {
		.line = addition->line};
	int r = read_entry(&one, entry, why);

	return r < 0 ? r : append(addition->reservations, &one);
}

int config_reservations_add(struct config_reservations *reservations,
			    const struct config_list *list)
{
	struct addition addition = {reservations, list->line};

	return config_list_read(list, add_entry, &addition);
}

void config_reservations_deinit(struct config_reservations *reservations)
{
	for (size_t i = 0; i < reservations->n; i++)
		reservation_deinit(&reservations->items[i]);
	free(reservations->items);
	*reservations = (struct config_reservations){.n = 0};
}
