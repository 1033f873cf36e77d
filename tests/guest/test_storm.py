"""Storms of forks, on few and on many harts; nothing may drift."""

import re

import pytest


@pytest.mark.parametrize("harts,processes,seconds,build", [
    (1, 4, 5, "release"), (2, 8, 5, "release"), (4, 16, 10, "release"),
    (8, 32, 5, "release"), (4, 16, 5, "debug")])
def test_storm(calf, harts, processes, seconds, build):
    r = calf(f"forkstorm {processes} {seconds}", harts=harts, build=build,
             timeout=seconds * 10 + 200)
    assert r.status == 0, r
    assert re.search(r"\b0 errors\b", r.out), r
    assert int(re.search(r"(\d+) forks", r.out)[1]) > 0


def test_free_pages_are_flat(calf):
    read = "grep ^free /proc/meminfo"
    r = calf(f"forkstorm 8 2; {read}; forkstorm 8 2; {read}", harts=4)
    first, second = map(int, re.findall(r"^free: *(\d+)", r.out, re.M))
    # Caches of the allocator may hold back a few frames on each hart.
    assert abs(first - second) <= 64, r
