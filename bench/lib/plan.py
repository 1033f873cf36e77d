"""What is measured, in full and quickly.

Two clocks, never mixed. `icount`: one hart, a machine a system, and every
figure is a number of instructions. `wall`: seconds of the host, in passes; in
each pass every system runs once, so that a busy host disturbs all alike.
"""

import collections

Job = collections.namedtuple("Job", "harts words")
Plan = collections.namedtuple("Plan", "icount wall passes wall_systems")

CALLS = ["null_call", "pipe_same", "context_switch", "file_read",
         "zero_fault"]
FORKS = ["fork_call", "fork_exit_wait", "fork_exec"]
FAULTS = ["cow_fault", "cow_fault_sparse", "reuse_fault", "reuse_claimed"]


def forkers(count, rounds):
    """As many processes that fork as there are harts."""
    return Job(count, [f"rounds={rounds}", f"forkers={count}", "fork_rate"])


FULL = Plan(
    icount=Job(1, ["rounds=3", "sizes=0,1,16,64,256,512,1024",
                   *CALLS, *FORKS, *FAULTS, "whole", "idle_forks"]),
    wall=[Job(1, ["rounds=5", "sizes=0,1,16,64,512",
                  *CALLS, *FORKS, *FAULTS]),
          Job(1, ["rounds=1", "sizes=64", "whole"]),
          Job(2, ["rounds=5", "pipe_other"]),
          *(forkers(n, 1) for n in (1, 2, 4, 8))],
    passes=5,
    wall_systems=["share", "linux", "linux-huge"])

QUICK = Plan(
    icount=Job(1, ["rounds=1", "sizes=0,16,64",
                   *CALLS, *FORKS, *FAULTS, "whole", "idle_forks"]),
    wall=[Job(1, ["rounds=3", "sizes=0,64", *CALLS, *FORKS, *FAULTS])],
    passes=1,
    wall_systems=["share", "linux"])
