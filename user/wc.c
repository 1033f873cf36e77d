/*
 * wc [FILE...]: counts lines, words and bytes of files, or of its input.
 */
#include "calf.h"
#include "kernel/fcntl.h"

struct counts {
    long lines, words, bytes;
};

static void show(const struct counts *c, const char *name)
{
    printf("%ld %ld %ld %s\n", c->lines, c->words, c->bytes, name);
}

static int count(int fd, struct counts *total, const char *name)
{
    static char buffer[2048];
    struct counts c = {0};
    int in_word = 0;
    int n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
        c.bytes += n;
        for (int i = 0; i < n; i++) {
            int blank =
                buffer[i] == ' ' || (buffer[i] >= '\t' && buffer[i] <= '\r');
            c.lines += buffer[i] == '\n';
            c.words += !blank && !in_word;
            in_word = !blank;
        }
    }
    if (n < 0) {
        fprintf(2, "wc: cannot read %s\n", name);
        return 1;
    }
    show(&c, name);
    total->lines += c.lines;
    total->words += c.words;
    total->bytes += c.bytes;
    return 0;
}

int main(int argc, char **argv)
{
    struct counts total = {0};
    int status = 0;

    if (argc < 2)
        return count(0, &total, "");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            fprintf(2, "wc: cannot open %s\n", argv[i]);
            status = 1;
            continue;
        }
        status |= count(fd, &total, argv[i]);
        close(fd);
    }
    if (argc > 2)
        show(&total, "total");
    return status;
}
