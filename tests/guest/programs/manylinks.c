/*
 * manylinks: names of one file until one is refused. That happens while there
 * is still memory, and the number of names is told right.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"

#define TOO_MANY 33000

static char name[] = "/tmp/l....";

static void name_it(int number)
{
    for (int i = 6; i < 10; i++, number /= 26)
        name[i] = (char)('a' + number % 26);
}

int main(void)
{
    uint64 before = calf_meminfo("free");
    int made = 0;
    struct stat st;

    close(open("/tmp/first", O_CREATE | O_RDWR));
    for (name_it(0); made < TOO_MANY && link("/tmp/first", name) == 0;)
        name_it(++made);
    CHECK(made >= 1000 && made < TOO_MANY);
    CHECK(stat("/tmp/first", &st) == 0 && st.nlink == made + 1);
    CHECK(before - calf_meminfo("free") < 500);
    printf("%d names\n", made);
    while (made-- > 0) {
        name_it(made);
        CHECK(unlink(name) == 0);
    }
    CHECK(stat("/tmp/first", &st) == 0 && st.nlink == 1);
    CHECK(unlink("/tmp/first") == 0);
    /* Every name may be had again. */
    close(open("/tmp/first", O_CREATE | O_RDWR));
    for (made = 0, name_it(0); made < 1000 && link("/tmp/first", name) == 0;)
        name_it(++made);
    CHECK(made == 1000);
    return check_result();
}
