"""Results as tables of text: for the terminal, and as Markdown.

What is known of others, and what is aimed at, is here too: xv6 was measured
once, on the same QEMU with the same clock, by the loops that forkbench has.
"""

from machines import BY_KEY

# Work, size; instructions of xv6 (2022), of xv6 with a copy-on-write fork as
# its course's students write it; Calf's bar, or the figure it must stay near.
REFERENCE = [
    ("null system call", "null_call", 0, 1150, 1150, 150),
    ("fork + exit + wait, nothing written", "fork_exit_wait", 0,
     470_000, 320_000, 25_000),
    ("the same, 1 MB written", "fork_exit_wait", 1,
     12_000_000, 500_000, "near"),
    ("the same, 16 MB", "fork_exit_wait", 16,
     150_000_000, 3_500_000, "near"),
    ("the same, 64 MB", "fork_exit_wait", 64, None, None, "near"),
    ("the same, 512 MB", "fork_exit_wait", 512, None, None, "near"),
    ("the same, 1 GB", "fork_exit_wait", 1024, None, None, "near"),
    ("fork call alone, 512 MB", "fork_call", 512, None, None, 8_000),
    ("fork + exec + exit + wait", "fork_exec", 0,
     1_250_000, 1_200_000, 100_000),
    ("COW fault, one page copied", "cow_fault", 16, None, None, 2_000),
    ("write to a page only we hold, fault", "reuse_fault", 16,
     None, None, 600),
    ("the same, no fault left to take", "reuse_claimed", 16,
     None, None, None),
]
NEAR = 1.05          # of the row for nothing written
WHOLE_LIMIT = 1.10   # of fork=tables
TWO_HARTS = 1.8      # times the forks of one hart


def number(value):
    """1234567 as 1 234 567."""
    return "-" if value is None else f"{value:,.0f}".replace(",", " ")


def grid(head, rows, markdown):
    """Lines of a table; the first column is text, the others numbers."""
    if markdown:
        yield "| " + " | ".join(head) + " |"
        yield "|---" + "|--:" * (len(head) - 1) + "|"
        for row in rows:
            yield "| " + " | ".join(row) + " |"
        return
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        yield "  ".join(cells).rstrip()


def limit_of(results, bar):
    """The number a bar stands for, or None."""
    if bar != "near":
        return bar
    nothing = results.instructions("share", "fork_exit_wait", 0)
    return None if nothing is None else nothing * NEAR


def bars(results):
    """(head, rows) of the table of aims; Calf's column says if it is met."""
    systems = results.systems("icount")
    head = ["instructions", "xv6", "xv6 + COW",
            *(BY_KEY[s].title for s in systems), "Calf's bar", ""]
    rows = []
    for title, work, size, xv6, course, bar in REFERENCE:
        mine = results.instructions("share", work, size)
        limit = limit_of(results, bar)
        if mine is None:
            continue
        told = "-" if limit is None else \
            "met" if mine <= limit else "NOT MET"
        rows.append([title, number(xv6), number(course),
                     *(number(results.instructions(s, work, size))
                       for s in systems), number(limit), told])
    return head, rows


def everything(results, clock, value):
    """(head, rows) of all figures of one clock; VALUE(system, work, size)."""
    systems = results.systems(clock)
    head = ["", "MB", *(BY_KEY[s].title for s in systems), "unit"]
    rows = []
    for work, size in results.figures(clock):
        unit = results.data["units"][work]
        if clock == "icount" and unit == "ns":
            unit = "instr."
        rows.append([work, str(size),
                     *(number(value(s, work, size)) for s in systems), unit])
    return head, rows


def ratios(results):
    """(head, rows) of wall time: medians, and the others as multiples."""
    head = ["", "MB", "Calf", "unit"]
    others = [s for s in results.systems("wall") if s != "share"]
    head += [f"{BY_KEY[s].title} / Calf" for s in others]
    rows = []
    for work, size in results.figures("wall"):
        mine = results.wall("share", work, size)
        cells = [results.wall(s, work, size) for s in others]
        rows.append([work, str(size), number(mine),
                     results.data["units"][work],
                     *("-" if c is None or not mine else f"{c / mine:.2f}"
                       for c in cells)])
    return head, rows


def whole_over_limit(results):
    """Whole costs above what is allowed, as (work, size, ratio)."""
    for work, size in results.figures("icount"):
        mine = results.instructions("share", work, size)
        classic = results.instructions("tables", work, size)
        if work.startswith("whole_") and mine and classic \
                and mine > classic * WHOLE_LIMIT:
            yield work, size, mine / classic


def two_harts(results):
    """A line on forking side by side, if it was measured."""
    one, two = (results.wall("share", "fork_rate_free", n) for n in (1, 2))
    if one and two:
        ratio = two / one
        yield (f"Two harts fork {ratio:.2f} times as fast as one, as far as "
               f"the host lets them run (aim: {TWO_HARTS}): "
               + ("met." if ratio >= TWO_HARTS else "NOT MET."))
        yield ""


def missing(results):
    """A line for each reason why a system lacks figures."""
    reasons = {}
    for clock, system, remark in results.data["missing"]:
        figure, _, why = remark.partition(": ")
        works = reasons.setdefault((clock, system, why), {})
        name, _, size = figure.rpartition(" ")
        works.setdefault(size, []).append(name)
    for (clock, system, why), sizes in reasons.items():
        for size, names in sizes.items():
            yield (f"{BY_KEY[system].title} ({clock}) at {size} MB, {why}: "
                   + ", ".join(names))


def text(results, markdown=False):
    """All tables, as lines."""
    def part(title, table):
        head, rows = table
        if rows:
            yield f"### {title}" if markdown else f"---- {title} ----"
            yield ""
            yield from grid(head, rows, markdown)
            yield ""

    yield from part("Against the aims (instructions)", bars(results))
    over = list(whole_over_limit(results))
    for work, size, ratio in over:
        yield (f"{'- ' if markdown else ''}{work} at {size} MB costs "
               f"{ratio:.2f} times what fork=tables does (aim: at most "
               f"{WHOLE_LIMIT:.2f})")
    if over:
        yield ""
    elif len({"share", "tables"} & set(results.systems("icount"))) == 2:
        yield (f"No whole cost is above {WHOLE_LIMIT:.2f} times that of "
               "fork=tables.")
        yield ""
    yield from part("All figures by instructions (one hart)",
                    everything(results, "icount", results.instructions))
    yield from part("Wall time, medians; for forks/s the ratio is of rates",
                    ratios(results))
    yield from two_harts(results)
    yield from (f"{'- ' if markdown else ''}{line}"
                for line in missing(results))
