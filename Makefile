# The build of Calf.  One file, no recursion but for the second (debug) build.
#
# Every combination of compiler and kind of build has a folder of its own, so
# two of them never mix:
#
#   build/release  build/debug  build/clang-release  build/clang-debug
#       calf.elf (with symbols)   calf.img (what boots)   initrd.cpio
#   build/release-NAME               the same with EXERCISE=NAME (exercises/)
#   build/mutants/N/release          the same with known bug N (tests/mutants/)
#   build/user  build/clang-user     the programs, unstripped, for gdb
#   build/disk.img                   the disk of `make run`: it stays
#   build/host                       the host's unit tests
#   build/reports                    JUnit XML of the last test run
#
# A kernel is linked twice: the first link tells where each function is, the
# second carries that table (tools/symbols) for backtraces.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

DEBUG ?= 0
HARTS ?= $(or $(CPUS),3)
MEM ?= 128M
SIZE ?= 64M
APPEND ?=
JOBS ?=
EXERCISE ?=

ifeq ($(origin CC),default)
CC := gcc
endif

# ---- Compilers ---------------------------------------------------------------

kind := $(if $(filter-out 0,$(DEBUG)),debug,release)

ifneq ($(findstring clang,$(CC)),)
family := clang-
# A parameter without a name is one that is not used, to gcc in any C.
target_cc := $(CC) --target=riscv64-unknown-elf -mno-relax -Wno-c2x-extensions
link := -fuse-ld=lld
kernel_march := -march=rv64imac
pre := llvm-
install_group := clang
else
family :=
cross := riscv64-linux-gnu-
target_cc := $(if $(filter gcc cc,$(CC)),$(cross)gcc,$(CC))
link := -no-pie
kernel_march := -march=rv64imac_zicsr_zifencei
pre := $(cross)
# gcc would make memset's own loop into a call of memset.
loops := -fno-tree-loop-distribute-patterns
install_group :=
endif

B := build/$(family)$(kind)$(EXERCISE:%=-%)
U := build/$(family)user
H := build/host

# ---- A patched kernel --------------------------------------------------------
# K is the kernel that is built: kernel/, or a copy of it with a patch applied,
# for a known bug (MUTANT=4) or an exercise (EXERCISE=cow). An exercise is a
# folder: kernel.patch, points, its own *.c, which are compiled with the kernel,
# *.h, and perhaps exercise.mk, which may change kernel_sources, kernel_flags.

K := kernel
EXERCISES ?= exercises
exercise_folder := $(EXERCISES)/$(EXERCISE)
exercises := $(patsubst $(EXERCISES)/%/kernel.patch,%,\
    $(wildcard $(EXERCISES)/*/kernel.patch))
mutants := $(foreach p,$(wildcard tests/mutants/*.patch),\
    $(patsubst 0%,%,$(firstword $(subst -, ,$(notdir $p)))))
MUTANT ?=
ifneq ($(filter mutant,$(MAKECMDGOALS)),)
MUTANT := $(or $(N),without a number)
endif

ifneq ($(MUTANT),)
ifneq ($(filter $(mutants),$(MUTANT)) $(words $(MUTANT)),$(MUTANT) 1)
$(error there is no mutant $(MUTANT); tools/mutants --list shows what there is)
endif
patched := build/mutants/$(MUTANT)
patch := $(wildcard $(foreach n,$(MUTANT) 0$(MUTANT),tests/mutants/$n-*.patch))
B := $(patched)/$(family)$(kind)
H := $(patched)/host
# Some bugs show only when an allocation fails.
patched_flags := -DPAGE_FAIL_ON_COMMAND=1
else ifneq ($(EXERCISE),)
ifneq ($(filter $(exercises),$(EXERCISE)) $(words $(EXERCISE)),$(EXERCISE) 1)
$(error there is no exercise $(EXERCISE); there is: $(exercises))
endif
patched := $(B)
patch := $(exercise_folder)/kernel.patch
# A misspelt name is told where it stands, not by the linker.
patched_flags := -I$(exercise_folder) -Werror=implicit-function-declaration
patched_sources := $(wildcard $(exercise_folder)/*.c)
patched_make := $(exercise_folder)/exercise.mk
endif

ifdef patched
K := $(patched)/kernel
failure := $(shell tools/install-tools run; \
    tools/kernel-patch apply $(patch) $(patched) 2>&1)
$(if $(failure),$(error $(failure)))
endif

all: $(B)/calf.img $(B)/initrd.cpio ## the kernel and its programs

# ---- Kernel ------------------------------------------------------------------

kernel_sources := $(sort $(shell find $(K) -name '*.c' -o -name '*.S')) \
    $(patched_sources)
kernel_script := $(K)/arch/riscv/kernel.ld

kernel_flags := -std=gnu17 -g -I$(K) -I$(K)/arch/riscv -mabi=lp64 \
    -mcmodel=medany -ffreestanding -fno-common -fno-pic -fno-stack-protector \
    -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
    -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes
ifeq ($(kind),debug)
kernel_flags += -O1 -DDEBUG=1 -fsanitize=undefined \
    -fsanitize-undefined-trap-on-error -Wframe-larger-than=2048
else
kernel_flags += -O2 -Wframe-larger-than=1024
endif
kernel_flags += $(patched_flags) $(kernel_extra)

-include $(patched_make)
kernel_objects := $(kernel_sources:%=$(B)/%.o)

# The date of the kernel, for boards without a clock, and of what is in the
# initrd: that of the last commit, so that the same tree gives the same bytes.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(or $(shell git log -1 --format=%ct 2>/dev/null),1798761600)
endif
export SOURCE_DATE_EPOCH

$(B)/date: always
	@mkdir -p $(@D)
	@echo $(SOURCE_DATE_EPOCH) | cmp -s - $@ || echo $(SOURCE_DATE_EPOCH) >$@

$(B)/$(K)/main.c.o: kernel_flags += -DKERNEL_DATE=$(SOURCE_DATE_EPOCH)
$(B)/$(K)/main.c.o: $(B)/date

# A first `make` on a new machine finds its tools before it compiles.
$(kernel_objects) $(B)/symbols-none.S: | tools-run

kernel_link = $(target_cc) $(link) -nostdlib -static \
    -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--fatal-warnings \
    -Wl,-T,$(kernel_script)

# The kernel's C must not touch floating-point registers; its assembly saves
# those of programs.
assembly_march := -march=rv64gc

$(B)/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(q)$(target_cc) $(kernel_march) $(kernel_flags) -MMD -MP -c $< -o $@

$(B)/%.S.o: %.S Makefile
	@mkdir -p $(@D)
	$(say) AS $<
	$(q)$(target_cc) $(assembly_march) $(kernel_flags) -MMD -MP -c $< -o $@

$(B)/symbols-%.o: $(B)/symbols-%.S
	$(q)$(target_cc) $(assembly_march) -mabi=lp64 -c $< -o $@

$(B)/symbols-none.S: tools/symbols
	@mkdir -p $(@D)
	$(q)tools/symbols </dev/null >$@

$(B)/symbols-all.S: $(B)/first.elf tools/symbols
	$(q)$(pre)nm $< | tools/symbols >$@

$(B)/first.elf: $(kernel_objects) $(B)/symbols-none.o $(kernel_script)
	$(q)$(kernel_link) $(filter %.o,$^) -o $@

# The table must not have moved what it describes.
$(B)/calf.elf: $(kernel_objects) $(B)/symbols-all.o $(kernel_script)
	$(say) LD $@
	$(q)$(kernel_link) $(filter %.o,$^) -o $@
	$(q)$(pre)nm $@ | tools/symbols | cmp - $(B)/symbols-all.S

$(B)/calf.img: $(B)/calf.elf
	$(q)$(pre)objcopy -O binary $< $@.new && mv $@.new $@
	@printf '%s: %d KB\n' $@ $$(( ($$(wc -c <$@) + 1023) / 1024 ))

# ---- Programs ----------------------------------------------------------------
# user/NAME.c is a program, and so is the folder user/NAME with all its .c.

user_folders := $(filter-out lib include,$(patsubst user/%/,%,\
    $(filter-out user/,$(dir $(wildcard user/*/*.c)))))
programs := $(sort $(patsubst user/%.c,%,$(wildcard user/*.c)) $(user_folders))
objects_of = $(patsubst %,$(U)/obj/%.o,$(wildcard user/$1.c user/$1/*.c))
user_library := $(patsubst %,$(U)/obj/%.o,$(wildcard user/lib/*.c user/lib/*.S))

user_flags := -std=gnu17 -g -O2 -Iuser/include -Ikernel -march=rv64gc \
    -mabi=lp64d -mcmodel=medany -ffreestanding -fno-builtin -fno-common \
    -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables \
    -ffunction-sections -fdata-sections $(loops) -Wall -Wextra -Werror
user_link := $(target_cc) $(link) -march=rv64gc -mabi=lp64d -nostdlib -static \
    -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--gc-sections \
    -Wl,-T,user/user.ld

$(U)/obj/%.o: % Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(q)$(target_cc) $(user_flags) -MMD -MP -c $< -o $@

$(user_library) $(foreach p,$(programs),$(call objects_of,$p)): | tools-run

$(U)/libcalf.a: $(user_library)
	$(q)rm -f $@
	$(q)$(pre)ar rcs $@ $^

.SECONDEXPANSION:

$(programs:%=$(U)/%): $(U)/%: $$(call objects_of,%) $(U)/libcalf.a user/user.ld
	$(say) LD $@
	$(q)$(user_link) $(filter %.o,$^) $(U)/libcalf.a -o $@

$(programs:%=$(U)/stripped/%): $(U)/stripped/%: $(U)/%
	@mkdir -p $(@D)
	$(q)$(pre)strip -o $@ $<

# Programs that only guest tests use; tests add them to the machine they boot.
test_programs := $(patsubst tests/guest/programs/%.c,$(U)/tests/%,\
    $(wildcard tests/guest/programs/*.c))

$(test_programs): $(U)/tests/%: $(U)/obj/tests/guest/programs/%.c.o \
    $(U)/libcalf.a user/user.ld
	@mkdir -p $(@D)
	$(q)$(user_link) $(filter %.o,$^) $(U)/libcalf.a -o $@

comma := ,
blank := $(subst ,, )
own_script := tests/guest/programs/lowbuffer.ld
# They may write their code, and newer linkers need telling that this is meant.
meant := $(if $(family),,$(if $(findstring no-warn-rwx,$(shell $(cross)ld --help \
    2>/dev/null)),-Wl$(comma)--no-warn-rwx-segments))
writes_code := $(U)/tests/lowbuffer $(U)/tests/oldcode
$(writes_code): user_link := $(subst user/user.ld,$(own_script),$(user_link)) \
    $(meant)
$(writes_code): $(own_script)

# Programs from elsewhere, with the warnings they were written for.
foreign_flags := $(filter-out -Wextra -O2,$(user_flags)) -O

user-program: tools-run $(U)/libcalf.a ## compile xv6 programs: SRC=FILE.c or SRC=FOLDER
	@tools/user-program --compile '$(target_cc) $(foreign_flags)' \
	    --link '$(user_link)' --library $(U)/libcalf.a --tools '$(pre)' \
	    '$(SRC)'

# ---- The file system a machine starts with -----------------------------------
# Old programs look for their neighbours by bare name in the root.

root_programs := $(filter cat echo grep init ls sh wc,$(programs))

root_entries := bin/ dev/ proc/ tmp/ README=tools/guest-readme.txt \
    $(foreach p,$(programs),bin/$p=$(U)/stripped/$p) \
    $(foreach p,$(root_programs),$p=$(U)/stripped/$p)

$(B)/initrd.cpio: $(programs:%=$(U)/stripped/%) tools/guest-readme.txt \
    tools/mkcpio tools/lib/newc.py $(B)/date
	@mkdir -p $(@D)
	$(q)tools/mkcpio $@ $(root_entries)

# What `make user-program` has made; tools/run adds it to an initrd.
disk_entries = $(root_entries) $(foreach f,\
    $(wildcard build/user/added/stripped/*),$(notdir $f)=$f)

image: all ## a new disk for `make run`, without your files (SIZE=64M)
	@tools/image --fresh --size $(SIZE) build/disk.img $(disk_entries)

# The disk of `make run`: made once, then only newer programs are put on it.
refreshed-image: all
	@tools/image --size $(SIZE) build/disk.img $(disk_entries)

# ---- The machine of our own --------------------------------------------------

machine_flags := -std=c17 -g -O2 -Wall -Wextra -Wstrict-prototypes \
    -Wmissing-prototypes
machine_shared := -fPIC -fno-semantic-interposition
machine_files := $(wildcard machine/*.c)
machine_objects := $(machine_files:%.c=build/machine/%.o)
wasm_objects := $(patsubst %.c,build/wasm/%.o,$(machine_files) web/machine.c)

machine_library := build/machine/libcalf-machine.so

machine: tools-machine $(machine_library) ## a RISC-V machine of our own, instead of QEMU

# tools/own-machine is the program.
$(machine_library): $(machine_objects)
	$(say) HOSTLD $@
	$(q)gcc -shared -Wl,-Bsymbolic $^ -o $@

$(machine_objects): build/machine/%.o: %.c Makefile | tools-machine
	@mkdir -p $(@D)
	$(say) HOSTCC $<
	$(q)gcc $(machine_flags) $(machine_shared) -MMD -MP -c $< -o $@

machine-wasm: tools-wasm build/machine/machine.wasm ## the same as WebAssembly: tools/wasm-machine

# What machine.h declares is exported; web/machine.c exports its own.
build/machine/machine.wasm: $(wasm_objects) machine/machine.h
	@mkdir -p $(@D)
	$(say) WASMLD $@
	$(q)wasm-ld --no-entry --stack-first -z stack-size=65536 \
	    $$(sed -n 's/^.*[ *]\(machine_[a-z_]*\)(.*/--export=\1/p' \
	        machine/machine.h) $(wasm_objects) -o $@

$(wasm_objects): build/wasm/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) WASMCC $<
	$(q)clang --target=wasm32 -ffreestanding -mbulk-memory -msign-ext -Imachine \
	    $(filter-out -g,$(machine_flags)) -Wno-missing-prototypes \
	    -MMD -MP -c $< -o $@

# The disk of tools/adversary: what its runs write is thrown away.
build/adversary/disk.img: $(B)/initrd.cpio tools/image
	@mkdir -p $(@D)
	$(q)tools/image --fresh --size 16M $@ $(disk_entries)

adversary-needs: tools-test all machine $(test_programs) build/adversary/disk.img

adversary: ## faults on the worst machine (SEED=1 MINUTES=2 HARTS=2,4 JOBS=2)
	@tools/adversary $(if $(SEED),--seed $(SEED)) \
	    $(if $(MINUTES),--minutes $(MINUTES)) $(if $(JOBS),--jobs $(JOBS)) \
	    $(if $(filter command% environment%,$(origin HARTS)),--harts $(HARTS))

# ---- Running -----------------------------------------------------------------

run_flags = --harts $(HARTS) --mem $(MEM) --build $(notdir $(B)) \
    $(if $(APPEND),--append "$(APPEND)")

run: tools-run refreshed-image ## boot to a shell (HARTS=3 MEM=128M APPEND="...")
	@tools/run $(run_flags) --disk build/disk.img

qemu: run ## the same as run

# MACHINE=own: on the machine of our own, on which gdb can go back.
qemu-gdb: tools-run all ## boot, waiting for gdb; writes .gdbinit (MACHINE=own)
	@tools/run $(run_flags) $(MACHINE:%=--machine %) --gdb \
	    $(GDB_PORT:%=--gdb-port %)

print-gdbport: # what course graders ask
	@echo $(or $(GDB_PORT),1234)

gdb: tools-run tools-gdb ## gdb on the debug build (MACHINE=own: can go back)
	@$(MAKE) DEBUG=1 all
	@CALF_GDB_PORT=$(or $(GDB_PORT),$(CALF_GDB_PORT)) tools/gdb/start \
	    $(MACHINE:%=--machine %) $(EXERCISE:%=--build debug-%)

include bench/bench.mk

mutants: tools-test ## put known bugs back: the tests catch each (WHERE=host)
	@tools/mutants $(if $(JOBS),--jobs $(JOBS)) $(if $(WHERE),--where $(WHERE))

crash: tools-test all $(U)/tests/crashload ## cut the power 1 000 times
	@tests/crash/run

mutant: tools-run all ## put bug N back and run: make mutant N=4 [COMMAND=cowtest]
	@tools/run --harts $(HARTS) --mem $(MEM) --kernel $(B)/calf.img \
	    --initrd $(B)/initrd.cpio $(COMMAND)

grade: tools-run all ## the test suites item by item, with points
	@tools/grade --build $(family)$(kind) $(EXERCISE:%=--exercise %) $(ITEMS)

# ---- Tests -------------------------------------------------------------------
# A host test, tests/host/*/test_NAME.c, says on lines of its own what it is
# made from:
#     /* sources: kernel/lib/string.c kernel/lib/printf.c */
# and may add   /* flags: ... */   and   /* sanitize: thread */.  What files of
# the tests among its sources say so counts as well.  A source is compiled once
# for all tests that agree in sanitizers and flags: the folder of the object is
# named after them.

host_sources := $(wildcard tests/host/*/test_*.c)
host_tests := $(patsubst %.c,$(H)/%,$(notdir $(host_sources)))
host_source = $(filter %/$1.c,$(host_sources))
# A bug is put back in them, too; an exercise is for the guest alone. If the bug is
# in .c files only, and in none that a test includes, the objects of all others
# are those of the kernel without it.
bug_in := $(if $(MUTANT),$(sort $(patsubst a/%,%,$(patsubst b/%,%,\
    $(shell awk '/^(---|\+\+\+) / { print $$2 }' $(patch))))))
included := $(if $(MUTANT),$(addprefix kernel/,$(shell \
    sed -n 's/^\#include "\(.*\.c\)"/\1/p' $(host_sources))))
few := $(if $(filter-out %.c,$(bug_in))$(filter $(included),$(bug_in)),,$(bug_in))
host_kernel := $(if $(few),kernel,$(if $(MUTANT),$(K),kernel))
shared := $(if $(few),build/host,$(H))
host_headers := $(shell find $(host_kernel) tests/host -name '*.h' -o -name '*.tbl')
host_flags := -std=gnu17 -g -O1 -Wall -Wextra -Itests -I$(host_kernel) \
    -DDEBUG=1 -fno-omit-frame-pointer -fno-sanitize-recover=all $(host_extra)
told = $(shell tools/lib/told $1 $2 $(host_kernel))
usual := address,undefined
own_flags = $(strip -fsanitize=$(or $(call told,sanitize,$1),$(usual)) \
    $(call told,flags,$1))
told_sources = $(foreach s,$(call told,sources,$1),\
    $(if $(filter $(few),$s),$(s:kernel/%=$(K)/%),$s))
told_object = $(if $(filter $(K)/%,$1),$(H),$(shared))/objects/$2/$1.o

# $1: a test; $2: its own flags; $3: the folder of its objects. The rules below
# find the flags by test and by folder.
compiled = $(filter-out -Wl$(comma)%,$1)
folder_for = $(subst $(blank),,$(subst =,-,$(subst /,-,$1)))
objects_in = $(eval flags-$1 := $2)$(eval flags-$3 := $(call compiled,$2)) \
    $(foreach s,$1 $(call told_sources,$1),$(call told_object,$s,$3))
objects_with = $(call objects_in,$1,$2,$(call folder_for,$(call compiled,$2)))
objects_for = $(call objects_with,$1,$(call own_flags,$1))
folder_of = $(firstword $(subst /, ,$1))
source_of = $(patsubst $(call folder_of,$1)/%,%,$1)

$(host_tests): $(H)/%: $$(call objects_for,$$(call host_source,%))
	@mkdir -p $(@D)
	$(say) HOSTLD $@
	$(q)gcc $(host_flags) $(flags-$(call host_source,$*)) $^ -lcmocka \
	    -lpthread -o $@

define host_rule
$1/objects/%.o: $$$$(call source_of,$$$$*) Makefile | tools-test
	@mkdir -p $$(@D)
	$$(say) HOSTCC $$<
	$$(q)gcc $$(host_flags) $$(flags-$$(call folder_of,$$*)) -MMD -MP -c $$< -o $$@
endef
$(foreach folder,$(sort $(H) $(shared)),$(eval $(call host_rule,$(folder))))

tests = @tools/test $(if $(JOBS),--jobs $(JOBS))

test: ## the kernel's tests; at last "N passed, N failed"
	@tools/gate test

test-all: ## and debug builds, known bugs, power cuts, all models: hours
	@tools/gate all

test-host: tools-test $(host_tests) ## the portable core, on this machine
	$(tests) host

# Where there is no clang, tools/test says what it skips.
test-fuzz: tools-test ## every fuzz target, 10 seconds each
	@if command -v clang >/dev/null; then $(MAKE) fuzz-programs; fi
	$(tests) fuzz

test-models: tools-test ## the protocols, in small models
	$(tests) models

test_needs := tools-test builds $(test_programs)

test-guest: $(test_needs) ## the whole system, under QEMU
	$(tests) guest

test-tools: $(test_needs) ## what is around it: make, exercises, grader, figures
	$(tests) tools

test-debug: $(test_needs) ## the same on the debug build: assertions, UBSan, poison
	$(tests) debug

soak: tools-test $(host_tests) ## random tests for long (TIME=seconds SEED=n)
	@tools/soak $(if $(TIME),--time $(TIME)) $(if $(SEED),--seed $(SEED))

coverage: tools-test ## how much of kernel/mm the host's tests reach
	@tools/coverage

builds: all debug-build clang-build ## release, debug, and clang's

# After the release build: both make the programs, and must not at once.
debug-build: all
	@$(MAKE) DEBUG=1 all

# Where there is a clang, its build is tested too.
clang-build: debug-build
	@if command -v clang llvm-objcopy ld.lld >/dev/null; then \
	    $(MAKE) CC=clang DEBUG=0 all; fi

our_c := $(shell find kernel machine web user tests bench exercises -name '*.[ch]' 2>/dev/null)

lint: tools-lint ## layers, words, format and static analysis, no findings
	@status=0; tools/layers || status=1; tools/glossary || status=1; \
	tools/kernel-patch check || status=1; \
	tools/figures --quick || status=1; \
	clang-format --dry-run --Werror $(our_c) || status=1; \
	tools/analyse || status=1; exit $$status

format: tools-lint ## our C in the house's format, line counts in the docs
	@clang-format -i $(our_c)
	@tools/layers --update >/dev/null || true

# ---- Housekeeping ------------------------------------------------------------

tools-%:
	@tools/install-tools $* $(install_group)

help: ## this list
	@echo 'Calf: make TARGET [DEBUG=1] [CC=clang]'
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  \1 \2/p' \
	    Makefile bench/bench.mk tests/*/*.mk | \
	    awk '{ t = $$1; $$1 = ""; printf "  %-12s%s\n", t, $$0 }'

clean: ## remove everything that was built
	@rm -rf build .gdbinit

V ?= 0
q := $(if $(filter 0,$(V)),@)
say := @$(if $(filter 0,$(V)),printf '  %-7s%s\n',:)

.PHONY: all always run machine machine-wasm adversary adversary-needs image \
    refreshed-image user-program qemu qemu-gdb print-gdbport gdb grade crash \
    test test-all test-host test-fuzz test-models test-guest test-tools test-debug soak \
    coverage mutants mutant builds debug-build clang-build lint format help clean
.SECONDARY:

-include tests/spin/spin.mk
-include tests/fuzz/fuzz.mk
-include $(kernel_objects:.o=.d)
-include $(machine_objects:.o=.d) $(wasm_objects:.o=.d)
-include $(shell find $(U)/obj \
    $(addsuffix /objects,$(sort $(H) $(shared))) -name '*.d' 2>/dev/null)
