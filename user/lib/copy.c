/*
 * Copying what one descriptor gives to another.
 */
#include "calf.h"

int calf_copy(int from, int to)
{
    static char buffer[4096];
    int n;

    while ((n = read(from, buffer, sizeof(buffer))) > 0) {
        if (calf_write_all(to, buffer, (uint)n) < 0)
            return -1;
    }
    return n;
}
