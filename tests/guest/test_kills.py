"""A kill takes effect soon, whatever the process is doing and however much."""

import re

import pytest
from conftest import program, run_command
from test_disk import boot, image  # noqa: F401 (a fixture)

BOUND = 200     # ms: a quiet machine shows less than a third of it
# What is freed has to be freed, 230 000 pages of it, whoever is killed.
FREEING = {"exit": 600, "sbrk-down": 600, "unlink": 600, "close": 600}

# What is judged is the time that the release build takes.
OWN_BUILD = True
ROW = re.compile(r"^row (\S+) at (\d+): (\d+) ms$", re.M)


def late(r, rows):
    """What took longer than the bound in the best of three."""
    found = ROW.findall(r.out.replace("\0", ""))
    assert r.status == 0 and len(found) == rows, r.out[-2000:]
    return [row for row in found if int(row[2]) > FREEING.get(row[0], BOUND)]


def test_f7_a_kill_ends_every_call():
    r = run_command(f"/mortal {BOUND} /tmp", add=[program("mortal")], harts=2,
                    mem="4G", timeout=900)
    assert late(r, 34) == []


@pytest.mark.parametrize("harts", [1, 2])
def test_f7_a_kill_ends_every_call_on_a_disk(image, harts):  # noqa: F811
    path = image(f"mortal={program('mortal')}", size="160M")
    r = boot(path, f"/mortal {BOUND} /", mem="512M", harts=harts, timeout=400)
    assert late(r, 5) == []
