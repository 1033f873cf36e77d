/*
 * echo [WORD...]: writes its arguments with a space between, and a newline.
 */
#include "calf.h"

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        failed |= calf_write_all(1, argv[i], strlen(argv[i]));
        if (i + 1 < argc)
            failed |= calf_write_all(1, " ", 1);
    }
    failed |= calf_write_all(1, "\n", 1);
    return failed ? 1 : 0;
}
