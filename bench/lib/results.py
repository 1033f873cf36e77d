"""Results: collected while machines run, kept as JSON, asked for by tables,
plots and tools/bench-compare.

    {"format": 1,
     "machine": {"qemu": ..., "host": ..., "calf": ..., "linux": ...},
     "units":   {WORK: UNIT},
     "icount":  {SYSTEM: {WORK: {SIZE: VALUE}}},
     "wall":    {SYSTEM: {WORK: {SIZE: [VALUE of each pass]}}},
     "missing": [[CLOCK, SYSTEM, REMARK], ...]}

SIZE is text, as JSON wants it. A unit of "ns" is nanoseconds of the guest:
under `icount` that is instructions.
"""

import json
import statistics

from machines import SYSTEMS

FORMAT = 1


class Results:
    def __init__(self, data=None):
        self.data = data or {"format": FORMAT, "machine": {}, "units": {},
                             "icount": {}, "wall": {}, "missing": []}

    def add(self, clock, system, work, size, value, unit):
        """One figure; under "wall" the figures of the passes gather."""
        self.data["units"][work] = unit
        sizes = self.data[clock].setdefault(system, {}).setdefault(work, {})
        if clock == "icount":
            sizes[str(size)] = value
        else:
            sizes.setdefault(str(size), []).append(value)

    def instructions(self, system, work, size):
        """A figure counted under icount, or None."""
        return (self.data["icount"].get(system, {}).get(work, {})
                .get(str(size)))

    def wall(self, system, work, size):
        """The median of the passes' figures, or None."""
        values = (self.data["wall"].get(system, {}).get(work, {})
                  .get(str(size)))
        return statistics.median(values) if values else None

    def systems(self, clock):
        """The keys of those that have figures, Calf first."""
        return [s.key for s in SYSTEMS if self.data[clock].get(s.key)]

    def figures(self, clock):
        """All (work, size) that some system has, sorted."""
        return sorted({(work, int(size))
                       for works in self.data[clock].values()
                       for work, sizes in works.items() for size in sizes})


def load(path):
    """The Results of a file; raises OSError or ValueError."""
    with open(path) as f:
        try:
            data = json.load(f)
        except ValueError:
            data = None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"{path}: not results of format {FORMAT}")
    return Results(data)


def save(results, path):
    with open(path, "w") as f:
        json.dump(results.data, f, indent=1)
        f.write("\n")
