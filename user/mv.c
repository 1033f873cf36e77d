/*
 * mv OLD NEW: gives a file or folder another name, or puts it into the folder
 * NEW. What lies on another file system is copied, if it is a file or a
 * symbolic link, and then removed.
 */
#include "calf.h"
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "kernel/stat.h"

static char target[MAXPATH], link_text[MAXPATH];

/* The last name of a path, without slashes behind it: its length. */
static uint last_name(const char *path, const char **name)
{
    uint end = strlen(path), start;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    *name = path + start;
    return end - start;
}

/* Makes target the path `to`, or if that is a folder, of `from` in it. */
static int find_target(const char *from, const char *to)
{
    struct stat st;
    const char *name;
    uint length = last_name(from, &name), used = strlen(to);

    if (used + 1 + length + 1 > sizeof(target))
        return -1;
    strcpy(target, to);
    if (stat(to, &st) < 0 || st.type != T_DIR)
        return 0;
    target[used++] = '/';
    memmove(target + used, name, (int)length);
    target[used + length] = '\0';
    return 0;
}

static int copy_link(const char *from, int length)
{
    link_text[length] = '\0';
    unlink(target);
    return calf_symlink(link_text, target) < 0 ? -1 : unlink(from);
}

static int copy_file(const char *from)
{
    struct stat st;
    int in = open(from, O_RDONLY), out, result;

    if (in < 0)
        return -1;
    if (fstat(in, &st) < 0 || st.type != T_FILE ||
        (out = open(target, O_WRONLY | O_CREATE | O_TRUNC)) < 0) {
        close(in);
        return -1;
    }
    result = calf_copy(in, out);
    close(in);
    close(out);
    if (result < 0) {
        unlink(target);
        return -1;
    }
    return unlink(from);
}

/* The number of the file system that a path's folder is on, or -1. */
static int file_system_of(const char *path)
{
    static char folder[MAXPATH];
    struct stat st;
    const char *name;

    last_name(path, &name);
    memmove(folder, path, (int)(name - path));
    folder[name - path] = '\0';
    return stat(folder, &st) < 0 ? -1 : st.dev;
}

static int move(const char *from)
{
    int length;

    if (calf_rename(from, target) == 0)
        return 0;
    if (file_system_of(from) == file_system_of(target))
        return -1;
    length = calf_readlink(from, link_text, sizeof(link_text) - 1);
    return length >= 0 ? copy_link(from, length) : copy_file(from);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(2, "usage: mv OLD NEW\n");
        return 2;
    }
    if (find_target(argv[1], argv[2]) < 0 || move(argv[1]) < 0) {
        fprintf(2, "mv: cannot move %s to %s\n", argv[1], argv[2]);
        return 1;
    }
    return 0;
}
