/*
 * chmod MODE PATH...: sets permissions, as an octal number.
 */
#include "calf.h"

static struct calf_stat to;

static int change(const char *path)
{
    return calf_setattr(path, CALF_SET_MODE, &to);
}

int main(int argc, char **argv)
{
    const char *at = argc > 2 ? argv[1] : "";

    do {
        if (*at < '0' || *at > '7' || to.mode > 0777) {
            fprintf(2, "usage: chmod MODE PATH..., with MODE in octal\n");
            return 2;
        }
        to.mode = to.mode * 8 + (uint64)(*at - '0');
    } while (*++at != '\0');
    return calf_each_path("chmod", "change", change, argc - 1, argv + 1);
}
