/*
 * mkdir PATH...: makes directories.
 */
#include "calf.h"

int main(int argc, char **argv)
{
    return calf_each_path("mkdir", "make", mkdir, argc, argv);
}
