/*
 * rm PATH...: removes names of files, and empty directories.
 */
#include "calf.h"

int main(int argc, char **argv)
{
    return calf_each_path("rm", "remove", unlink, argc, argv);
}
