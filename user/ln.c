/*
 * ln EXISTING NAME: gives a file one more name.
 * ln -s PATH NAME: makes a symbolic link, NAME, that leads to PATH.
 */
#include "calf.h"

int main(int argc, char **argv)
{
    int symbolic = argc == 4 && calf_same(argv[1], "-s");

    if (argc != 3 + symbolic) {
        fprintf(2, "usage: ln [-s] EXISTING NAME\n");
        return 2;
    }
    argv += symbolic;
    if ((symbolic ? calf_symlink : link)(argv[1], argv[2]) < 0) {
        fprintf(2, "ln: cannot link %s to %s\n", argv[2], argv[1]);
        return 1;
    }
    return 0;
}
