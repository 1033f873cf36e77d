"""What is measured, in full and quickly.

Two clocks, never mixed. `icount`: one hart, a machine a system, and every
figure is a number of instructions. `wall`: seconds of the host, in passes; in
each pass every system runs once, so that a busy host disturbs all alike. Rates
of forks are set right for what the host took (share.py), so one pass is enough.
"""

import collections

Job = collections.namedtuple("Job", "name harts words systems passes disk",
                             defaults=[False])
Plan = collections.namedtuple("Plan", "icount wall")

TWO = ["share", "linux"]
THREE = [*TWO, "linux-huge"]

CALLS = ["null_call", "pipe_same", "context_switch", "file_read",
         "zero_fault"]
FORKS = ["fork_call", "fork_exit_wait", "fork_exec"]
DISK = ["disk_read", "disk_read_cached", "disk_write", "disk_files",
        "disk_files_synced"]
FAULTS = ["cow_fault", "cow_fault_sparse", "reuse_fault", "reuse_claimed"]


def counted(sizes):
    """
    The same rounds in every plan, and more than one. The first is another one:
    it finds pages not yet touched, and more or fewer frames of zeros than the
    work itself leaves for its next round. The median leaves it out.
    """
    return Job("instructions", 1,
               ["rounds=3", f"sizes={sizes}", *CALLS, *FORKS, *FAULTS, "whole",
                "idle_forks"], None, 1)


def forkers(count, systems, rounds):
    """As many processes that fork as there are harts."""
    return Job(f"forks on {count} harts", count,
               [f"rounds={rounds}", f"forkers={count}", "fork_rate"],
               systems, 1)


FULL = Plan(
    icount=counted("0,1,16,64,256,512,1024"),
    wall=[Job("calls, forks and faults", 1,
              ["rounds=5", "sizes=0,1,16,64,512", *CALLS, *FORKS, *FAULTS],
              THREE, 3),
          Job("whole costs", 1, ["rounds=1", "sizes=64", "whole"], THREE, 3),
          Job("pipes on 2 harts", 2, ["rounds=5", "pipe_other"], TWO, 3),
          *(forkers(n, TWO, 5) for n in (1, 2, 4, 8))])

QUICK = Plan(
    icount=counted("0,16,64"),
    wall=[Job("calls, forks and faults", 1,
              ["rounds=3", "sizes=0,64", *CALLS, *FORKS, *FAULTS], TWO, 1),
          *(forkers(n, ["share"], 3) for n in (1, 2))])


def disk(passes):
    """The disk alone. It works in the host's time, so nothing is counted."""
    return Plan(icount=None, wall=[
        Job("the disk", 1, ["rounds=3", *DISK], TWO, passes, True)])
