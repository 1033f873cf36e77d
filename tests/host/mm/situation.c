/*
 * Situations to act in. See situation.h.
 */
/* sources: tests/host/mm/model.c */
#include "host/mm/situation.h"

#define RW (PROT_READ | PROT_WRITE)

uint64_t at(unsigned window, unsigned page)
{
    return model_address(model_window(window) + page);
}

static void map(struct process *p, unsigned window, uint8_t prot, int file)
{
    unsigned first = model_window(window);
    model_map(p, first, first + WINDOW_PAGES, prot, file, 0);
}

/* ---- Situations -------------------------------------------------------------
 */

struct process *empty(void)
{
    struct process *p = model_create(0);
    for (unsigned w = 0; w < WINDOWS; w++)
        map(p, w, RW, w == 1 ? 0 : -1);
    return p;
}

struct process *varied(void)
{
    struct process *p = empty();
    for (unsigned w = 0; w < WINDOWS; w++)
        for (unsigned page = 0; page < WINDOW_PAGES; page++)
            if (page % 3)
                model_write(p, at(w, page), 100, w * 16 + page, 0);
            else
                model_read(p, at(w, page), 1, 0);
    return p;
}

static struct process *fork_at(struct process *p, uint64_t write)
{
    return model_fork(p, write, write, 0);
}

struct process *shared(void)
{
    struct process *p = varied();
    fork_at(p, at(5, 0));
    return p;
}

struct process *linked(void)
{
    struct process *p = varied(), *child = fork_at(p, at(5, 0));
    for (unsigned w = 0; w < WINDOWS; w += 2) {
        model_read(p, at(w, 2), 1, 0);
        model_read(child, at(w, 9), 1, 0);
    }
    return child;
}

struct process *lazy_copies(void)
{
    struct process *p = varied(), *child = fork_at(p, at(0, 4));
    fork_at(child, at(1, 4));
    return child;
}

struct process *lazy_and_shared(void)
{
    struct process *p = varied(), *child = fork_at(p, at(0, 4));
    fork_at(child, at(5, 0));
    return child;
}

struct process *sealed_lazy_copy(void)
{
    struct process *p = varied(), *child;
    model_exit(fork_at(p, at(1, 2)));
    child = fork_at(p, at(5, 0));
    model_write(child, at(1, 9), 1, 6, 0);
    model_read(child, at(0, 2), 1, 0);
    model_exit(child);
    return p;
}

struct process *many_regions(void)
{
    struct process *p = model_create(0);
    for (unsigned i = 0; i < 8; i++)
        model_map(p, 2 * i, 2 * i + 1, RW, -1, 0);
    fork_at(p, 0);
    return p;
}

void all_exit(void)
{
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].space)
            model_exit(&processes[i]);
}
