/*
 * over PATH: writes over the first byte of a file, with what is there.
 */
#include "check.h"
#include "kernel/fcntl.h"

int main(int argc, char **argv)
{
    int in = open(argv[argc - 1], O_RDONLY);
    int out = open(argv[argc - 1], O_WRONLY);
    char byte;

    CHECK(read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1);
    return check_result();
}
