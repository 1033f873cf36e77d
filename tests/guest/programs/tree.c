/*
 * A program as the course text would have it: walks a folder with read() and
 * struct dirent, and prints names, types, links and sizes.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "user/user.h"

char path[MAXPATH];

void show(int depth)
{
    struct dirent de;
    struct stat st;
    int fd, i;
    char *end = path + strlen(path);

    if ((fd = open(path, O_RDONLY)) < 0) {
        fprintf(2, "tree: cannot open %s\n", path);
        return;
    }
    while (read(fd, &de, sizeof(de)) == sizeof(de)) {
        if (de.inum == 0 || de.name[0] == '.')
            continue;
        if (end - path + 1 + DIRSIZ + 1 > MAXPATH) {
            printf("tree: path too long\n");
            break;
        }
        *end = '/';
        memmove(end + 1, de.name, DIRSIZ);
        end[1 + DIRSIZ] = 0;
        if (stat(path, &st) < 0) {
            fprintf(2, "tree: cannot stat %s\n", path);
            continue;
        }
        for (i = 0; i < depth; i++)
            printf("  ");
        printf("%s %d %d %l\n", end + 1, st.type, st.nlink, st.size);
        if (st.type == T_DIR)
            show(depth + 1);
    }
    *end = 0;
    close(fd);
}

int main(int argc, char *argv[])
{
    strcpy(path, argc > 1 ? argv[1] : ".");
    show(0);
    exit(0);
}
