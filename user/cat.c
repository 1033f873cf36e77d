/*
 * cat [FILE...]: copies files, or its input, to its output. A file that cannot
 * be read is named, the others are still copied, and the status is 1.
 */
#include "calf.h"
#include "kernel/fcntl.h"

int main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2 && calf_copy(0, 1) < 0) {
        fprintf(2, "cat: cannot read or write\n");
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            fprintf(2, "cat: cannot open %s\n", argv[i]);
            status = 1;
            continue;
        }
        if (calf_copy(fd, 1) < 0) {
            fprintf(2, "cat: cannot read or write %s\n", argv[i]);
            status = 1;
        }
        close(fd);
    }
    return status;
}
