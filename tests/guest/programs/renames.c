/*
 * renames WORKERS TURNS: a storm. All workers move the same files and folders
 * around, into each other's folders, over each other and up and down, while
 * they make, remove and list the same ones; each has a file, too, that it alone
 * moves. Nothing is lost or there twice, nothing lies in itself, no turn takes
 * long.
 *
 * d0, d1, d2 stay, each with files that stay (f0...) and a link `l` to the
 * next. Folders that come, go and move are called s0 or s1; p0 and p1 only
 * move. The tokens, t0 and on, are files that keep name, number and contents.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/stat.h"

enum { TOPS = 3, SLOTS = 2, TOKENS = 12, STAY = 4, MOST = 8 };

#define LONGEST 5000000000ul /* nanoseconds, of one turn */

struct report {
    uint64 longest;
    long tokens, folders; /* moved */
};

static struct report done;
static uint64 state;
static uint64 numbers[TOKENS];
static int found[TOKENS], pair_found;
static char from[64], to[64];

static uint draw(uint below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 16) % below;
}

static void make_file(const char *path, char text)
{
    int fd = open(path, O_CREATE | O_WRONLY);

    CHECK(fd >= 0 && write(fd, &text, 1) == 1);
    close(fd);
}

static char read_file(const char *path)
{
    char text[2];
    int fd = open(path, O_RDONLY);
    int length = fd < 0 ? 0 : read(fd, text, sizeof(text));

    close(fd);
    return length == 1 ? text[0] : 0;
}

/* ---- What is the worker's own -------------------------------------------- */

static void name_own(char *path, uint top, int worker)
{
    calf_format(path, sizeof(from), "d%d/w%d", top, worker);
}

/* It goes from one folder to another, or to another name and back. */
static uint move_own(uint at, int worker)
{
    uint next = draw(TOPS);

    name_own(from, at, worker);
    name_own(to, next, worker);
    CHECK(calf_rename(from, to) == 0);
    if (draw(8) == 0) {
        calf_format(from, sizeof(from), "d%d/other%d", at, worker);
        CHECK(calf_rename(to, from) == 0 && calf_rename(from, to) == 0);
    }
    return next;
}

static void check_own(uint at, int worker)
{
    calf_format(from, sizeof(from), "d%d/m%d", worker % TOPS, worker);
    calf_format(to, sizeof(to), "%s/in/in", from);
    CHECK(calf_rename(from, to) == -1);
    for (uint i = 0; i < TOPS; i++) {
        name_own(from, i, worker);
        CHECK(read_file(from) == (i == at ? '0' + worker : 0));
    }
}

/* ---- What all change ----------------------------------------------------- */

static int draw_folder(char *path)
{
    int length = calf_format(path, sizeof(from), "d%d", draw(TOPS));

    if (draw(8) == 0)
        length += calf_format(path + length, 8, "/l");
    while (length < 16 && draw(2))
        length += calf_format(path + length, 8, "/s%d", draw(SLOTS));
    return length;
}

/* What is called `what` and some number below `most`, in some folder. */
static void draw_path(char *path, char what, uint most)
{
    int length = draw_folder(path);

    calf_format(path + length, 8, "/%c%d", what, draw(most));
}

/* One that is there. */
static void move_token(void)
{
    int length = draw_folder(from), length_to = draw_folder(to), moved = 0;

    for (uint token = draw(TOKENS), i = 0; i < TOKENS && !moved; i++) {
        token = (token + 1) % TOKENS;
        calf_format(from + length, 8, "/t%d", token);
        calf_format(to + length_to, 8, "/t%d", token);
        moved = calf_rename(from, to) == 0;
    }
    done.tokens += moved;
}

static void move_folder(void)
{
    draw_path(from, 's', SLOTS);
    draw_path(to, 's', SLOTS);
    done.folders += calf_rename(from, to) == 0;
}

static void make_folder(void)
{
    draw_path(from, 's', SLOTS);
    mkdir(from);
}

/* If it is empty. */
static void remove_folder(void)
{
    draw_path(from, 's', SLOTS);
    unlink(from);
}

/* Two folders into each other, or out again: one of two must be refused. */
static void move_pair(void)
{
    static const char *const paths[] = {"d0/p0", "d1/p1/p0", "d1/p1",
                                        "d0/p0/p1"};
    uint i = draw(4);

    calf_rename(paths[i], paths[i ^ 1]);
}

static void change_junk(void)
{
    draw_path(from, 'j', 2);
    draw_path(to, 'j', 2);
    close(open(from, O_CREATE | O_RDWR));
    calf_rename(from, to);
    draw_path(to, 'j', 2);
    unlink(to);
}

/* What is not renamed is listed once, whatever else is. */
static void list(void)
{
    struct dirent record;
    int times[STAY] = {0}, fd;

    calf_format(from, sizeof(from), "d%d", draw(TOPS));
    fd = open(from, O_RDONLY);
    while (read(fd, &record, sizeof(record)) == sizeof(record))
        if (record.inum && record.name[0] == 'f')
            times[record.name[1] - '0']++;
    close(fd);
    for (int i = 0; i < STAY; i++)
        CHECK(times[i] == 1);
}

static void turn(void)
{
    static void (*const acts[])(void) = {
        move_token,  move_token,    move_token,  move_folder, move_folder,
        make_folder, remove_folder, change_junk, list,
    };

    acts[draw(sizeof(acts) / sizeof(acts[0]))]();
}

static void work(int worker, long turns, int report)
{
    uint at = 0;

    state = (uint64)worker * 2 + 1;
    for (int i = 0; i < 32; i++)
        draw(2);
    for (long i = 0; i < 4 * turns; i++)
        move_pair();
    for (long i = 0; i < turns; i++) {
        uint64 start = calf_clock_ns();

        at = move_own(at, worker);
        turn();
        start = calf_clock_ns() - start;
        done.longest = start > done.longest ? start : done.longest;
        if (draw(16) == 0)
            check_own(at, worker);
    }
    check_own(at, worker);
    name_own(from, at, worker);
    CHECK(unlink(from) == 0);
    write(report, &done, sizeof(done));
    exit(check_failures != 0);
}

/* ---- Before and after ---------------------------------------------------- */

static void make_tree(int workers)
{
    struct stat stat_of;

    for (int i = 0; i < TOPS; i++) {
        calf_format(from, sizeof(from), "d%d", i);
        CHECK(mkdir(from) == 0);
        calf_format(from, sizeof(from), "d%d/l", i);
        calf_format(to, sizeof(to), "../d%d", (i + 1) % TOPS);
        CHECK(calf_symlink(to, from) == 0);
        for (int j = 0; j < STAY; j++) {
            calf_format(from, sizeof(from), "d%d/f%d", i, j);
            make_file(from, 'f');
        }
    }
    for (int i = 0; i < TOKENS; i++) {
        calf_format(from, sizeof(from), "d%d/t%d", i % TOPS, i);
        make_file(from, (char)('A' + i));
        CHECK(stat(from, &stat_of) == 0);
        numbers[i] = stat_of.ino;
    }
    CHECK(mkdir("d0/p0") == 0 && mkdir("d1/p1") == 0);
    for (int i = 0; i < workers; i++) {
        name_own(from, 0, i);
        make_file(from, (char)('0' + i));
        calf_format(from, sizeof(from), "d%d/m%d", i % TOPS, i);
        CHECK(mkdir(from) == 0);
        calf_format(from, sizeof(from), "d%d/m%d/in", i % TOPS, i);
        CHECK(mkdir(from) == 0);
    }
}

static void check_token(const char *name, const struct calf_stat *of)
{
    long i;

    if (name[0] != 't')
        return;
    CHECK(calf_number(name + 1, &i) == 0);
    CHECK(of->inode == numbers[i] && of->links == 1 && of->size == 1);
    CHECK(read_file(name) == 'A' + i);
    found[i]++;
}

static int is_folder(char first)
{
    return first == 's' || first == 'm' || first == 'i' || first == 'p';
}

/* In a folder, from `parent`: the number of links, and ".." */
static void check_folder(uint64 parent)
{
    struct calf_stat here, of;
    struct dirent record;
    uint64 folders = 0;
    int fd = open(".", O_RDONLY);

    while (read(fd, &record, sizeof(record)) == sizeof(record))
        folders += record.inum && is_folder(record.name[0]);
    close(fd);
    CHECK(calf_lstat(".", &here) == 0 && calf_lstat("..", &of) == 0);
    CHECK(here.links == 2 + folders && of.inode == parent);
}

/* Check and remove what the current folder has, up to the first folder that is
 * not empty, whose name is put there. */
static int take_down(char name[DIRSIZ + 1])
{
    struct dirent record;
    struct calf_stat of;
    int fd = open(".", O_RDONLY), stuck = 0;

    while (!stuck && read(fd, &record, sizeof(record)) == sizeof(record)) {
        memmove(name, record.name, DIRSIZ);
        if (!record.inum || name[0] == '.')
            continue;
        CHECK(calf_lstat(name, &of) == 0);
        check_token(name, &of);
        pair_found += name[0] == 'p';
        stuck = unlink(name) < 0;
        CHECK(!stuck || of.type == T_DIR);
        pair_found -= stuck && name[0] == 'p';
    }
    close(fd);
    return stuck;
}

/* All below a folder. */
static void check_below(const char *path)
{
    char name[DIRSIZ + 1] = "";
    struct stat here;
    int depth = 0;

    CHECK(stat(".", &here) == 0 && chdir(path) == 0);
    check_folder(here.ino);
    while (depth >= 0 && !check_failures) {
        int down = take_down(name);

        CHECK(stat(".", &here) == 0 && chdir(down ? name : "..") == 0);
        if (down)
            check_folder(here.ino);
        depth += down ? 1 : -1;
    }
}

static void check_tree(void)
{
    for (int i = 0; i < TOPS; i++) {
        calf_format(from, sizeof(from), "d%d", i);
        check_below(from);
        CHECK(unlink(from) == 0);
    }
    for (int i = 0; i < TOKENS; i++)
        CHECK(found[i] == 1);
    CHECK(pair_found == 2);
}

int main(int argc, char **argv)
{
    struct report report, all = {0};
    long workers, turns;
    int ends[2], status;

    if (argc != 3 || calf_number(argv[1], &workers) < 0 || workers > MOST ||
        calf_number(argv[2], &turns) < 0 || pipe(ends) < 0)
        return 2;
    make_tree((int)workers);
    for (int i = 0; i < workers; i++)
        if (fork() == 0)
            work(i, turns, ends[1]);
    close(ends[1]);
    for (int i = 0; i < workers; i++) {
        CHECK(wait(&status) > 0 && status == 0);
        CHECK(read(ends[0], &report, sizeof(report)) == sizeof(report));
        all.tokens += report.tokens;
        all.folders += report.folders;
        all.longest =
            report.longest > all.longest ? report.longest : all.longest;
    }
    check_tree();
    CHECK(all.longest < LONGEST);
    CHECK(all.tokens * 200 > workers * turns);
    CHECK(all.folders * 200 > workers * turns);
    printf("moved %ld tokens and %ld folders; a turn took at most %lu ms\n",
           all.tokens, all.folders, all.longest / 1000000);
    return check_result();
}
