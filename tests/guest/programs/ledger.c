/*
 * ledger [any] PROGRAM ARGUMENTS...: runs it, and then adds up. Its status has
 * to be 0, unless any will do.
 *
 * When it has ended and its orphans with it, as many pages have to be free,
 * and as many objects of the kernel to be there, as before; the audit is clean;
 * and as many outcomes of faults were counted as faults came.
 */
#include "check.h"

#define TRIES 100 /* tenths of a second for orphans to be gone */

static const char *const outcomes[] = {
    "faults_spurious", "faults_zero", "faults_file", "faults_reuse",
    "faults_copy",     "faults_segv", "faults_bus",  "faults_nomem"};

static char text[2048];

/* The number behind `name:` in the text that was read last. */
static long figure(const char *name)
{
    uint length = strlen(name);

    for (char *line = text; line != 0; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (memcmp(line, name, length) == 0 && line[length] == ':') {
            for (line += length + 1; *line == ' ';)
                line++;
            return atoi(line);
        }
    }
    return -1;
}

static int run(char **arguments)
{
    int status = -1;
    int pid = fork();

    if (pid == 0) {
        exec(arguments[0], arguments);
        exit(127);
    }
    CHECK(wait(&status) == pid);
    return status;
}

static void read_figures(void)
{
    CHECK(calf_read_file("/proc/meminfo", text, sizeof(text)) > 0);
}

static void check_faults(void)
{
    long sum = 0;

    for (uint i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        CHECK(figure(outcomes[i]) >= 0);
        sum += figure(outcomes[i]);
    }
    printf("%ld faults, %ld outcomes, %ld without memory\n", figure("faults"),
           sum, figure("faults_nomem"));
    CHECK(figure("faults") == sum);
    /* fork itself copies some, before they can fault. */
    CHECK(figure("faults_copy") <= figure("pages_copied"));
}

int main(int argc, char **argv)
{
    static char *nothing[] = {"/bin/echo", "-", 0};
    long free, objects;
    int any = argc > 1 && calf_same(argv[1], "any");

    if (argc < 2 + any)
        return 2;
    run(nothing); /* what is allocated once and kept */
    read_figures();
    pause(2);
    read_figures();
    free = figure("free");
    objects = figure("objects");
    CHECK(run(argv + 1 + any) == 0 || any);
    for (int i = 0; i < TRIES; i++) {
        read_figures();
        if (figure("free") == free && figure("objects") == objects)
            break;
        pause(1);
    }
    printf("free %ld, was %ld; objects %ld, were %ld\n", figure("free"), free,
           figure("objects"), objects);
    CHECK(figure("free") == free);
    CHECK(figure("objects") == objects);
    check_faults();
    CHECK(calf_read_file("/proc/audit", text, sizeof(text)) > 0);
    CHECK(memcmp(text, "audit: clean\n", 13) == 0);
    return check_result();
}
