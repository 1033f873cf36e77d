/*
 * exhaust [ROUNDS]: how many pages there are, counted as test suites do that
 * know no better way: a child asks for one after the other until there is none.
 *
 * Between two countings files are made, written, read and removed, and a
 * program is run. What the kernel keeps of all that to be faster must be given
 * up when somebody asks for memory, so all numbers are the same, to the page.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define ROUNDS      3
#define DIRECTORIES 120
#define PARTS       75 /* of 4 KB, of the file */

static char block[4096];

static int count_pages(void)
{
    int count = -1, tell[2];
    int made = pipe(tell);

    CHECK(made == 0);
    if (fork() == 0) {
        count = 0;
        close(tell[0]);
        for (char *at; (at = sbrk(4096)) != (char *)-1; count++)
            at[4095] = 1;
        write(tell[1], &count, sizeof(count));
        exit(0);
    }
    close(tell[1]);
    CHECK(read(tell[0], &count, sizeof(count)) == sizeof(count));
    close(tell[0]);
    wait(0);
    return count;
}

static void name_it(char *name, int number)
{
    name[1] = (char)('a' + number / 26);
    name[2] = (char)('a' + number % 26);
}

static void change_names(void)
{
    char name[] = "d..";

    for (int i = 0; i < DIRECTORIES; i++) {
        name_it(name, i);
        CHECK(mkdir(name) == 0);
    }
    for (int i = 0; i < DIRECTORIES; i++) {
        name_it(name, i);
        CHECK(unlink(name) == 0);
    }
}

static void change_contents(void)
{
    int fd = open("big", O_CREATE | O_RDWR);

    CHECK(fd >= 0);
    for (int i = 0; i < PARTS; i++)
        CHECK(write(fd, block, sizeof(block)) == (int)sizeof(block));
    close(fd);
    fd = open("big", O_RDONLY);
    for (int i = 0; i < PARTS; i++)
        CHECK(read(fd, block, sizeof(block)) == (int)sizeof(block));
    close(fd);
    CHECK(unlink("big") == 0);
}

static void run_something(void)
{
    static char *words[] = {"/bin/echo", "-", 0};

    if (fork() == 0) {
        exec(words[0], words);
        exit(1);
    }
    wait(0);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    int first = 0;

    /* The first round is for what this process itself writes to. */
    for (int i = 0; i <= rounds; i++) {
        int names, contents, programs;

        change_names();
        names = count_pages();
        change_contents();
        contents = count_pages();
        run_something();
        programs = count_pages();
        printf("pages: %d, %d, %d\n", names, contents, programs);
        if (i == 0)
            first = programs;
        CHECK(i == 0 || (names == first && contents == first));
        CHECK(programs == first);
    }
    return check_result();
}
