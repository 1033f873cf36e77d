/*
 * The numbers of /proc/meminfo, one `name: number` a line.
 */
#include "calf.h"

long calf_meminfo(const char *name)
{
    static char text[2048];
    uint length = strlen(name);
    char *line = text;

    if (calf_read_file("/proc/meminfo", text, sizeof(text)) < 0)
        return -1;
    while (line != 0) {
        if (memcmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            while (*line == ' ')
                line++;
            return *line >= '0' && *line <= '9' ? atoi(line) : -1;
        }
        line = strchr(line, '\n');
        if (line != 0)
            line++;
    }
    return -1;
}
