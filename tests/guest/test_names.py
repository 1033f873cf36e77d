"""Renames and symbolic links, and paths that are odd: on a root in memory and
on a disk.
"""

import re

import pytest
from conftest import program, run_command
from test_disk import boot, make_image

ROOTS = ["memory", "disk"]


@pytest.fixture(params=ROOTS)
def root(request, tmp_path):
    """Run a command where the root is on a disk, or in memory."""
    def run(command, add=(), **how):
        if request.param == "memory":
            return run_command(command, add=[program(p) for p in add], **how)
        path = make_image(tmp_path / "disk.img",
                          *(f"{p}={program(p)}" for p in add))
        return boot(path, command, **how)
    return run


def check(r):
    assert r.status == 0 and r.out.endswith("all checks passed\n"), r


# ---- Programs ----------------------------------------------------------------

@pytest.mark.parametrize("command, output", [
    ("echo a > f; mv f g; cat g; ls f", "a\nls: cannot open f\n"),
    ("mkdir d e; echo a > d/f; mv d e; cat e/d/f", "a\n"),
    ("echo a > f; echo b > g; mv f g; cat g", "a\n"),
    ("mkdir d; mv d d/d; mv d/.. x; mv nothing x",
     "mv: cannot move d to d/d\nmv: cannot move d/.. to x\n"
     "mv: cannot move nothing to x\n"),
    ("echo a > f; ln -s f l; cat l; readlink l; rm l; cat f", "a\nf\na\n"),
    ("mkdir d; ln -s /d l; echo a > l/f; cat d/f", "a\n"),
    ("ln -s l l; cat l; readlink f", "cat: cannot open l\n"
     "readlink: cannot read the link f\n"),
    ("echo a > new; ln -s new l; echo b > l; cat new; mv l m; cat m",
     "b\nb\n"),
    ("ln -s /bin/echo say; /say hello", "hello\n"),
])
def test_names_are_moved_and_linked(root, command, output):
    r = root(command)
    assert r.out + r.err.replace("\r", "") == output or r.out == output, r


def test_a_link_is_listed_as_itself_and_chmod_follows(root):
    r = root("echo a > f; ln -s f l; ln -s none n; chmod 600 l; ls -l f l n")
    assert re.findall(r"^(\S+) .* (\w+)$", r.out, re.M) == [
        ("-rw-------", "f"), ("lrwxrwxrwx", "l"), ("lrwxrwxrwx", "n")], r


def test_mv_copies_between_file_systems(tmp_path):
    path = make_image(tmp_path / "disk.img")
    r = boot(path, "echo a > /tmp/f; mv /tmp/f /g; cat /g; ls /tmp/f; "
                   "ln -s g /l; mv /l /tmp; readlink /tmp/l; ls /l; "
                   "mkdir /d; mv /d /tmp/d; ls /tmp/d")
    assert r.out == ("a\nls: cannot open /tmp/f\ng\nls: cannot open /l\n"
                     "mv: cannot move /d to /tmp/d\n"
                     "ls: cannot open /tmp/d\n"), r


def test_links_that_a_disk_has_are_followed(tmp_path):
    (tmp_path / "text").write_text("text\n")
    path = make_image(tmp_path / "disk.img", "d/", f"d/f={tmp_path}/text")
    long = "d/" + "./" * 100 + "f"
    from test_disk import e2fs
    for target, name in (("f", "d/short"), (long, "long"), ("/d", "folder")):
        done = e2fs("debugfs", "-w", "-R", f"symlink {name} {target}", path)
        assert done.returncode == 0, done.stderr
    r = boot(path, "cat /d/short /long /folder/short; rm /long /folder /d/short")
    assert r.out == "text\n" * 3, r


# ---- Storms ------------------------------------------------------------------

@pytest.mark.parametrize("workers, harts, build", [
    (4, 1, "release"), (4, 2, "release"), (8, 4, "release"), (8, 8, "release"),
    (8, 4, "debug")])
def test_a_storm_of_renames(root, workers, harts, build):
    check(root(f"/renames {workers} 300", add=["renames"], harts=harts,
               build=build))


def test_a_program_outlives_its_file(root):
    check(root("/ownfile", add=["ownfile"]))


# ---- What is odd -------------------------------------------------------------

def test_f11_empty_path_is_the_current_folder(root):
    check(root("mkdir /t; cd /t; /oddnames empty", add=["oddnames"]))


def test_f12_parent_of_a_removed_folder(root):
    check(root("mkdir /t; cd /t; /oddnames removed", add=["oddnames"]))


def test_f13_odd_numbers(root):
    check(root("mkdir /t; cd /t; /oddnames numbers", add=["oddnames"]))
