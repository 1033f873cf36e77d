"""Programs from elsewhere: `make user-program`, and ELF files as they come.

The sources here are written like those of a course: nothing of them knows
Calf. The ELF files are made without its headers, library and linker script.
"""

import os
import re
import subprocess

import pytest
from conftest import ROOT, tools_run

OWN_BUILD = ABOUT_TOOLS = True

ADDED = os.path.join(ROOT, "build", "user", "added")

SIZES = """\
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"

int main(int count, char **words)
{
  for (int at = O_RDONLY + 1; at < count; at++)
    printf("%s has %d bytes\\n", words[at], strlen(words[at]));
  exit(count == 3 ? 0 : 1);
}
"""

# With a helper in a file of its own, declared where only this tree has it.
CALLER = """\
#include "kernel/types.h"
#include "user/user.h"
#include "kernel/greeting.h"
int main(void) { fprintf(1, "%s\\n", greeting()); exit(0); }
"""
GREETING = """\
#include "kernel/greeting.h"
const char *greeting(void) { return "from next door"; }
"""
# Where a course has a part written in assembly.
SWITCHER = """\
#include "kernel/types.h"
#include "user/user.h"
extern int chosen(void);
int main(void) { printf("chose %d\\n", chosen()); exit(0); }
"""
CHOSEN = """\
        .text
        .globl chosen
chosen: li a0, 42
        ret
"""
NOT_THESE = "#error these are the tree's own headers\n"

# No header, no library: what a program is at the least.
BARE = """\
static long call(long number, long a, long b, long c)
{
  register long a0 asm("a0") = a, a1 asm("a1") = b, a2 asm("a2") = c;
  register long a7 asm("a7") = number;
  asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}
char zeros[5000];
char text[] = "BARE\\n";
int main(int argc, char **argv)
{
  for (int i = 0; i < 4; i++)
    text[i] += 'a' - 'A';
  if (argc == 2 && argv[1][0] == 'x' && zeros[4999] == 0)
    call(16, 1, (long)text, 5);
  call(2, 0, 0, 0);
  return 0;
}
"""
TWO_SEGMENTS = """\
ENTRY(main)
SECTIONS
{
  . = 0;
  .text : { *(.text .text.*) }
  .rodata : { *(.srodata .srodata.* .rodata .rodata.*) }
  . = ALIGN(0x1000);
  .data : { *(.sdata .sdata.* .data .data.*) }
  .bss : { *(.sbss .sbss.* .bss .bss.*) }
}
"""


@pytest.fixture(autouse=True)
def as_before():
    """What these tests add is taken out again, and nothing else."""
    listed = subprocess.run([tool("user-program"), "--list"], text=True,
                            stdout=subprocess.PIPE).stdout.split()
    yield
    for name in os.listdir(ADDED) if os.path.isdir(ADDED) else ():
        if name != "stripped" and name not in listed:
            subprocess.run([tool("user-program"), "--remove", name],
                           check=True)


def tool(name):
    return os.path.join(ROOT, "tools", name)


def make(source, status=0):
    """`make user-program`; what it says."""
    done = subprocess.run(["make", "user-program", f"SRC={source}"], cwd=ROOT,
                          text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode == 0) == (status == 0), done.stdout
    return done.stdout


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def test_one_file(tmp_path):
    write(tmp_path, tellsize_c=SIZES)
    said = make(tmp_path / "tellsize.c")
    assert "run it: tools/run tellsize\n" in said
    r = tools_run("tellsize one three")
    assert (r.status, r.out) == (0, "one has 3 bytes\nthree has 5 bytes\n"), r


def test_a_tree_with_its_own_headers(tmp_path):
    """Calf's headers win; those it has not got are found."""
    write(tmp_path / "user", caller_c=CALLER, greeting_c=GREETING,
          user_h=NOT_THESE, printf_c="void printf(void) {}\n")
    write(tmp_path / "kernel", types_h=NOT_THESE,
          greeting_h="const char *greeting(void);\n")
    assert "added caller" in make(tmp_path)
    r = tools_run("caller")
    assert (r.status, r.out) == (0, "from next door\n"), r


def test_a_source_beside_foreign_headers(tmp_path):
    """An include does not find `kernel/types.h` next to the source first."""
    write(tmp_path, beside_c=SIZES)
    write(tmp_path / "kernel", types_h=NOT_THESE)
    make(tmp_path / "beside.c")
    assert tools_run("beside 1 2").status == 0


def test_a_program_named_like_one_of_ours(tmp_path):
    """It is the one meant, and ours is where it was."""
    write(tmp_path, ls_c=SIZES)
    said = make(tmp_path / "ls.c")
    try:
        assert re.search(r"run it: tools/run ls +\(Calf's own: /bin/ls\)", said)
        r = tools_run("ls a b; cd /tmp; ls c; /bin/ls /")
        assert r.out.startswith("a has 1 bytes\nb has 1 bytes\nc has 1 bytes\n"), r
        assert "README" in r.out, r
    finally:
        subprocess.run([tool("user-program"), "--remove", "ls"], check=True)
    assert "README" in tools_run("ls").out


def test_what_is_added_by_hand_is_what_runs(tmp_path):
    write(tmp_path, mine_c=SIZES)
    make(tmp_path / "mine.c")
    mine = os.path.join(ROOT, "build", "user", "added", "mine")
    r = tools_run("--add", f"{mine}:usertests", "usertests one -q")
    assert (r.status, r.out) == (0, "one has 3 bytes\n-q has 2 bytes\n"), r


def test_list_and_remove(tmp_path):
    write(tmp_path, shortlived_c=SIZES)
    make(tmp_path / "shortlived.c")
    say = [tool("user-program"), "--list"]
    assert "shortlived" in subprocess.check_output(say, text=True).split()
    done = subprocess.run(
        [tool("user-program"), "--remove", "shortlived"], check=True,
        text=True, stdout=subprocess.PIPE)
    assert done.stdout.startswith("removed shortlived")
    if os.path.exists(os.path.join(ROOT, "build", "disk.img")):
        assert "rm /shortlived" in done.stdout
    assert "shortlived" not in subprocess.check_output(say, text=True).split()
    assert tools_run("shortlived a b").status == 127


def test_refusals_say_what_is_wrong(tmp_path):
    write(tmp_path, mistake_c="int main(void) { return missing; }\n",
          needs_c="int trace(int);\nint main(void) { return trace(1); }\n",
          helper_c="/* int main(void) { */ int x;\n", init_c=SIZES,
          averylongername_c=SIZES, defs_c='#include "kernel/defs.h"\n'
          "int main(void) { return 0; }\n")
    for odd in ("two words.c", "semi;colon.c", "-dash.c"):
        (tmp_path / odd).write_text(SIZES)
    for name, why in (
            ("nowhere.c", "no such file or folder"),
            ("mistake.c", f"{tmp_path}/mistake.c:1:25: error: 'missing'"),
            ("mistake.c", "mistake.c does not compile: see above"),
            ("needs.c", "neither it nor Calf's library has trace"),
            ("helper.c", "has no main()"),
            ("init.c", "/init is what the kernel starts first"),
            ("averylongername.c", "is longer than 14 bytes"),
            ("two words.c", "cannot be typed as it is: rename the file"),
            ("semi;colon.c", "cannot be typed as it is: rename the file"),
            ("-dash.c", "cannot be typed as it is: rename the file"),
            ("defs.c", "nobody has kernel/defs.h: Calf's headers are in "
                       "user/include"),
            ("works.c two.c", "no such file or folder (it takes one)")):
        said = make(tmp_path / name, status=2)
        assert why in re.sub("[‘’]", "'", said), said
    assert "compiled already" in make(tool("../build/user/echo"), status=2)
    assert "make user-program SRC=" in make("", status=2)


def test_a_folder_adds_what_it_can(tmp_path):
    write(tmp_path, works_c=SIZES, fails_c="int main(void) { return x; }\n",
          init_c=SIZES)
    said = make(tmp_path, status=1)
    assert "added works" in said
    assert "not added" in said and "left out" in said
    assert tools_run("works 1 2").status == 0


def test_assembly_of_a_folder_is_linked_to_who_needs_it(tmp_path):
    write(tmp_path, switcher_c=SWITCHER, chosen_S=CHOSEN, plainone_c=SIZES,
          usys_S="#error Calf has its own\n")
    said = make(tmp_path)
    assert "added switcher" in said and "left out" not in said
    r = tools_run("switcher")
    assert (r.status, r.out) == (0, "chose 42\n"), r


def linked(tmp_path, march, *how):
    """BARE as an ELF file; its loads as (offset, flags)."""
    write(tmp_path, bare_c=BARE, two_ld=TWO_SEGMENTS)
    gcc = ["riscv64-linux-gnu-gcc", f"-march={march}", "-mabi=lp64", "-O",
           "-ffreestanding", "-fno-pic", "-fno-common", "-mcmodel=medany",
           "-c", "-o", "bare.o", "bare.c"]
    subprocess.run(gcc, cwd=tmp_path, check=True)
    subprocess.run(["riscv64-linux-gnu-ld", *how, "-o", "bare", "bare.o"],
                   cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    headers = subprocess.check_output(
        ["riscv64-linux-gnu-readelf", "-lW", tmp_path / "bare"], text=True)
    return re.findall(r"LOAD +0x0*([0-9a-f]+) (?:0x\w+ +)+(R?W? ?E?) +0x", headers)


def runs(tmp_path):
    r = tools_run("--add", f"{tmp_path}/bare:other", "/other x")
    assert (r.status, r.out) == (0, "bare\n"), r


@pytest.mark.parametrize("march", ["rv64imc", "rv64im", "rv64imac"])
def test_an_elf_file_of_two_segments(tmp_path, march):
    loads = linked(tmp_path, march, "-z", "max-page-size=4096", "-T", "two.ld")
    assert len(loads) == 2 and loads[0][1] == "R E", loads
    runs(tmp_path)


def test_an_elf_file_of_one_segment_at_an_odd_offset(tmp_path):
    loads = linked(tmp_path, "rv64imc", "-N", "-e", "main", "-Ttext", "0")
    assert len(loads) == 1 and loads[0][1] == "RWE", loads
    assert int(loads[0][0], 16) % 4096, loads
    runs(tmp_path)
