# The benchmark: one source, a program for Calf and one for Linux.
# Part of the Makefile; tools/bench runs what is made here.

bench_parts := main samples calls forks whole many disk
bench_calf := $(patsubst %,$(U)/obj/bench/%.c.o,$(bench_parts) port_calf)
bench_linux := $(patsubst %,bench/%.c,$(bench_parts) port_linux)

$(bench_calf): | tools-run

$(U)/bench: $(bench_calf) $(U)/libcalf.a user/user.ld
	$(say) LD $@
	$(q)$(user_link) $(filter %.o,$^) $(U)/libcalf.a -o $@

# glibc is what a program for Linux is linked with, so it is measured too.
build/linux/init: $(bench_linux) bench/bench.h bench/port.h bench/bench.mk
	@mkdir -p $(@D)
	$(say) CC $@
	$(q)riscv64-linux-gnu-gcc -std=gnu17 -O2 -Wall -Wextra -Werror -static \
	    $(bench_linux) -o $@
	$(q)riscv64-linux-gnu-strip $@

# Modules are there once Linux was fetched; without them no disk is measured.
bench_modules := $(wildcard build/linux/modules/*)

build/linux/initrd.cpio: build/linux/init $(bench_modules) tools/mkcpio \
    tools/lib/newc.py
	$(q)tools/mkcpio $@ init=build/linux/init modules/ \
	    $(foreach m,$(bench_modules),modules/$(notdir $m)=$m)

# The disk that each system gets a copy of.
build/bench-data:
	$(q)head -c 67108864 /dev/urandom >$@.new && mv $@.new $@

build/bench-disk.img: build/bench-data $(U)/bench $(B)/initrd.cpio tools/image
	$(say) IMAGE $@
	$(q)tools/image --fresh --size 256M $@ $(root_entries) \
	    bench=$(U)/bench bench-data=$<

# Without the means to make Linux's program, Calf is measured alone.
bench-programs: tools-run tools-image all $(U)/bench build/bench-disk.img
	@tools/install-tools bench && { bench/linux/fetch; \
	    $(MAKE) build/linux/initrd.cpio; } || { \
	    rm -f build/linux/initrd.cpio; \
	    echo 'bench: no program for Linux, so Linux is left out'; }

bench: bench-programs ## measure Calf and Linux: tables, plots, results.json
	@tools/bench; status=$$?; tools/bench --disk && exit $$status

bench-disk: bench-programs ## the disk alone: a large file, small ones
	@tools/bench --disk

bench-quick: bench-programs ## the same in two minutes, less of it
	@tools/bench --quick

bench-linux: bench-programs ## Linux alone
	@tools/bench --only linux,linux-huge --clock icount

# For people to read: figures do not make a change right or wrong.
bench-report: all $(U)/bench ## instructions against the committed figures
	@tools/bench --quick --clock icount --only share \
	    --out build/bench-report >/dev/null && \
	    tools/bench-compare docs/bench/results.json \
	    build/bench-report/results.json || echo 'bench: only a report'

.PHONY: bench bench-disk bench-quick bench-linux bench-programs bench-report
