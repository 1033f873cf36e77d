/*
 * What mkdir and rm have in common.
 */
#include "calf.h"

int calf_each_path(const char *program, const char *verb,
                   int (*action)(const char *path), int argc, char **argv)
{
    int status = 0;

    if (argc < 2) {
        fprintf(2, "usage: %s PATH...\n", program);
        return 2;
    }
    while (*++argv != 0) {
        if (action(*argv) < 0) {
            fprintf(2, "%s: cannot %s %s\n", program, verb, *argv);
            status = 1;
        }
    }
    return status;
}
