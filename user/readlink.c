/*
 * readlink PATH...: where symbolic links lead, one to a line.
 */
#include "calf.h"
#include "kernel/param.h"

static int show(const char *path)
{
    static char target[MAXPATH];
    int length = calf_readlink(path, target, sizeof(target) - 1);

    if (length < 0)
        return -1;
    target[length] = '\0';
    printf("%s\n", target);
    return 0;
}

int main(int argc, char **argv)
{
    return calf_each_path("readlink", "read the link", show, argc, argv);
}
