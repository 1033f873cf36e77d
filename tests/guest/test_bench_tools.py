"""The benchmark's own tools: machines that hang, rates, comparisons.

No figure is judged here but for its shape: that is what the tools are for.
"""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

sys.path.insert(0, os.path.join(ROOT, "bench", "lib"))
import machines
import plan

OWN_BUILD = ABOUT_TOOLS = True

CALF = machines.BY_KEY["share"]


def load_bench():
    """tools/bench as a module."""
    path = os.path.join(ROOT, "tools", "bench")
    loader = importlib.machinery.SourceFileLoader("bench_tool", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("bench_tool", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def campaign(tmp_path):
    """A run of one machine."""
    bench = load_bench()
    options = bench.parse(["--only", "share", "--clock", "wall",
                           "--out", str(tmp_path)])
    options.plan = plan.Plan(None, [plan.Job("a job", 1, [], ["share"], 1)])
    return bench.Campaign(options)


@pytest.fixture
def script(monkeypatch):
    """Play the machine by a line of shell."""
    def play(line):
        monkeypatch.setattr(machines, "command_for",
                            lambda *_: ["sh", "-c", line])
    return play


def test_a_silent_machine_is_ended(script, monkeypatch):
    monkeypatch.setitem(machines.PATIENCE, "wall", 1)
    script("echo null_call 0 7 ns; exec sleep 60")
    rows, began = [], time.monotonic()
    with pytest.raises(machines.Failed, match="hung"):
        machines.measure(CALF, "wall", 1, [], "release",
                         lambda *row: rows.append(row))
    assert time.monotonic() - began < 20
    assert rows == [("null_call", 0, 7, "ns")]


def test_one_that_speaks_now_and_then_is_not(script, monkeypatch):
    monkeypatch.setitem(machines.PATIENCE, "wall", 3)
    script("for i in 1 2 3 4; do sleep 1; echo '# x 0: y'; done; echo '# done'")
    assert machines.measure(CALF, "wall", 1, [], "release", print) \
        == ["x 0: y"] * 4


def test_it_is_tried_once_more_and_counts_once(campaign, script, tmp_path):
    flag = tmp_path / "flag"
    script(f"echo null_call 0 7 ns; [ -e {flag} ] && echo '# done'; "
           f"touch {flag}")
    campaign.run([CALF])
    assert not campaign.failed
    assert campaign.results.data["wall"]["share"]["null_call"] == {"0": [7]}
    assert "done" not in campaign.results.data


def test_one_that_never_ends_well_has_failed(campaign, script, tmp_path):
    script("echo null_call 0 7 ns")
    campaign.run([CALF])
    assert campaign.failed
    assert campaign.results.wall("share", "null_call", 0) is None


def test_what_is_done_is_not_done_again(campaign, script):
    script("echo null_call 0 7 ns; echo '# done'")
    campaign.results.data["done"] = [
        campaign.key(r) for r in campaign.wall([CALF])]
    campaign.options.resume = True
    campaign.run([CALF])
    assert campaign.results.wall("share", "null_call", 0) is None


def test_rates_are_set_right_for_the_host():
    subprocess.run(["make", "build/user/bench"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    rows = []
    machines.measure(CALF, "wall", 2, ["rounds=1", "forkers=2", "fork_rate"],
                     "release", lambda *row: rows.append(row))
    rates = {work: value for work, _, value, _ in rows}
    assert rates["fork_rate"] > 0
    # 1%: the two clocks start and end a moment apart.
    assert rates["fork_rate_free"] >= 0.99 * rates["fork_rate"]


def test_a_disk_is_measured_on_a_copy():
    subprocess.run(["make", "build/bench-disk.img"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    before = os.stat(machines.DISK)
    rows = []
    remarks = machines.measure(CALF, "wall", 1, ["rounds=1", *plan.DISK],
                               "release", lambda *row: rows.append(row), True)
    assert not remarks
    assert [work for work, *_ in rows] == plan.DISK
    assert all(value > 0 for _, _, value, _ in rows)
    after = os.stat(machines.DISK)
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns,
                                                 before.st_ino)


def test_without_a_disk_there_are_no_figures():
    with pytest.raises(machines.Failed, match="gave up"):
        machines.measure(CALF, "wall", 1, ["rounds=1", "disk_read"],
                         "release", print)


def counted(job):
    """The figures of a plan's JOB up to 64 MB, without the long ones."""
    sizes = next(word for word in job.words if word.startswith("sizes="))
    small = [n for n in sizes.removeprefix("sizes=").split(",") if int(n) <= 64]
    words = ["sizes=" + ",".join(small) if word == sizes else word
             for word in job.words if word != "whole"]
    found = {}
    machines.measure(CALF, "icount", job.harts, words, "release",
                     lambda *row: found.update({row[:2]: row[2]}))
    return found


def test_both_plans_count_the_same():
    """bench-report compares figures of the one with figures of the other."""
    subprocess.run(["make", "build/user/bench"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    full, quick = counted(plan.FULL.icount), counted(plan.QUICK.icount)
    assert {work for work, _ in quick} > {"file_read", "cow_fault_sparse"}
    assert not {f: (full[f], n) for f, n in quick.items()
                if abs(n - full[f]) > max(full[f] / 100, 2)}


def compare(tmp_path, before, after):
    for name, value in (("a", before), ("b", after)):
        with open(tmp_path / name, "w") as f:
            json.dump({"format": 1, "machine": {}, "wall": {}, "missing": [],
                       "units": {"fork_call": "ns"},
                       "icount": {"share": {"fork_call": {"0": value}}}}, f)
    return subprocess.run(
        [os.path.join(ROOT, "tools", "bench-compare"), str(tmp_path / "a"),
         str(tmp_path / "b")], capture_output=True, text=True)


def test_what_got_slower_is_told(tmp_path):
    done = compare(tmp_path, 1000, 1100)
    assert done.returncode == 1
    assert "fork_call 0 MB: +10.0% slower" in done.stdout
    assert compare(tmp_path, 1000, 1010).returncode == 0
