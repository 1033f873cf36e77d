"""Owners, permissions and times, as programs and other systems see them; and
the time of day.
"""

import os
import re
import subprocess
import time

import pytest
from conftest import Console, program, run_command, run_program, tools_run
from test_disk import E2FS, boot, e2fs, entries, fsck, make_image

DATE = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
LINE = re.compile(rf"^([-dc]\S{{9}}) +(\d+) (\d+) (\d+) +(\d+(?:, \d+)?) {DATE} "
                  r"(\S+)$", re.M)
FIXED = "2027-01-01 00:00:0"    # when --icount begins


@pytest.fixture
def image(tmp_path):
    def make(*more, **how):
        return make_image(tmp_path / "disk.img", *more, **how)
    return make


def short_image(path):
    """One with records of 128 bytes, made without tools/image."""
    staging = str(path) + ".d"
    for entry in entries():
        name, _, source = entry.partition("=")
        place = os.path.join(staging, name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if source:
            subprocess.run(["cp", source, place], check=True)
    done = e2fs("mke2fs", "-q", "-t", "ext3", "-I", "128", "-d", staging,
                str(path), "16M")
    assert done.returncode == 0, done.stderr
    return str(path)


def debugfs(path, name):
    return e2fs("debugfs", "-R", f"stat {name}", path).stdout.decode()


def seconds(text):
    """Those since 1970 of what `date` and `ls -l` print."""
    return int(time.mktime(time.strptime(text + " UTC",
                                         "%Y-%m-%d %H:%M:%S %Z"))
               - time.timezone)


# ---- The time of day ---------------------------------------------------------

def test_the_board_tells_the_time_of_day():
    before = int(time.time())
    r = run_command("date; cat /proc/clock")
    found = re.fullmatch(DATE + r"\n(\d+)\.\d{9}\n", r.out)
    assert found, r
    assert before <= seconds(found[1]) <= int(found[2]) <= time.time(), r


def test_a_board_without_a_clock_starts_at_the_date_of_the_kernel(tmp_path):
    """The tree is QEMU's, and without the clock."""
    tree = tmp_path / "tree.dtb"
    subprocess.run(["qemu-system-riscv64", "-machine",
                    f"virt,dumpdtb={tree}", "-smp", "1", "-m", "128M",
                    "-display", "none"], check=True, stderr=subprocess.DEVNULL)
    data = tree.read_bytes()
    name = b"google,goldfish-rtc"
    assert data.count(name) == 1
    tree.write_bytes(data.replace(name, b"google,x" + name[8:]))
    with open("build/release/date") as f:
        built = int(f.read())
    r = run_command("date", options=["--qemu", f"-dtb {tree}"])
    assert built <= seconds(r.out.strip()) < built + 60, r


def test_runs_that_count_instructions_repeat_to_the_byte(image):
    path = image()
    command = ("date; echo x > f; mkdir d; echo y >> f; ls -l /; ls -l; "
               "cat /proc/clock; ls -lt /bin")
    for options in ([], ["--disk", path, "--snapshot"]):
        first, second = (tools_run("--icount", *options, command)
                         for _ in range(2))
        assert first.status == 0 and first.out.startswith(FIXED), first
        if options:     # a disk takes its own time
            first.out, second.out = (re.sub(r"\.\d{9}", "", r.out)
                                     for r in (first, second))
        assert first.out == second.out


# ---- ls -l, touch, chmod -----------------------------------------------------

def check_listing(text, now):
    lines = {m[7]: m for m in LINE.finditer(text)}
    assert list(lines) == sorted(lines)
    mode, links, owner, group, size, date = lines["old"].groups()[:6]
    assert (mode, links, owner, group) == ("-rw-r-----", "2", "0", "0")
    assert size == "2" and now - 60 <= seconds(date) <= now + 60
    assert lines["old"].groups()[:6] == lines["same"].groups()[:6]
    assert lines["sub"][1] == "drwxr-xr-x" and lines["sub"][2] == "2"
    assert lines["node"][1] == "crw-r--r--" and lines["node"][5] == "2, 0"
    assert lines["new"][1] == "-rwxrwxrwx" and lines["new"][5] == "0"


LIST = ("mkdir /w; cd /w; echo 1 > old; ln old same; mkdir sub; touch new; "
        "chmod 640 old; chmod 777 new; /node; ls -l")


@pytest.mark.parametrize("root", ["memory", "long", "short"])
def test_ls_shows_what_a_file_is(image, tmp_path, root):
    node = f"node={program('node')}"
    if root == "memory":
        r = run_command(LIST, add=[program("node")])
    elif root == "long":
        r = boot(image(node), LIST)
    else:
        path = short_image(tmp_path / "short.img")
        make_image(path, node)
        r = boot(path, LIST)
    check_listing(r.out, time.time())


@pytest.mark.parametrize("root", ["memory", "disk"])
def test_ls_sorts_by_time(image, root):
    command = ("mkdir /w; cd /w; touch c; touch a; touch b; ls -t -l; "
               "echo x > c; ls -lt")
    r = boot(image(), command) if root == "disk" else run_command(command)
    names = [n for _, n in re.findall(rf"{DATE} (\w)$", r.out, re.M)]
    assert names == list("bac" "cba"), r


def test_programs_have_the_mode_and_the_date_that_they_were_packed_with(image):
    with open("build/release/date") as f:
        built = int(f.read())
    r = run_command("ls -l /bin /README")
    lines = {m[7]: m for m in LINE.finditer(r.out)}
    assert lines["cat"][1] == "-rwxr-xr-x"
    assert lines["/README"][1] == "-rw-r--r--"
    assert seconds(lines["cat"][6]) == seconds(lines["/README"][6]) == built
    path = image()
    on_disk = {m[7]: m for m in
               LINE.finditer(boot(path, "ls -l /bin /README").out)}
    assert on_disk["cat"].groups()[:5] == lines["cat"].groups()[:5]
    assert on_disk["/README"][1] == "-rw-r--r--"
    assert "User:     0   Group:     0" in debugfs(path, "/bin/cat")


def test_touch_and_chmod_tell_what_they_cannot():
    r = run_command("touch /none/x; echo $?; touch /proc/power; echo $?; "
                    "chmod 600 /none; echo $?; chmod 8 /; echo $?; "
                    "chmod 10000 /; echo $?; chmod; echo $?; ls -l none; "
                    "echo $?")
    assert re.findall(r"^\d$", r.out, re.M) == list("1112221"), r
    assert "touch: cannot touch /proc/power" in r.out, r


# ---- What other systems read -------------------------------------------------

@pytest.mark.parametrize("kind", ["long", "short"])
def test_debugfs_reads_the_times_and_the_mode(image, tmp_path, kind):
    path = image() if kind == "long" else short_image(tmp_path / "short.img")
    base = 1800000000
    r = boot(path, "echo x > /f; mkdir /d; chmod 700 /d; cat /README > /c",
             options=["--qemu", "-rtc base=2027-01-15T08:00:00,clock=vm"])
    assert r.status == 0, r
    for name, mode in (("/f", "0644"), ("/d", "0700"), ("/c", "0644")):
        told = debugfs(path, name)
        assert re.search(rf"Mode:  {mode}\b", told), told
        for field in ("ctime", "mtime", "atime"):
            found = re.search(rf"{field}: 0x(\w{{8}})(:\w{{8}})? -- .* 2027",
                              told)
            assert found, told
            assert base <= int(found[1], 16) < base + 60, told
            assert bool(found[2]) == (kind == "long"), told
    assert ("crtime: 0x6b49d2" in debugfs(path, "/f")) == (kind == "long")
    fsck(path)


def test_times_stay_over_a_power_off(image):
    path = image()
    show = "ls -l /d /f /bin/cat"
    first = boot(path, "echo x > /f; mkdir /d; touch /d/a; "
                       f"echo y >> /f; touch /d/b; {show}")
    assert boot(path, show).out == first.out, first


def test_a_time_is_safe_after_a_sync(image):
    """Of a file that is written over, too: without more room it is stored
    apart from the contents."""
    path = image(f"over={program('over')}")
    machine = Console(options=[
        "--disk", path, "--qemu", "-rtc base=2030-05-05T05:05:05,clock=vm"])
    try:
        machine.prompt()
        machine.type("/over /README; sync; echo do''ne\n")
        machine.expect("^done")
    finally:
        machine.close()
    e2fs("e2fsck", "-fy", path)
    assert re.search(r"mtime: .* May  5 05:05:\d\d 2030",
                     debugfs(path, "/README"))


@pytest.mark.parametrize("root", ["memory", "long", "short"])
def test_what_the_calls_set_and_refuse(image, tmp_path, root):
    if root == "memory":
        run_program("attributes", build="debug")
        return
    path = image() if root == "long" else short_image(tmp_path / "short.img")
    make_image(path, f"attributes={program('attributes')}")
    r = boot(path, "/attributes", build="debug")
    assert r.status == 0 and r.out == "all checks passed\n", r
