/*
 * Results at the lowest addresses: linked by lowbuffer.ld as one segment that
 * may be written, so that page 0 is. What the kernel copies there must be what
 * was asked for and not a byte more.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"

/* The first 256 bytes are padding; the compiler need not know. */
static volatile unsigned char *low(uint64 address)
{
    __asm__("" : "+r"(address));
    return (volatile unsigned char *)address;
}

static void fill(void)
{
    for (uint64 i = 0; i < 256; i++)
        *low(i) = 0xee;
}

/* Bytes [from, from+length) changed, those around them did not. */
static int only(uint64 from, uint64 length)
{
    for (uint64 i = 0; i < 256; i++)
        if ((i < from || i >= from + length) && *low(i) != 0xee)
            return 0;
    return 1;
}

int main(void)
{
    int fd = open("/README", O_RDONLY);

    CHECK(fd >= 0);
    for (uint64 at = 0; at < 100; at++) {
        fill();
        CHECK(fstat(fd, (void *)low(at)) == 0);
        CHECK(only(at, sizeof(struct stat)));
    }
    for (int length = 0; length < 130; length++) {
        uint64 at = length % 9;
        fill();
        close(fd);
        fd = open("/README", O_RDONLY);
        CHECK(read(fd, (void *)low(at), length) == length);
        CHECK(only(at, length));
    }
    return check_result();
}
