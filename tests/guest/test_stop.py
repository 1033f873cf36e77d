"""Power-off leaves nothing to repair, whatever goes on at that moment: all
processes are ended first, and give back what they have.
"""

import time

import pytest
from conftest import program, tools_run
from test_disk import e2fs, fsck, image, make_image  # noqa: F401 (a fixture)

KINDS = ["hold", "program", "pipes", "write", "shorten", "names", "fork",
         "console", "memory", "four"]
# On a quiet machine each of them takes less than 4 s.
BOUND = 30


def stop(path, words, harts, **how):
    """Run until the power goes off; what the machine then says."""
    began = time.monotonic()
    r = tools_run("--disk", path, "--harts", str(harts), "--timeout", "120",
                  "--mem", "96M", "--verbose", words, **how)
    took = time.monotonic() - began
    assert "does not end" not in r.out + r.err, r
    assert took < BOUND, f"{took} s\n{r}"
    fsck(path)
    return r


def drive(path, how):
    """The words for a disk that QEMU makes slow."""
    return ["--qemu", f"-drive if=none,id=d,format=raw,file={path},{how} "
            "-global virtio-mmio.force-legacy=false "
            "-device virtio-blk-device,drive=d"]


@pytest.fixture
def disk(image):    # noqa: F811
    def make(*more, **how):
        return image(f"stopping={program('stopping')}", *more, size="160M",
                     **how)
    return make


@pytest.mark.parametrize("kind", KINDS)
def test_f9_power_off_beside(disk, kind):
    harts = 4 if KINDS.index(kind) % 2 else 1
    r = stop(disk(block=1024 if harts == 1 else 4096), f"/stopping {kind}",
             harts)
    assert r.status == 0, r


@pytest.mark.parametrize("harts", [1, 2, 4, 8])
def test_f9_power_off_beside_all(disk, harts):
    assert stop(disk(), "/stopping", harts).status == 0


@pytest.mark.parametrize("harts", [1, 2])
def test_f9_the_first_process_exits(disk, harts):
    path = disk(f"init={program('stopping')}")
    r = stop(path, "unused", harts)
    assert "init exited, status 7" in r.out + r.err, r


def test_f9_what_a_kill_left_of_a_truncation(tmp_path):
    """A log of 1 MB takes a part of it at a time, and the disk is slow."""
    path = str(tmp_path / "disk.img")
    with open(path, "wb") as f:
        f.truncate(160 << 20)
    e2fs("mke2fs", "-qF", "-t", "ext3", "-b", "1024", "-J", "size=1", path)
    make_image(path, f"stopping={program('stopping')}", size="160M")
    assert tools_run("--disk", path, "/stopping fill").status == 0
    r = tools_run(*drive(path, "throttling.bps-total=2000000,"
                         "throttling.iops-total=200"),
                  "/stopping cut")
    assert r.status == 0 and r.out.count("cut") < 6, r
    fsck(path)


def test_f9_what_does_not_end_is_told(disk):
    """What waits for a slow disk in a way that a kill does not end."""
    path = disk()
    slow = "throttling.bps-total=250000,throttling.bps-total-max=4000000"
    r = tools_run(*drive(path, slow), "--verbose", "/stopping sync-much")
    assert r.status == 0, r
    assert "(stopping) does not end" in r.out, r
    fsck(path)
