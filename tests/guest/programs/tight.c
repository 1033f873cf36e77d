/*
 * tight: this process has all memory but a little. Files can be made, written
 * and read all the same: what was written goes to the disk, and its memory is
 * used again.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define LEFT  60 /* pages */
#define FILES 3
#define PARTS 64 /* of a file */

static char block[16384];

static void take_memory(void)
{
    while (sbrk(4096) != (char *)-1)
        ;
    sbrk(-4096 * LEFT);
}

static void write_file(const char *name)
{
    int fd = open(name, O_CREATE | O_RDWR);

    CHECK(fd >= 0);
    for (int i = 0; i < PARTS; i++) {
        memset(block, name[0] + i, sizeof(block));
        CHECK(write(fd, block, sizeof(block)) == (int)sizeof(block));
    }
    close(fd);
}

static void check_file(const char *name)
{
    int fd = open(name, O_RDONLY);

    CHECK(fd >= 0);
    for (int i = 0; i < PARTS; i++) {
        CHECK(read(fd, block, sizeof(block)) == (int)sizeof(block));
        CHECK(block[0] == (char)(name[0] + i));
        CHECK(block[sizeof(block) - 1] == (char)(name[0] + i));
    }
    close(fd);
}

int main(void)
{
    char name[] = "a-file";

    take_memory();
    for (int i = 0; i < FILES; i++, name[0]++)
        write_file(name);
    CHECK(mkdir("new") == 0);
    for (name[0] = 'a'; name[0] < 'a' + FILES; name[0]++) {
        check_file(name);
        CHECK(unlink(name) == 0);
    }
    return check_result();
}
