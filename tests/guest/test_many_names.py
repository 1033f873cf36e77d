"""What a name costs in a folder of 20 000, in instructions: hardly more than in
a small one, on a root in memory and on a disk.
"""

import re

from conftest import program, run_command
from test_disk import boot, make_image

COUNT = 20_000
AVERAGE = 20_000    # instructions for one name, and a call or two
VERBS = ["create", "find", "remove"]
LINE = re.compile(r"^(\w+): first (\d+) last (\d+) all (\d+)$", re.M)

# The last thousand names may cost twice as much as the first, and this much
# more: an index has levels, and caches of the kernel are fuller.
MORE = 2_000


def run(rounds, how, **more):
    words = " ".join(VERBS * rounds)
    r = how(f"mkdir /many; /manynames /many {COUNT} {words}", mem="256M",
            build="release", **more)
    assert r.status == 0, r
    return r


def check(r, rounds):
    """The least of each figure over the rounds: all verbs cost less than
    AVERAGE, and the last names not much more than the first."""
    lines = LINE.findall(r.out)
    assert [verb for verb, *_ in lines] == VERBS * rounds, r
    for verb in VERBS:
        first, last, every = (min(map(int, figures)) for figures in zip(
            *(figures for name, *figures in lines if name == verb)))
        assert every < AVERAGE, (verb, r)
        assert last <= 2 * first + MORE, (verb, r)


def test_f10_many_names_in_memory():
    check(run(1, run_command, options=["--icount"],
              add=[program("manynames")]), 1)


def test_f10_many_names_on_a_disk(tmp_path):
    """Time that passes while the disk works is in a figure, too, and has no
    bound: so there are three rounds. e2fsck finds nothing afterwards."""
    path = make_image(tmp_path / "disk.img",
                      f"manynames={program('manynames')}", size="64M",
                      options=["--inodes", str(COUNT + 1000)])

    def on_disk(command, **how):
        return boot(path, command, options=["--icount"], **how)
    check(run(3, on_disk), 3)
