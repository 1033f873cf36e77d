"""/proc: the audit, memory figures, a process's regions and its tree."""

import re

import pytest
from conftest import program, tools_run

TREESHARE = program("treeshare")


def test_audit_is_clean_from_the_start():
    r = tools_run("--harts", "2", "cat /proc/audit")
    assert r.status == 0
    assert r.out.splitlines()[0] == "audit: clean", r


@pytest.mark.parametrize("build", ["release", "debug"])
def test_audit_is_clean_in_mid_flight(calf, build):
    """Reading it while others fork must neither hang nor find anything."""
    reads = "; ".join(["cat /proc/audit"] * 10)
    r = calf(f"forkstorm 4 4 > /tmp/storm & {reads}", harts=4, build=build)
    assert r.out.count("audit: clean\n") == 10, r


def test_meminfo_has_all_its_lines(calf):
    r = calf("cat /proc/meminfo")
    names = re.findall(r"^(\w+): *\d+$", r.out, re.M)
    for name in ("total free anonymous table cache slab stack kernel shared "
                 "faults_spurious faults_zero faults_file faults_reuse "
                 "faults_copy faults_segv faults_bus faults_nomem "
                 "nodes_copied nodes_claimed nodes_sealed nodes_linked "
                 "pages_copied shootdowns").split():
        assert name in names, (name, str(r))


def test_maps_shows_the_regions(calf):
    lines = calf("cat /proc/1/maps").out.splitlines()
    form = re.compile(r"(?:0x)?([0-9a-f]+)-(?:0x)?([0-9a-f]+) ")
    ranges = [tuple(int(x, 16) for x in m.groups())
              for line in lines if (m := form.match(line))]
    assert len(ranges) >= 2, lines
    assert all(a < b for a, b in ranges)
    assert all(b <= c for (_, b), (c, _) in zip(ranges, ranges[1:]))
    assert ranges[0][0] == 0, "the image begins at 0"


def nodes_by_process(text):
    """{pid: set of (level, page)} of all nodes of level 1 and 0 shown."""
    parts = re.split(r"^tree of (\d+)\n", text, flags=re.M)[1:]
    return {int(pid): set(re.findall(
        r"level (\d)\D+?page (?:0x)?([0-9a-f]+)", tree))
        for pid, tree in zip(parts[::2], parts[1::2])}


def test_fork_shares_a_level_1_node(calf):
    r = calf("treeshare", add=[TREESHARE], harts=2)
    assert r.status == 0, r
    assert r.out.startswith("audit: clean\n"), r      # in just this state
    parent, child = nodes_by_process(r.out).values()
    assert any(level == "1" for level, _ in parent & child), r
    assert any(level == "1" for level, _ in parent - child), \
        "the gigabyte both have written is not shared any more\n" + str(r)


def test_files_of_a_dead_process_are_gone(calf):
    assert calf("cat /proc/9999/maps").status != 0


def test_ps_lists_the_running(calf):
    r = calf("ps")
    assert r.status == 0
    assert re.search(r"^ *1 .*\binit$", r.out, re.M), r
    assert re.search(r"\bps$", r.out, re.M), r


@pytest.mark.parametrize("path", ["/proc/audit", "/proc/meminfo",
                                  "/proc/1/maps", "/proc/1/tree"])
def test_they_are_not_writable(calf, path):
    assert calf(f"echo x > {path}").status != 0


def test_power_off_from_the_shell():
    r = tools_run("poweroff 9; cat")
    assert r.status == 9, r


def test_the_status_of_a_process(calf):
    r = calf("cat /proc/self/status")
    assert re.search(r"^name: cat\npid: \d+\nparent: \d+\nstate: running\n"
                     r"hart: 0\npages: \d+\nbreak: 0x\w+\nabi: xv6\ntasks: 1$",
                     r.out, re.M), r
