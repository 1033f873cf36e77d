/*
 * The first process.
 *
 * It opens the console, and then either runs the one command that the kernel's
 * command line asks for (everything behind `run=`, to the end of the line) and
 * powers the machine off with the command's status, or keeps a shell on the
 * console for ever. Orphans become its children; it waits for them all.
 */
#include "calf.h"
#include "kernel/fcntl.h"

#define RESTART_TICKS 10

static char command_line[2048];

static void open_console(void)
{
    if (open("/dev/console", O_RDWR) < 0)
        exit(1);
    dup(0);
    dup(0);
}

/* The command behind `run=`, or 0 if the command line has none. */
static char *find_command(void)
{
    static const char key[] = "run=";
    char *at = command_line;
    char *end;

    if (calf_read_file("/proc/cmdline", command_line, sizeof(command_line)) < 0)
        return 0;
    if ((end = strchr(command_line, '\n')) != 0)
        *end = '\0';
    for (; *at != '\0'; at++) {
        int starts_word = at == command_line || at[-1] == ' ';
        if (starts_word && memcmp(at, key, sizeof(key) - 1) == 0)
            return at + sizeof(key) - 1;
    }
    return 0;
}

/* Runs a shell, on a command or on the console; returns its pid, or -1. */
static int start_shell(char *command)
{
    char *interactive[] = {"sh", 0};
    char *one_command[] = {"sh", "-c", command, 0};
    int pid = fork();

    if (pid != 0)
        return pid;
    exec("/bin/sh", command != 0 ? one_command : interactive);
    fprintf(2, "init: cannot run /bin/sh\n");
    exit(127);
}

/* Waits for one child, and for all orphans that end before it. */
static int wait_for(int pid)
{
    int status, ended;

    do {
        ended = wait(&status);
    } while (ended >= 0 && ended != pid);
    return ended < 0 ? -1 : status;
}

static void run_and_power_off(char *command)
{
    char text[16];
    int pid = start_shell(command);
    int status = pid < 0 ? 126 : wait_for(pid);

    if (pid < 0)
        fprintf(2, "init: fork failed\n");
    calf_format(text, sizeof(text), "off %d\n", status & 0xff);
    if (calf_write_file("/proc/power", text) < 0)
        fprintf(2, "init: cannot write /proc/power\n");
}

int main(void)
{
    char *command;

    open_console();
    command = find_command();
    if (command != 0)
        run_and_power_off(command);
    for (;;) {
        int pid = start_shell(0);
        if (pid < 0)
            fprintf(2, "init: fork failed\n");
        else
            fprintf(2, "init: the shell ended with status %d\n", wait_for(pid));
        pause(RESTART_TICKS);
    }
}
