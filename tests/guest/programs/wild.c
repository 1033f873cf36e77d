/*
 * wild load|store|jump ADDRESS: touch memory as told, for the tests of what
 * happens then. Prints "survived" and ends with 0 when it was allowed.
 */
#include "calf.h"

static uint64 parse_hex(const char *text)
{
    uint64 value = 0;
    for (; *text; text++) {
        int digit = *text <= '9' ? *text - '0' : *text - 'a' + 10;
        value = value * 16 + digit;
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        printf("usage: wild load|store|jump HEX-ADDRESS\n");
        return 2;
    }
    volatile char *at = (volatile char *)parse_hex(argv[2]);
    if (calf_same(argv[1], "load"))
        (void)*at;
    else if (calf_same(argv[1], "store"))
        *at = 1;
    else
        ((void (*)(void))at)();
    printf("survived\n");
    return 0;
}
