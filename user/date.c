/*
 * date: prints the time of day, in UTC.
 */
#include "calf.h"

int main(void)
{
    char text[CALF_DATE];
    long now = calf_date_ns();

    if (now < 0) {
        fprintf(2, "date: cannot read /proc/clock\n");
        return 1;
    }
    calf_date_text(text, now);
    printf("%s\n", text);
    return 0;
}
