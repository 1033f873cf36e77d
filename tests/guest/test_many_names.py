"""What a name costs in a folder of 100 000, in instructions: hardly more than
in a small one, on a root in memory and on a disk, where nothing is cached, too.
"""

import glob
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT, needs, program, run_command
from test_disk import boot, make_image

OWN_BUILD = True

sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))
import drives

COUNT = 100_000
AVERAGE = 20_000    # instructions for one name, and a call or two
LINE = re.compile(r"^(\w+): first (\d+) last (\d+) all (\d+)$", re.M)

# The last thousand names may cost half as much again as the first, and this
# much more: where in an index a name lies depends on what was there before.
MORE = 3_000

# One that is drawn where nothing is cached may have to wait for a disk; it is
# far from looking at all names.
DRAWN = 300_000


def run(how, *verbs, before="", **more):
    r = how(f"{before}/manynames /many {COUNT} {' '.join(verbs)}; "
            "cat /proc/disks", options=["--icount"], timeout=600, **more)
    assert r.status == 0, r
    lines = LINE.findall(r.out)[-len(verbs):]
    assert [verb for verb, *_ in lines] == list(verbs), r
    return r, {verb: [int(n) for n in numbers] for verb, *numbers in lines}


def is_well(figures):
    """All verbs cost less than AVERAGE, and the last names not much more than
    the first; what is drawn is bounded."""
    for verb, (first, last, every) in figures.items():
        if verb == "draw" and not (first < DRAWN and last < DRAWN):
            return False
        if verb != "draw" and not (
                every < AVERAGE and last <= 1.5 * first + MORE):
            return False
    return True


def best(measure):
    """Time that passes while a disk works is in a figure, too, and has no
    bound: so the best of three counts."""
    r, figures = measure()
    for _ in range(2):
        if not is_well(figures):
            again = measure()[1]
            figures = {verb: list(map(min, figures[verb], again[verb]))
                       for verb in figures}
    assert is_well(figures), (figures, r)


def test_f10_many_names_in_memory():
    _, figures = run(run_command, "create", "find", "remove",
                     before="mkdir /many; ", mem="1G", build="release",
                     add=[program("manynames")])
    assert is_well(figures), figures


def reads(r):
    return int(re.search(r"^vda: .* reads (\d+)", r.out, re.M)[1])


def on_disk(image, *options):
    def how(command, **more):
        more["options"] = [*more["options"], *options]
        return boot(image, command, mem="256M", build="release", **more)
    return how


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A disk of 1 GB with all names; making and finding them was measured."""
    path = tmp_path_factory.mktemp("names") / "disk.img"

    def measure():
        path.unlink(missing_ok=True)
        make_image(path, f"manynames={program('manynames')}", size="1G",
                   options=["--inodes", "150000"])
        # The first inodes have been read when it begins.
        return run(on_disk(str(path)), "create", "find",
                   before="mkdir /many; /manynames /many 3000 create remove; ")
    best(measure)
    return str(path)


def test_f10_many_names_on_a_disk(full):
    """After a restart: found in no order, and in order."""
    best(lambda: run(on_disk(full, "--snapshot"), "draw", "find"))


def test_f10_few_reads_after_a_restart(full):
    """It is read once, several blocks at a time; a read for an inode brings 128
    that lie together."""
    r, _ = run(on_disk(full, "--snapshot"), "draw")
    assert reads(r) < COUNT // 128 + 100, r


def test_f10_many_names_removed_after_a_restart(full, tmp_path):
    copy = str(tmp_path / "copy.img")

    def measure():
        subprocess.run(["cp", "--sparse=always", full, copy], check=True)
        return run(on_disk(copy), "draw", "remove")
    best(measure)


def linux_lists(folder, image):
    """What Linux for riscv64 says of the names on a disk."""
    done = subprocess.run([os.path.join(ROOT, "bench", "linux", "fetch")],
                          stderr=subprocess.PIPE, text=True)
    needs(done.returncode == 0, f"Linux for riscv64 ({done.stderr.strip()})")
    linux = os.path.join(ROOT, "build", "linux")
    subprocess.run(
        ["riscv64-linux-gnu-gcc", "-O2", "-Wall", "-Wextra", "-Werror",
         "-ffreestanding", "-nostdlib", "-static", "-o", f"{folder}/init",
         f"{ROOT}/tests/guest/linux/listnames.c"], check=True)
    subprocess.run(
        [f"{ROOT}/tools/mkcpio", f"{folder}/initrd", f"init={folder}/init",
         "dev/", "modules/", *(f"modules/{os.path.basename(m)}={m}"
                               for m in glob.glob(f"{linux}/modules/*"))],
        check=True)
    return subprocess.run(
        ["qemu-system-riscv64", "-machine", "virt", "-m", "256M", "-display",
         "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
         "-kernel", f"{linux}/Image", "-initrd", f"{folder}/initrd",
         *drives.arguments([image], snapshot=True),
         "-append", "console=ttyS0 quiet"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, errors="replace",
        timeout=600).stdout


def test_linux_lists_the_same_names(full, tmp_path):
    said = linux_lists(str(tmp_path), full)
    assert (f"listed {COUNT} first not there {COUNT} twice 0 others 0" in
            said), said
