/*
 * grep PATTERN [FILE...]: shows the lines that hold the pattern. In it . is
 * any byte, [a-z] one of a set, [^a-z] one outside it, * any number of what
 * stands before it, ^ and $ the line's ends, and \ takes the next byte as it
 * is. Status: 0 a line was shown, 1 none was, 2 an error.
 *
 * The pattern becomes a row of atoms. Bit i of a 64-bit set says that all atoms
 * before the i-th have matched some text that ends here; a line is one pass
 * over its bytes with that set, so no pattern is slow and nothing recurses.
 */
#include "calf.h"
#include "kernel/fcntl.h"

#define MAX_ATOMS  63
#define LINE_BYTES (16 << 10) /* a longer line is treated as several */

enum atom_kind { ATOM_BYTE, ATOM_ANY, ATOM_SET };

struct atom {
    enum atom_kind kind;
    int repeats;      /* followed by * */
    char byte;        /* ATOM_BYTE */
    int inverted;     /* ATOM_SET: [^...] */
    const char *from; /* ATOM_SET: the text between the brackets */
    const char *to;
};

static struct atom atoms[MAX_ATOMS];
static uint atom_count;
static int at_start, at_end; /* the pattern has ^, has $ */

static void bad_pattern(const char *why)
{
    fprintf(2, "grep: bad pattern: %s\n", why);
    exit(2);
}

static const char *compile_set(struct atom *a, const char *p)
{
    a->kind = ATOM_SET;
    a->inverted = *p == '^';
    p += a->inverted;
    a->from = p;
    /* A ] that comes first is one of the set. */
    do {
        if (*p == '\0')
            bad_pattern("[ without ]");
        p++;
    } while (*p != ']');
    a->to = p;
    return p + 1;
}

static const char *compile_atom(struct atom *a, const char *p)
{
    if (*p == '[')
        return compile_set(a, p + 1);
    if (*p == '.') {
        a->kind = ATOM_ANY;
        return p + 1;
    }
    if (*p == '\\' && *++p == '\0')
        bad_pattern("\\ at the end");
    a->kind = ATOM_BYTE;
    a->byte = *p;
    return p + 1;
}

static void compile(const char *p)
{
    at_start = *p == '^';
    p += at_start;
    while (*p != '\0') {
        if (p[0] == '$' && p[1] == '\0') {
            at_end = 1;
            return;
        }
        if (atom_count == MAX_ATOMS)
            bad_pattern("more than 63 parts");
        p = compile_atom(&atoms[atom_count], p);
        if (*p == '*') {
            atoms[atom_count].repeats = 1;
            p++;
        }
        atom_count++;
    }
}

static int set_has(const struct atom *a, char c)
{
    int found = 0;

    for (const char *p = a->from; p < a->to; p++) {
        if (p + 2 < a->to && p[1] == '-') {
            found |= (uchar)c >= (uchar)p[0] && (uchar)c <= (uchar)p[2];
            p += 2;
        } else {
            found |= *p == c;
        }
    }
    return found != a->inverted;
}

static int atom_takes(const struct atom *a, char c)
{
    if (a->kind == ATOM_SET)
        return set_has(a, c);
    return a->kind == ATOM_ANY || a->byte == c;
}

/* Adds what is reached without a byte: a repeated atom may match nothing. */
static uint64 skip_repeats(uint64 states)
{
    for (uint i = 0; i < atom_count; i++) {
        if (atoms[i].repeats && (states >> i & 1))
            states |= 1UL << (i + 1);
    }
    return states;
}

static uint64 step(uint64 states, char c)
{
    uint64 next = 0;

    for (uint i = 0; i < atom_count; i++) {
        if ((states >> i & 1) && atom_takes(&atoms[i], c))
            next |= 1UL << (atoms[i].repeats ? i : i + 1);
    }
    return next;
}

static int matches(const char *line, uint length)
{
    uint64 done = 1UL << atom_count;
    uint64 states = skip_repeats(1);

    for (uint i = 0; i < length; i++) {
        if (!at_end && (states & done))
            return 1;
        states = step(states, line[i]);
        if (!at_start)
            states |= 1;
        states = skip_repeats(states);
    }
    return (states & done) != 0;
}

/* Shows what matches in one file; 1 if something did, -1 on an error. */
static int search(int fd, const char *name)
{
    static char buffer[LINE_BYTES];
    uint used = 0;
    int found = 0;
    int n;

    while ((n = read(fd, buffer + used, (int)(LINE_BYTES - used))) >= 0) {
        uint start = 0;
        used += (uint)n;
        for (uint i = 0; i < used; i++) {
            int last = i + 1 == used;
            int cut = last && (n == 0 || (start == 0 && used == LINE_BYTES));
            if (buffer[i] != '\n' && !cut)
                continue;
            uint length = i - start + (buffer[i] != '\n');
            if (matches(buffer + start, length)) {
                found = 1;
                if (name != 0)
                    printf("%s:", name);
                if (calf_write_all(1, buffer + start, length) < 0 ||
                    calf_write_all(1, "\n", 1) < 0)
                    return -1;
            }
            start = i + 1;
        }
        if (n == 0)
            return found;
        used -= start;
        memmove(buffer, buffer + start, (int)used);
    }
    return -1;
}

int main(int argc, char **argv)
{
    int found, failed = 0, any = 0;

    if (argc < 2) {
        fprintf(2, "usage: grep PATTERN [FILE...]\n");
        return 2;
    }
    compile(argv[1]);
    if (argc == 2) {
        found = search(0, 0);
        return found < 0 ? 2 : !found;
    }
    for (int i = 2; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        found = fd < 0 ? -1 : search(fd, argc > 3 ? argv[i] : 0);
        if (fd < 0)
            fprintf(2, "grep: cannot open %s\n", argv[i]);
        else if (found < 0)
            fprintf(2, "grep: cannot read %s or write\n", argv[i]);
        close(fd);
        failed |= found < 0;
        any |= found > 0;
    }
    return failed ? 2 : !any;
}
