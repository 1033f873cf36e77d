/*
 * chatter N: prints N short lines, ten a second, as a program in the
 * background does.
 */
#include "calf.h"

int main(int argc, char **argv)
{
    int lines = argc > 1 ? atoi(argv[1]) : 10;

    for (int i = 0; i < lines; i++) {
        printf("chatter %d\n", i);
        pause(1);
    }
    return 0;
}
