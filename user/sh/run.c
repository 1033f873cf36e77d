/*
 * Running a tree.
 *
 * Only lists, chains and built-in commands run in the shell itself; all else in
 * children, one for each command or parenthesis. The status of a pipe is that
 * of its last part; a process that was killed counts as 255.
 */
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "kernel/stat.h"
#include "sh.h"

#define STATUS_MASK 0xff

int last_status;
int script_fd = -1;

/* The expanded words of the command at hand. */
static char *arguments[MAXARG];
static int argument_count;
static char expanded[4096];

static int complain(int status, const char *what, const char *name)
{
    fprintf(2, "sh: %s%s\n", what, name);
    return status;
}

/*
 * Writes what a word stands for to to[size], with a zero. Returns the bytes
 * used, or 0 if there is no room.
 */
static uint expand(const struct word *word, char *to, uint size)
{
    const char *from = word->text;
    const char *end = from + word->length;
    char quote = '\0';
    uint used = 0;

    while (from < end) {
        char c = *from++;
        if (size - used < 8)
            return 0;
        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == quote && quote != '\0') {
            quote = '\0';
        } else if (c == '$' && quote != '\'' && from < end && *from == '?') {
            from++;
            used += (uint)calf_format(to + used, 8, "%d", last_status);
        } else if (c == '\\' && quote != '\'' &&
                   (quote == '\0' || strchr("\"\\$", *from) != 0)) {
            to[used++] = *from++;
        } else {
            to[used++] = c;
        }
    }
    to[used++] = '\0';
    return used;
}

static int expand_words(const struct word *word)
{
    uint used = 0;

    argument_count = 0;
    for (; word != 0; word = word->next) {
        uint length = expand(word, expanded + used, sizeof(expanded) - used);
        if (length == 0)
            return complain(-1, "the words of a command are too long", "");
        if (argument_count == MAXARG - 1)
            return complain(-1, "too many arguments for ", arguments[0]);
        arguments[argument_count++] = expanded + used;
        used += length;
    }
    arguments[argument_count] = 0;
    return 0;
}

static int open_redirection(const struct redirection *r)
{
    char path[MAXPATH + 8];
    char skipped[256];
    int fd, flags;

    if (expand(r->file, path, sizeof(path)) == 0)
        return complain(-1, "file name too long", "");
    if (r->kind == REDIRECT_INPUT)
        flags = O_RDONLY;
    else if (r->kind == REDIRECT_OUTPUT)
        flags = O_WRONLY | O_CREATE | O_TRUNC;
    else
        flags = O_RDWR | O_CREATE;
    fd = open(path, flags);
    if (fd < 0)
        return complain(-1, "cannot open ", path);
    /* There is no call to seek with: to append is to read to the end. */
    if (r->kind == REDIRECT_APPEND) {
        while (read(fd, skipped, sizeof(skipped)) > 0)
            ;
    }
    return fd;
}

/* Makes descriptor to, 0 or 1, be what from is, and closes from. */
static void move_descriptor(int from, int to)
{
    if (from == to)
        return;
    close(to);
    dup(from); /* takes the lowest free number: the shell keeps 0, 1, 2 open */
    close(from);
}

static int redirect(const struct redirection *r)
{
    for (; r != 0; r = r->next) {
        int fd = open_redirection(r);
        if (fd < 0)
            return -1;
        move_descriptor(fd, r->kind == REDIRECT_INPUT ? 0 : 1);
    }
    return 0;
}

/* For what runs in the shell itself: the files are made, and not used. */
static int touch_redirections(const struct redirection *r)
{
    for (; r != 0; r = r->next) {
        int fd = open_redirection(r);
        if (fd < 0)
            return -1;
        close(fd);
    }
    return 0;
}

static int run_cd(void)
{
    const char *path = argument_count > 1 ? arguments[1] : "/";

    if (argument_count > 2)
        return complain(1, "usage: cd [DIRECTORY]", "");
    if (chdir(path) < 0)
        return complain(1, "cannot cd to ", path);
    return 0;
}

static int run_exit(void)
{
    long status = last_status;

    if (argument_count > 2 ||
        (argument_count == 2 && calf_number(arguments[1], &status) < 0))
        return complain(STATUS_USAGE, "usage: exit [STATUS]", "");
    exit((int)status & STATUS_MASK);
}

static int run_wait(void)
{
    while (wait(0) >= 0)
        ;
    return 0;
}

static const struct builtin {
    const char *name;
    int (*run)(void);
} builtins[] = {{"cd", run_cd}, {"exit", run_exit}, {"wait", run_wait}};

static const struct builtin *find_builtin(void)
{
    for (uint i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
        if (argument_count > 0 && calf_same(arguments[0], builtins[i].name))
            return &builtins[i];
    }
    return 0;
}

/* Turns this child into the command; comes back, with a status, if it fails.
 * A bare name is a file of the current folder first, as exec would have it, so
 * that a program of the same name, put there or into the root, is the one. */
static int execute(void)
{
    static const char *const places[] = {"", "/", "/bin/"};
    const char *name = arguments[0];
    char path[MAXPATH];
    struct stat st;
    int exists = 0;

    if (strchr(name, '/') != 0) {
        exec(name, arguments);
        exists = stat(name, &st) == 0;
    } else if (*name != '\0' && strlen(name) < MAXPATH - 8) {
        for (uint i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            calf_format(path, sizeof(path), "%s%s", places[i], name);
            exec(path, arguments);
            exists |= stat(path, &st) == 0;
        }
    }
    fprintf(2, "sh: %s: %s\n", name, exists ? "cannot be run" : "not found");
    return exists ? STATUS_CANNOT_RUN : STATUS_NOT_FOUND;
}

/* Runs a node in a child made for it. */
static void __attribute__((noreturn)) run_in_child(struct node *node)
{
    const struct builtin *builtin;

    if (script_fd > 2)
        close(script_fd);
    script_fd = -1;
    if (node->kind != NODE_COMMAND && node->kind != NODE_GROUP)
        exit(run(node));
    if (redirect(node->redirections) < 0)
        exit(1);
    if (node->kind == NODE_GROUP)
        exit(run(node->first));
    if (expand_words(node->words) < 0)
        exit(STATUS_CANNOT_RUN);
    builtin = find_builtin();
    if (argument_count == 0)
        exit(0);
    exit(builtin != 0 ? builtin->run() : execute());
}

static int start(struct node *node)
{
    int pid = fork();

    if (pid == 0)
        run_in_child(node);
    if (pid < 0)
        complain(0, "fork failed", "");
    return pid;
}

/* Waits for one child; others, from the background, may end meanwhile. */
static int wait_for(int pid)
{
    int status, ended;

    if (pid < 0)
        return STATUS_CANNOT_RUN;
    do {
        ended = wait(&status);
    } while (ended >= 0 && ended != pid);
    return ended < 0 ? STATUS_CANNOT_RUN : status & STATUS_MASK;
}

static int run_command(struct node *node)
{
    const struct builtin *builtin;

    if (expand_words(node->words) < 0)
        return STATUS_CANNOT_RUN;
    builtin = find_builtin();
    if (argument_count > 0 && builtin == 0)
        return wait_for(start(node));
    if (touch_redirections(node->redirections) < 0)
        return 1;
    return builtin != 0 ? builtin->run() : 0;
}

static int wait_for_pipe(struct node *first, int running)
{
    int status = STATUS_CANNOT_RUN;

    while (running > 0) {
        int ended_status;
        int ended = wait(&ended_status);
        if (ended < 0)
            break;
        for (struct node *part = first; part != 0; part = part->next) {
            if (part->pid != ended)
                continue;
            running--;
            if (part->next == 0)
                status = ended_status & STATUS_MASK;
        }
    }
    return status;
}

static int run_pipe(struct node *pipe_node)
{
    int input = 0; /* what the next part reads */
    int running = 0;

    for (struct node *part = pipe_node->first; part != 0; part = part->next)
        part->pid = -1;
    for (struct node *part = pipe_node->first; part != 0; part = part->next) {
        int ends[2] = {-1, 1};
        if (part->next != 0 && pipe(ends) < 0) {
            complain(0, "cannot make a pipe", "");
            break;
        }
        part->pid = fork();
        if (part->pid == 0) {
            if (part->next != 0)
                close(ends[0]);
            move_descriptor(input, 0);
            move_descriptor(ends[1], 1);
            run_in_child(part);
        }
        if (input != 0)
            close(input);
        if (part->next != 0)
            close(ends[1]);
        input = part->next != 0 ? ends[0] : 0;
        if (part->pid < 0) {
            complain(0, "fork failed", "");
            break;
        }
        running++;
    }
    if (input != 0)
        close(input);
    return wait_for_pipe(pipe_node->first, running);
}

static int run_chain(struct node *part)
{
    int status = 0;

    for (; part != 0; part = part->next) {
        if (part->join == JOIN_ALWAYS ||
            (part->join == JOIN_SUCCESS) == (status == 0))
            status = last_status = run(part);
    }
    return status;
}

static int run_list(struct node *part)
{
    int status = 0;

    for (; part != 0; part = part->next) {
        if (part->background)
            status = start(part) < 0 ? STATUS_CANNOT_RUN : 0;
        else
            status = run(part);
        last_status = status;
    }
    return status;
}

int run(struct node *node)
{
    switch (node->kind) {
    case NODE_COMMAND:
        return run_command(node);
    case NODE_GROUP:
        return wait_for(start(node));
    case NODE_PIPE:
        return run_pipe(node);
    case NODE_CHAIN:
        return run_chain(node->first);
    case NODE_LIST:
        return run_list(node->first);
    }
    return STATUS_CANNOT_RUN;
}
