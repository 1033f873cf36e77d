# Fuzz targets: tests/fuzz/NAME.c, with the files it is made from named as in
# a host test. A /* flags: ... */ line may add to how it is compiled.

FUZZ := $(dir $(H))fuzz
fuzz_names := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
fuzz_flags := -std=gnu17 -g -O1 -Wall -Wextra -Wno-c2x-extensions \
    -Itests/fuzz -Itests -Itests/host/mm/machine -I$(host_kernel) -DDEBUG=1 \
    -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=fuzzer,address,undefined

TARGET ?= $(fuzz_names)

$(fuzz_names:%=$(FUZZ)/%): $(FUZZ)/%: tests/fuzz/%.c \
    $$(call told_sources,tests/fuzz/%.c) $(host_headers) \
    $(wildcard tests/fuzz/*.h machine/*.h machine/*.tbl) \
    tests/fuzz/fuzz.mk | tools-fuzz
	@mkdir -p $(@D)
	$(say) FUZZCC $<
	$(q)clang $(fuzz_flags) $(call told,flags,$<) $(filter %.c,$^) -o $@

fuzz-programs: $(fuzz_names:%=$(FUZZ)/%)

fuzz: fuzz-programs ## fuzz for long: make fuzz TARGET=elf TIME=3600
	@tools/fuzz --time $(or $(TIME),60) $(TARGET)

.PHONY: fuzz fuzz-programs
