/*
 * The calls that tell and set owner, permissions and times, in the current
 * folder: what is set is told, what is refused has changed nothing.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"

#define ALL                                                                    \
    (CALF_SET_MODE | CALF_SET_OWNER | CALF_SET_GROUP | CALF_SET_ACCESSED |     \
     CALF_SET_MODIFIED)

static struct calf_stat before, now;

static int same(const char *path)
{
    return calf_lstat(path, &now) == 0 &&
           memcmp(&before, &now, sizeof(now)) == 0;
}

static void check_set(void)
{
    struct calf_stat to = {.mode = 04751,
                           .owner = 70000,
                           .group = 80000,
                           .accessed = 1000000000,
                           .modified = 4000000000};

    CHECK(calf_setattr("f", ALL, &to) == 0);
    CHECK(calf_lstat("f", &now) == 0);
    CHECK(now.type == T_FILE && now.mode == 04751 && now.links == 1);
    CHECK(now.owner == 70000 && now.group == 80000 && now.size == 1);
    CHECK(now.accessed == 1000000000 && now.modified == 4000000000);
    CHECK(now.changed > 1700000000000000000 && now.major == 0);
    to.mode = 0;
    CHECK(calf_setattr("f", CALF_SET_OWNER, &to) == 0);
    CHECK(calf_lstat("f", &now) == 0 && now.mode == 04751);
}

/* Whole seconds are all that some disks keep. */
static void check_now(void)
{
    struct calf_stat to = {.accessed = CALF_NOW, .modified = CALF_NOW};
    long first = calf_date_ns(), last;

    CHECK(calf_setattr("f", CALF_SET_ACCESSED | CALF_SET_MODIFIED, &to) == 0);
    last = calf_date_ns();
    CHECK(calf_lstat("f", &now) == 0);
    CHECK(now.modified <= last && now.modified > first - 1000000000);
    CHECK(now.accessed <= last && now.accessed > first - 1000000000);
}

static void check_refused(void)
{
    static const uint64 bad[] = {0x3ffffff000, 1ul << 38, ~0ul - 7, ~0ul};
    struct calf_stat to = {.mode = 010000};

    CHECK(calf_lstat("f", &before) == 0);
    for (uint i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(calf_lstat("f", (struct calf_stat *)bad[i]) == -1);
        CHECK(calf_lstat((const char *)bad[i], &now) == -1);
        CHECK(calf_setattr("f", ALL, (struct calf_stat *)bad[i]) == -1);
        CHECK(calf_setattr((const char *)bad[i], ALL, &before) == -1);
    }
    CHECK(calf_lstat("none", &now) == -1);
    CHECK(calf_setattr("none", 0, &before) == -1);
    CHECK(calf_setattr("f", ALL, &to) == -1);
    CHECK(calf_setattr("f", 32, &before) == -1);
    CHECK(calf_setattr("f", -1, &before) == -1);
    to.mode = 0;
    to.owner = 1ul << 32;
    CHECK(calf_setattr("f", ALL, &to) == -1);
    to.owner = 0;
    to.group = ~0ul;
    CHECK(calf_setattr("f", ALL, &to) == -1);
    CHECK(calf_setattr("/proc/meminfo", CALF_SET_MODE, &before) == -1);
    CHECK(same("f"));
}

/* Writing over what is there, too. */
static void check_written(void)
{
    int fd = open("f", O_WRONLY);

    CHECK(calf_lstat("f", &before) == 0);
    sleep(11); /* more than a second */
    CHECK(write(fd, "y", 1) == 1);
    close(fd);
    CHECK(calf_lstat("f", &now) == 0);
    CHECK(now.modified > before.modified && now.changed >= now.modified);
    CHECK(now.accessed == before.accessed && now.size == before.size);
}

int main(void)
{
    int fd = open("f", O_CREATE | O_WRONLY);

    CHECK(write(fd, "x", 1) == 1);
    close(fd);
    check_set();
    check_now();
    check_refused();
    check_written();
    CHECK(mkdir("d") == 0 && calf_lstat("d", &now) == 0);
    CHECK(now.type == T_DIR && now.mode == 0755);
    CHECK(calf_lstat("/dev/zero", &now) == 0);
    CHECK(now.type == T_DEVICE && now.major == 3 && now.minor == 0);
    CHECK(unlink("d") == 0 && unlink("f") == 0);
    return check_result();
}
