/*
 * A program that overwrites and truncates its own file, renames another over
 * it, and goes on: what it started with stays, in pages it has touched and in
 * pages it has not.
 */
#include "check.h"
#include "kernel/fcntl.h"

static char junk[65536];
static const char far_away[8192] = {1, 2, 3, [8191] = 4};
static const char farther[12288] = {[8192] = 5};

int main(void)
{
    int fd = open("/ownfile", O_RDWR);

    CHECK(fd >= 0);
    CHECK(write(fd, junk, 20000) == 20000);
    close(fd);
    fd = open("/ownfile", O_RDWR | O_TRUNC);
    CHECK(fd >= 0);
    close(fd);
    CHECK(far_away[0] == 1 && far_away[8191] == 4 && far_away[4096] == 0);
    fd = open("/other", O_CREATE | O_RDWR);
    CHECK(write(fd, "other", 5) == 5);
    close(fd);
    CHECK(calf_rename("/other", "/ownfile") == 0);
    CHECK(farther[8192] == 5 && farther[4096] == 0);
    fd = open("/ownfile", O_RDONLY);
    CHECK(read(fd, junk, sizeof(junk)) == 5 && junk[0] == 'o');
    close(fd);
    CHECK(unlink("/ownfile") == 0);
    return check_result();
}
