/*
 * What the compiler calls in a debug build when the program does something the
 * language leaves undefined (-fsanitize=undefined, gcc 12 and clang 14). The
 * names of these functions and the shape of what they are given are the
 * compilers' own; each ends in a panic that says where and what.
 *
 * They are given a record the compiler wrote beside the code, and the values
 * in question. A value comes as itself in a register, whatever its type, and
 * is declared a pointer, as gcc insists. For most kinds there is a second
 * entry for builds that want to carry on afterwards. Here nobody does.
 */
#ifdef DEBUG

#include "lib/panic.h"
#include "lib/types.h"

struct place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t kind, info;
    char name[]; /* quoted */
};

/* Every record but one begins with the place; often a type follows. */
struct typed {
    struct place place;
    const struct type *type;
};

struct access {
    struct place place;
    const struct type *type;
    uint8_t log_alignment, kind;
};

struct argument {
    struct place place, attribute;
    int number;
};

#define DIE(at, format, ...)                                                   \
    panic("%s:%u: undefined behaviour: " format, (at)->file, (at)->line,       \
          ##__VA_ARGS__)

/* The two entries of a kind, which `kind`, a function below, reports on. */
#define ENTRY(name, parameters, report)                                        \
    _Noreturn void __ubsan_handle_##name parameters;                           \
    void __ubsan_handle_##name parameters                                      \
    {                                                                          \
        report;                                                                \
    }
#define ENTRIES(kind, parameters, arguments)                                   \
    ENTRY(kind, parameters, kind arguments)                                    \
    ENTRY(kind##_abort, parameters, kind arguments)
#define ENTRIES_1(kind) ENTRIES(kind, (void *at), (at))
#define ENTRIES_2(kind) ENTRIES(kind, (void *at, void *a), (at, a))
#define ENTRIES_3(kind) ENTRIES(kind, (void *at, void *a, void *b), (at, a, b))

static _Noreturn void add_overflow(struct typed *at, void *left, void *right)
{
    DIE(&at->place, "overflow in %p + %p, of %s", left, right, at->type->name);
}
ENTRIES_3(add_overflow)

static _Noreturn void sub_overflow(struct typed *at, void *left, void *right)
{
    DIE(&at->place, "overflow in %p - %p, of %s", left, right, at->type->name);
}
ENTRIES_3(sub_overflow)

static _Noreturn void mul_overflow(struct typed *at, void *left, void *right)
{
    DIE(&at->place, "overflow in %p * %p, of %s", left, right, at->type->name);
}
ENTRIES_3(mul_overflow)

static _Noreturn void divrem_overflow(struct typed *at, void *left, void *right)
{
    DIE(&at->place, "no result for %p / %p, of %s", left, right,
        at->type->name);
}
ENTRIES_3(divrem_overflow)

static _Noreturn void negate_overflow(struct typed *at, void *value)
{
    DIE(&at->place, "overflow in -%p, of %s", value, at->type->name);
}
ENTRIES_2(negate_overflow)

static _Noreturn void shift_out_of_bounds(struct typed *at, void *value,
                                          void *by)
{
    DIE(&at->place, "shift of %p, of %s, by %p", value, at->type->name, by);
}
ENTRIES_3(shift_out_of_bounds)

static _Noreturn void out_of_bounds(struct typed *at, void *index)
{
    DIE(&at->place, "index %p is outside %s", index, at->type->name);
}
ENTRIES_2(out_of_bounds)

static _Noreturn void type_mismatch_v1(struct access *at, void *address)
{
    uintptr_t mask = ((uintptr_t)1 << at->log_alignment) - 1;
    const char *why = "too small an object";

    if (!address)
        why = "null";
    else if ((uintptr_t)address & mask)
        why = "a misaligned address";
    DIE(&at->place, "access to %s as %s at %p", why, at->type->name, address);
}
ENTRIES_2(type_mismatch_v1)

static _Noreturn void pointer_overflow(struct place *at, void *from, void *to)
{
    DIE(at, "pointer arithmetic from %p to %p", from, to);
}
ENTRIES_3(pointer_overflow)

static _Noreturn void load_invalid_value(struct typed *at, void *value)
{
    DIE(&at->place, "%p is no value of %s", value, at->type->name);
}
ENTRIES_2(load_invalid_value)

static _Noreturn void vla_bound_not_positive(struct typed *at, void *bound)
{
    DIE(&at->place, "array of %p elements", bound);
}
ENTRIES_2(vla_bound_not_positive)

static _Noreturn void nonnull_arg(struct argument *at)
{
    DIE(&at->place, "argument %d may not be null", at->number);
}
ENTRIES_1(nonnull_arg)

/* This one's record tells only where the attribute stands. */
static _Noreturn void nonnull_return_v1(void *attribute, struct place *at)
{
    (void)attribute;
    DIE(at, "the result may not be null");
}
ENTRIES_2(nonnull_return_v1)

static _Noreturn void invalid_builtin(struct place *at)
{
    DIE(at, "counting the zero bits of zero");
}
ENTRIES_1(invalid_builtin)

/* clang's alone. */
static _Noreturn void alignment_assumption(struct place *at, void *address,
                                           uintptr_t alignment)
{
    DIE(at, "%p is not aligned to %zu as promised", address, alignment);
}
ENTRIES(alignment_assumption,
        (void *at, void *address, uintptr_t alignment, uintptr_t offset),
        (at, (char *)address - offset, alignment))

/* After these two nothing could be carried on with: they have one entry. */
static _Noreturn void builtin_unreachable(struct place *at)
{
    DIE(at, "reached what cannot be reached");
}
ENTRY(builtin_unreachable, (void *at), builtin_unreachable(at))

static _Noreturn void missing_return(struct place *at)
{
    DIE(at, "a function ends without its result");
}
ENTRY(missing_return, (void *at), missing_return(at))

#endif
