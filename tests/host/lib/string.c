/*
 * kernel/lib/string.c for tests. What a libc has too gets the prefix calf_: the
 * sanitizers' own watch over memcpy and its kin stays in place, and the two can
 * be compared.
 */
#define memcpy  calf_memcpy
#define memmove calf_memmove
#define memset  calf_memset
#define memcmp  calf_memcmp
#define strlen  calf_strlen
#define strnlen calf_strnlen
#define strcmp  calf_strcmp
#define strncmp calf_strncmp
#define strchr  calf_strchr
#include "lib/string.c"
