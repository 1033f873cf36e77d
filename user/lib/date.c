/*
 * The time of day, and how people write it.
 */
#include "calf.h"

#define SECOND 1000000000l
#define DAY    86400l

/* Days of four centuries, which is when the calendar begins anew. */
#define ERA 146097l

long calf_date_ns(void)
{
    char text[48];
    const char *at = text;
    long time = 0;

    if (calf_read_file("/proc/clock", text, sizeof(text) - 1) < 0)
        return -1;
    for (; *at != '\0' && *at != '\n'; at++)
        if (*at != '.')
            time = time * 10 + (*at - '0');
    return time;
}

/*
 * A year is taken to begin in March, so that the day a leap year has more is
 * its last: then the months before any have 30.6 days each, rounded.
 */
void calf_date_text(char to[CALF_DATE], long time)
{
    long seconds = time / SECOND - (time % SECOND < 0);
    long of_day = (seconds % DAY + DAY) % DAY;
    long days = (seconds - of_day) / DAY + 719468; /* since March 1st, 0 */
    long day = days % ERA;
    long year = (day - day / 1460 + day / 36524 - day / (ERA - 1)) / 365;
    long month;

    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    year += days / ERA * 400 + (month >= 10);
    month += month < 10 ? 3 : -9;
    calf_format(to, CALF_DATE, "%ld-%02ld-%02ld %02ld:%02ld:%02ld", year, month,
                day + 1, of_day / 3600, of_day / 60 % 60, of_day % 60);
}
