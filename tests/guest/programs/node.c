/*
 * Makes a device node, "node", in the current folder.
 */
#include "check.h"

int main(void)
{
    CHECK(mknod("node", 2, 0) == 0);
    return check_result();
}
