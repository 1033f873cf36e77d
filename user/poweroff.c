/*
 * poweroff [STATUS]: powers the machine off; tools/run then ends with STATUS
 * (0 to 255, 0 if not given).
 */
#include "calf.h"

int main(int argc, char **argv)
{
    char text[16];
    long status = 0;

    if (argc > 2 || (argc == 2 && (calf_number(argv[1], &status) < 0 ||
                                   status < 0 || status > 255))) {
        fprintf(2, "usage: poweroff [STATUS]   (0 to 255)\n");
        return 2;
    }
    calf_format(text, sizeof(text), "off %ld\n", status);
    if (calf_write_file("/proc/power", text) < 0) {
        fprintf(2, "poweroff: cannot write /proc/power\n");
        return 1;
    }
    return 0;
}
