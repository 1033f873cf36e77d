/*
 * ls [-l] [-t] [PATH...]: one line for each file. A directory's entries are
 * listed; they are read as the 16-byte records that read() gives.
 *
 * Without an option: name, type (1 directory, 2 file, 3 device, 4 symbolic
 * link), number, size in bytes, in the directory's order. With -l: what it is
 * and what may be done with it, how many names it has, owner, group, size (of a
 * device: its two numbers), when it was written last, and its name. These lines
 * are sorted by name or, with -t, by time, the newest first.
 */
#include "calf.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "kernel/stat.h"

struct line {
    char name[DIRSIZ + 1];
    struct calf_stat st;
};

static char path[MAXPATH];
static int is_long, by_time;

/* The lines of a directory that are to be sorted, in memory of malloc. */
static struct line *lines;
static uint count, room;

static void show_long(const char *name, const struct calf_stat *st)
{
    char mode[] = "?rwxrwxrwx", date[CALF_DATE], size[24];

    if (st->type <= CALF_LINK)
        mode[0] = "?d-cl"[st->type];
    for (int i = 1; i < 10; i++)
        if ((st->mode >> (9 - i) & 1) == 0)
            mode[i] = '-';
    if (st->type == T_DEVICE)
        calf_format(size, sizeof(size), "%ld, %ld", (long)st->major,
                    (long)st->minor);
    else
        calf_format(size, sizeof(size), "%ld", (long)st->size);
    calf_date_text(date, st->modified);
    printf("%s %2ld %ld %ld %8s %s %s\n", mode, (long)st->links,
           (long)st->owner, (long)st->group, size, date, name);
}

static void show(const char *name, const struct calf_stat *st)
{
    if (is_long)
        show_long(name, st);
    else
        printf("%-14s %ld %ld %ld\n", name, (long)st->type, (long)st->inode,
               (long)st->size);
}

/* ---- Sorting ------------------------------------------------------------- */

static int is_before(const struct line *a, const struct line *b)
{
    if (by_time && a->st.modified != b->st.modified)
        return a->st.modified > b->st.modified;
    return strcmp(a->name, b->name) < 0;
}

/* By insertion, over gaps that become ever smaller. */
static void sort(void)
{
    for (uint gap = count / 2; gap > 0; gap /= 2) {
        for (uint i = gap; i < count; i++) {
            struct line line = lines[i];
            uint at = i;

            for (; at >= gap && is_before(&line, &lines[at - gap]); at -= gap)
                lines[at] = lines[at - gap];
            lines[at] = line;
        }
    }
}

static int keep(const char *name, const struct calf_stat *st)
{
    if (count == room) {
        uint more = room ? 2 * room : 64;
        struct line *new = malloc(more * sizeof(*lines));

        if (new == 0)
            return -1;
        if (count > 0)
            memcpy(new, lines, count * sizeof(*lines));
        free(lines);
        lines = new;
        room = more;
    }
    strcpy(lines[count].name, name);
    lines[count++].st = *st;
    return 0;
}

/* ---- Listing ------------------------------------------------------------- */

/* Completes path, of which length bytes are the directory, and lists it. */
static int list_entry(uint length, const struct dirent *entry)
{
    struct calf_stat st;
    char name[DIRSIZ + 1];

    memcpy(name, entry->name, DIRSIZ);
    name[DIRSIZ] = '\0';
    if (length + 1 + strlen(name) >= sizeof(path)) {
        fprintf(2, "ls: path too long: %s/%s\n", path, name);
        return 1;
    }
    path[length] = '/';
    strcpy(path + length + 1, name);
    if (calf_lstat(path, &st) < 0) {
        fprintf(2, "ls: cannot stat %s\n", path);
        return 1;
    }
    if (!is_long || keep(name, &st) < 0)
        show(name, &st);
    return 0;
}

static int list_directory(const char *name, int fd)
{
    struct dirent entries[16];
    uint length = strlen(name);
    int status = 0;
    int n;

    if (length >= sizeof(path)) {
        fprintf(2, "ls: path too long: %s\n", name);
        return 1;
    }
    while ((n = read(fd, entries, sizeof(entries))) > 0) {
        for (uint i = 0; i < (uint)n / sizeof(entries[0]); i++) {
            strcpy(path, name);
            if (entries[i].inum != 0)
                status |= list_entry(length, &entries[i]);
        }
    }
    if (n < 0)
        fprintf(2, "ls: cannot read %s\n", name);
    sort();
    for (uint i = 0; i < count; i++)
        show(lines[i].name, &lines[i].st);
    count = 0;
    return status | (n < 0);
}

static int list(const char *name)
{
    struct calf_stat st;
    struct stat opened;
    int fd = open(name, O_RDONLY);
    int status = 0;

    if (fd < 0) {
        /* A symbolic link may lead nowhere. */
        if (calf_lstat(name, &st) == 0 && st.type == CALF_LINK) {
            show(name, &st);
            return 0;
        }
        fprintf(2, "ls: cannot open %s\n", name);
        return 1;
    }
    if (fstat(fd, &opened) < 0 || calf_lstat(name, &st) < 0) {
        fprintf(2, "ls: cannot stat %s\n", name);
        status = 1;
    } else if (opened.type == T_DIR) {
        status = list_directory(name, fd);
    } else {
        show(name, &st);
    }
    close(fd);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;

    for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
        is_long |= strchr(argv[1], 'l') != 0;
        by_time |= strchr(argv[1], 't') != 0;
    }
    if (argc < 2)
        return list(".");
    for (int i = 1; i < argc; i++)
        status |= list(argv[i]);
    return status;
}
