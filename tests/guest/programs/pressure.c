/*
 * pressure [SECONDS]: a large file is written over and over, checked, and grown
 * and shortened, while other processes take all the memory there is, again and
 * again. Those may be refused memory, or killed for want of it; the writer may
 * be refused, too, but what it was told is written is there, and when memory
 * is back it writes as ever.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define EATERS 3
#define PAGES  512 /* of the file: blocks of 1 KB need two levels for it */

static char block[4096];
static char written[PAGES]; /* what each page was last filled with */

static void eat(void)
{
    for (;;) {
        char *start = sbrk(0);
        int pages = 0;

        while (sbrk(4096) != (char *)-1)
            start[4096 * pages++] = 1;
        sbrk(-4096 * pages);
    }
}

static void fill(char byte)
{
    int fd = open("big", O_CREATE | O_RDWR);

    if (fd < 0)
        return;
    for (int i = 0; i < PAGES; i++) {
        memset(block, byte, sizeof(block));
        if (write(fd, block, sizeof(block)) != (int)sizeof(block)) {
            /* This page has the one or the other, and perhaps some of each. */
            written[i] = 0;
            break;
        }
        written[i] = byte;
    }
    close(fd);
}

/* How many pages could be read. */
static int look(void)
{
    int fd = open("big", O_RDONLY), i;

    if (fd < 0)
        return 0;
    for (i = 0; i < PAGES; i++) {
        if (read(fd, block, sizeof(block)) != (int)sizeof(block))
            break;
        for (uint at = 0; at < sizeof(block) && written[i]; at++)
            if (block[at] != written[i]) {
                CHECK(block[at] == written[i]);
                break;
            }
    }
    close(fd);
    return i;
}

int main(int argc, char **argv)
{
    int until = uptime() + 10 * (argc > 1 ? atoi(argv[1]) : 10);
    int eaters[EATERS], rounds = 0, whole = 0;

    fill('-');
    CHECK(look() == PAGES);
    for (int i = 0; i < EATERS; i++)
        if ((eaters[i] = fork()) == 0)
            eat();
    for (; uptime() < until; rounds++) {
        fill((char)('a' + rounds % 26));
        whole += look() == PAGES;
    }
    for (int i = 0; i < EATERS; i++)
        kill(eaters[i]);
    for (int i = 0; i < EATERS; i++)
        wait(0);
    printf("%d rounds, %d of them read as a whole\n", rounds, whole);
    fill('!');
    CHECK(look() == PAGES && written[PAGES - 1] == '!');
    unlink("big");
    return check_result();
}
