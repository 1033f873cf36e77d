/*
 * Doubly linked rings. A `struct list` is the head of a ring, or the link in an
 * object that can be in one; an empty head points at itself. A ring has no
 * ends, so to insert or remove needs neither a branch nor the head. Nothing can
 * fail. The caller guards the ring; there are no locks here.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

/* The object of type `type` whose field `member` lies at `address`. */
#define container_of(address, type, member)                                    \
    ((type *)((uintptr_t)(address)-offsetof(type, member)))

/* The object whose link `member` is `node`. */
#define list_entry(node, type, member) container_of(node, type, member)

/* Visits each object in the ring `head` in order, as `var`, a pointer to the
 * object's type. The ring must not change meanwhile, except at its tail.
 * Afterwards `var` is the last object visited. */
#define list_for_each(var, head, member)                                       \
    for (struct list *at_ = (head)->next;                                      \
         at_ != (head) &&                                                      \
         ((var) = list_entry(at_, __typeof__(*(var)), member), true);          \
         at_ = at_->next)

/* Like list_for_each, but the body may remove or free its object. */
#define list_for_each_safe(var, head, member)                                  \
    for (struct list *at_ = (head)->next, *after_ = at_->next;                 \
         at_ != (head) &&                                                      \
         ((var) = list_entry(at_, __typeof__(*(var)), member), true);          \
         at_ = after_, after_ = at_->next)

/* Makes `node` an empty ring, or a link that is in none. */
static inline void list_init(struct list *node)
{
    node->prev = node;
    node->next = node;
}

/* Whether the ring `head` is empty. */
static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Whether `node`, which is initialised, is in a ring. */
static inline bool list_is_linked(const struct list *node)
{
    return node->next != node;
}

/* Puts `node`, which is in no ring, just before `position`. */
static inline void list_insert_before(struct list *position, struct list *node)
{
    struct list *before = position->prev;
    node->prev = before;
    node->next = position;
    before->next = node;
    position->prev = node;
}

/* Puts `node`, which is in no ring, first in the ring `head`. */
static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

/* Puts `node`, which is in no ring, last in the ring `head`. */
static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

/* Takes `node` out of its ring, if it is in one. */
static inline void list_remove(struct list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    list_init(node);
}

/* The first link in the ring `head`, or NULL. */
static inline struct list *list_first(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

/* Takes the first link out of the ring `head` and returns it, or NULL. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = list_first(head);
    if (node)
        list_remove(node);
    return node;
}

#endif
