/*
 * What the fuzz targets have in common. A target is one file here: libFuzzer
 * calls its LLVMFuzzerTestOneInput with bytes in memory of exactly their size,
 * AddressSanitizer and UBSan watch the kernel's own source files, and MUST
 * says what the contract in the header promises of any input. tools/fuzz runs
 * them; tests/fuzz/corpus/TARGET holds the inputs worth keeping.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Called with each input; the result is always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition))                                                      \
            __builtin_trap();                                                  \
    } while (0)

#endif
