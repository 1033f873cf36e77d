/*
 * The board's clock of the day, of the kind "google,goldfish-rtc".
 */
#ifndef DEV_RTC_H
#define DEV_RTC_H

#include <stdint.h>

/* Nanoseconds since 1970, of the clock whose registers are mapped at `base`. */
int64_t rtc_read(uintptr_t base);

#endif
