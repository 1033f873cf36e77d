/*
 * ls [PATH...]: one line for each file: name, type (1 directory, 2 file,
 * 3 device), number, size in bytes. A directory's entries are listed; they are
 * read as the 16-byte records that read() gives.
 */
#include "calf.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "kernel/stat.h"

static char path[MAXPATH];

static void show(const char *name, const struct stat *st)
{
    printf("%-14s %d %d %ld\n", name, st->type, (int)st->ino, (long)st->size);
}

/* Completes path, of which length bytes are the directory, and lists it. */
static int list_entry(uint length, const struct dirent *entry)
{
    struct stat st;
    char name[DIRSIZ + 1];

    memcpy(name, entry->name, DIRSIZ);
    name[DIRSIZ] = '\0';
    if (length + 1 + strlen(name) >= sizeof(path)) {
        fprintf(2, "ls: path too long: %s/%s\n", path, name);
        return 1;
    }
    path[length] = '/';
    strcpy(path + length + 1, name);
    if (stat(path, &st) < 0) {
        fprintf(2, "ls: cannot stat %s\n", path);
        return 1;
    }
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
    return status | (n < 0);
}

static int list(const char *name)
{
    struct stat st;
    int fd = open(name, O_RDONLY);
    int status = 0;

    if (fd < 0) {
        fprintf(2, "ls: cannot open %s\n", name);
        return 1;
    }
    if (fstat(fd, &st) < 0) {
        fprintf(2, "ls: cannot stat %s\n", name);
        status = 1;
    } else if (st.type == T_DIR) {
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

    if (argc < 2)
        return list(".");
    for (int i = 1; i < argc; i++)
        status |= list(argv[i]);
    return status;
}
