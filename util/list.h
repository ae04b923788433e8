/* SPDX-License-Identifier: MIT */
#ifndef UTIL_LIST_H
#define UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An intrusive, circular, doubly linked list.  The head is a node itself; a
 * node that is on no list points at itself, so unlinking twice is harmless.
 * A link field's comment names the head it hangs on: `link; // region::buffers`.
 */
struct list {
	struct list *prev;
	struct list *next;
};

#define LIST_INIT(name)                                                        \
	{                                                                      \
		&(name), &(name)                                               \
	}

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_prepend(struct list *head, struct list *node)
{
	list_append(head->next, node);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves everything on from to the end of head; from is empty afterwards. */
static inline void list_splice(struct list *head, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = head->prev;
	from->prev->next = head;
	head->prev->next = from->next;
	head->prev = from->prev;
	list_init(from);
}

#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The first entry, or NULL where the list is empty. */
#define list_first(head, type, member)                                         \
	(list_empty(head) ? NULL : container_of((head)->next, type, member))

#define list_for_each(pos, head, member)                                       \
	for ((pos) = container_of((head)->next, __typeof__(*(pos)), member);   \
	     &(pos)->member != (head);                                         \
	     (pos) = container_of((pos)->member.next, __typeof__(*(pos)),      \
				  member))

/* As above; pos itself may be unlinked or freed in the body. */
#define list_for_each_safe(pos, tmp, head, member)                             \
	for ((pos) = container_of((head)->next, __typeof__(*(pos)), member),   \
	    (tmp) = container_of((pos)->member.next, __typeof__(*(pos)),       \
				 member);                                      \
	     &(pos)->member != (head); (pos) = (tmp),                          \
	    (tmp) = container_of((tmp)->member.next, __typeof__(*(pos)), member))

#endif
