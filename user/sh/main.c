/*
 * sh [FILE | -c COMMAND]: the shell.
 *
 * It reads lines from a file, from -c's argument, or from its input, where it
 * shows a prompt if that is a device. A line holds commands with words quoted
 * by '', "" or \, joined by | ; & && || and (), redirected by < > >>, and
 * comments behind #; $? is the last status. cd, exit and wait are its own
 * commands; others are looked for in /bin, the current directory and /.
 * A line that is wrong or too long gets a message, and the next one is read.
 */
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "sh.h"

#define LINE_BYTES  1024
#define STACK_BYTES (64 << 10)

static const char usage[] = "usage: sh [FILE | -c COMMAND]\n";

static char stack[STACK_BYTES] __attribute__((aligned(16)));
static char line[LINE_BYTES];
static const char *command; /* of -c, or 0 */
static int interactive;

/*
 * Reads a line without its newline. Returns 1, or 0 at the end of the input,
 * or -1 if the line was too long; the rest of it is then gone.
 */
static int read_line(int fd)
{
    uint used = 0;
    char c;
    int any = 0;

    /* A byte a read: what follows may be for the commands of this line. */
    while (read(fd, &c, 1) == 1) {
        any = 1;
        if (c == '\n')
            break;
        if (c != '\0' && used < LINE_BYTES)
            line[used++] = c;
    }
    if (used == LINE_BYTES)
        return -1;
    line[used] = '\0';
    return any;
}

static void run_text(const char *text)
{
    struct node *tree;

    if (parse(text, &tree) < 0)
        last_status = STATUS_USAGE;
    else if (tree != 0)
        last_status = run(tree);
}

static void run_lines(void)
{
    for (;;) {
        int got;
        if (interactive)
            fprintf(2, "$ ");
        got = read_line(script_fd);
        if (got == 0)
            break;
        if (got < 0) {
            fprintf(2, "sh: line too long\n");
            last_status = STATUS_USAGE;
        } else {
            run_text(line);
        }
    }
    if (interactive)
        fprintf(2, "\n");
}

static void run_shell(void)
{
    if (command != 0)
        run_text(command);
    else
        run_lines();
}

/* Redirection counts on descriptors 0 to 2 being taken. */
static void fill_descriptors(void)
{
    struct stat st;

    for (int fd = 0; fd < 3; fd++) {
        if (fstat(fd, &st) < 0)
            open("/dev/console", O_RDWR);
    }
}

int main(int argc, char **argv)
{
    struct stat st;

    fill_descriptors();
    if (argc == 2 && calf_same(argv[1], "--help")) {
        printf("%s", usage);
        return 0;
    }
    if (argc == 3 && calf_same(argv[1], "-c")) {
        command = argv[2];
    } else if (argc == 2 && argv[1][0] != '-') {
        script_fd = open(argv[1], O_RDONLY);
        if (script_fd < 0) {
            fprintf(2, "sh: cannot open %s\n", argv[1]);
            return STATUS_NOT_FOUND;
        }
    } else if (argc == 1) {
        script_fd = 0;
        interactive = fstat(0, &st) == 0 && st.type == T_DEVICE;
    } else {
        fprintf(2, "%s", usage);
        return STATUS_USAGE;
    }
    calf_call_on_stack(run_shell, stack + STACK_BYTES);
    return last_status;
}
