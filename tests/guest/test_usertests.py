"""usertests: what programs written for xv6 rely on, and such programs."""

import os
import re
import struct

import pytest
from conftest import ROOT, program, run_command, run_program

PASSED = "ALL TESTS PASSED"


def check(result, last=PASSED):
    failed = [l for l in result.out.splitlines() if "FAILED" in l]
    assert not failed, "\n".join(failed)
    assert result.status == 0, result
    assert result.out.splitlines()[-1] == last, result


@pytest.mark.parametrize("harts", [1, 2, 8])
def test_quick_ones(harts):
    r = run_command("usertests -q", harts=harts, timeout=300)
    check(r)
    assert re.search(r"^\d+ slow tests left out$", r.out, re.M), r


def test_all():
    r = run_command("usertests", harts=4, timeout=400)
    check(r)
    passed = re.findall(r"^(\S+): ok$", r.out, re.M)
    assert sorted(passed) == sorted(listed()), r


def test_on_the_debug_build():
    check(run_command("usertests -q", harts=2, build="debug", timeout=900))


def test_in_another_folder():
    """A disk is tested by going to it; so is another part of this one."""
    check(run_command("cd /tmp; usertests stat disk-full name-lengths paths",
                      harts=2), "4 TESTS PASSED")


def test_by_its_path():
    """The words it was started with are its own: no test writes over them."""
    check(run_command("/bin/usertests exec-bad-arguments exec-arguments"),
          "2 TESTS PASSED")


def listed():
    out = run_command("usertests -l").out
    rows = [line.split() for line in out.splitlines()]
    assert all(len(row) == 2 and row[1] in ("quick", "slow") for row in rows)
    names = [row[0] for row in rows]
    assert len(names) == len(set(names)) > 90, out
    return names


def test_names_that_are_none():
    r = run_command("usertests wait no-such-test")
    assert r.status == 2 and "no-such-test" in r.out, r
    assert "PASSED" not in r.out, r
    assert run_command("usertests --none", audit=False).status == 2
    r = run_command("usertests --help", audit=False)
    assert r.status == 0 and "usage: usertests" in r.out, r


def test_a_failure_says_where(tmp_path):
    """A test cannot pass in a folder that takes no files."""
    r = run_command("cd /proc; usertests stat")
    assert r.status == 1, r
    assert re.search(r"^stat: FAILED: main.c:\d+: cannot make a folder",
                     r.out, re.M), r
    assert r.out.splitlines()[-1] == "1 TESTS FAILED", r


def test_without_proc(tmp_path):
    """Where there is no /proc it says so, and does without."""
    with open(os.path.join(ROOT, "build", "user", "stripped",
                           "usertests"), "rb") as f:
        image = f.read()
    assert b"/proc/audit" in image and b"/proc/meminfo" in image
    (tmp_path / "alone").write_bytes(image.replace(b"/proc/", b"/none/"))
    r = run_command("/alone sbrk-eager sbrk-refused fork-limit disk-full "
                    "hundred-megabytes", add=[f"{tmp_path}/alone"])
    check(r, "5 TESTS PASSED")
    assert "memory that is lost will not be noticed\n" in r.out, r


def test_every_fact_has_a_test():
    """Each row of the table in docs/XV6.md names tests that exist."""
    with open(os.path.join(ROOT, "docs", "XV6.md")) as f:
        rows = [line.split("|")[1:-1] for line in f if line.startswith("| ")]
    facts = [row for row in rows if len(row) == 2 and "`" in row[1]]
    assert len(facts) > 40
    guest, names = os.path.join(ROOT, "tests", "guest"), set(listed())
    source = ""
    for name in os.listdir(guest):
        if name.endswith(".py"):
            with open(os.path.join(guest, name)) as f:
                source += f.read()
    used = set()
    for fact, tests in facts:
        found = re.findall(r"`([\w-]+)`", tests)
        assert found, fact
        for name in found:
            assert name in names or f"def {name}(" in source, (fact, name)
        used |= set(found)
    assert not names - used, f"in no row: {names - used}"


def test_one_segment_at_an_odd_offset(tmp_path):
    """As one known program's file has it: all in one, at 0xe8."""
    with open(program("lowbuffer"), "rb") as f:
        image = bytearray(f.read())
    table, = struct.unpack_from("<Q", image, 32)
    at = next(at for at in range(table, table + 4 * 56, 56)
              if struct.unpack_from("<I", image, at)[0] == 1)
    offset, = struct.unpack_from("<Q", image, at + 8)
    size, = struct.unpack_from("<Q", image, at + 32)
    struct.pack_into("<Q", image, at + 8, 0xe8)
    (tmp_path / "odd").write_bytes(
        image[:0xe8] + image[offset:offset + size])
    r = run_command("/odd", add=[f"{tmp_path}/odd"])
    assert r.status == 0 and r.out.endswith("all checks passed\n"), r


FORMATS = r"""---
5|-12|4000000000|BEEF|c|text|%
-2147483648|FFFFFFFF|0
0x0000000000001234|0x0000000000000000
-5000000000|9223372036854775808|123456789ABC
-5000000000|18446744073709551615|FFFFFFFFFFFFFFFF
6000000000|(null)|%q|%
---
"""


def test_library():
    """All headers and functions, called as such programs call them."""
    assert FORMATS in run_program("library argument").out


@pytest.mark.parametrize("harts", [1, 4])
def test_a_ring_of_processes(harts):
    r = run_command("/token 40", harts=harts,
                    add=[program("token")])
    assert (r.status, r.out) == (0, "token: 280 passes, sum 21\n"), r


def test_a_walk_over_folders():
    r = run_command(
        "mkdir /tmp/w; mkdir /tmp/w/d; echo abc > /tmp/w/d/f; "
        "ln /tmp/w/d/f /tmp/w/d/fourteen-chars; /tree /tmp/w",
        add=[program("tree")])
    assert r.out == ("d 1 2 64\n  f 2 2 4\n  fourteen-chars 2 2 4\n"), r
