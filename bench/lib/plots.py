"""Plots by gnuplot, each as SVG and as PNG.

    fork-call, fork-exit-wait    cost against memory, both axes logarithmic
    whole-cost                   bars a scenario, at the largest size all have
    scaling                      forks a second against harts, one hart's as 1,
                                 set right for what the host took (share.py)

What was not measured is not drawn; a plot without data is not made.
"""

import shutil
import subprocess

from machines import BY_KEY, SYSTEMS

COLOURS = {"share": "#0072b2", "tables": "#56b4e9", "bytes": "#999999",
           "linux": "#d55e00", "linux-huge": "#e69f00"}
TERMINALS = {"svg": "svg size 800,500 dynamic font 'sans,13' background "
                    "'#ffffff'",
             "png": "pngcairo size 1200,750 font 'sans,15'"}
# A logarithmic axis has no zero.
ZERO_AT = 0.4


def gnuplot(script, path):
    """Run SCRIPT once for each kind of file; raises CalledProcessError."""
    for kind, terminal in TERMINALS.items():
        head = f"set terminal {terminal}\nset output '{path}.{kind}'\n"
        subprocess.run(["gnuplot"], input=head + script, text=True,
                       check=True, stderr=subprocess.PIPE)


def block(name, rows):
    """A named block of data for gnuplot."""
    return f"${name} << END\n" + "\n".join(rows) + "\nEND\n"


def order(keys):
    return [s.key for s in SYSTEMS if s.key in keys]


def draw(lines, settings, path):
    """A plot of LINES {system: [(x, y), ...]}, points joined."""
    script, parts = settings, []
    for i, key in enumerate(order(lines)):
        script += block(f"d{i}", [f"{x} {y}" for x, y in lines[key]])
        parts.append(f"$d{i} with linespoints lw 2 pt {i + 5} "
                     f"lc rgb '{COLOURS[key]}' title '{BY_KEY[key].title}'")
    if parts:
        gnuplot(script + "plot " + ", ".join(parts) + "\n", path)


def fork_cost(results, work, title, path):
    lines = {}
    for system in results.systems("icount"):
        sizes = results.data["icount"][system].get(work, {})
        points = [(int(s) or ZERO_AT, v) for s, v in sizes.items()]
        if points:
            lines[system] = sorted(points)
    draw(lines, f"set title '{title}'\n"
         "set logscale xy\nset key top left\nset grid ytics\n"
         "set xlabel 'MB written by the process before it forks'\n"
         "set ylabel 'instructions'\nset format y '10^{%T}'\n"
         f"set xtics ('0' {ZERO_AT}, 1, 16, 64, 256, 512, '1024' 1024)\n"
         "set xrange [0.3:1500]\nset yrange [1000:*]\n", path)


def whole_cost(results, path):
    figures = [f for f in results.figures("icount")
               if f[0].startswith("whole_")]
    keys = order(results.systems("icount"))
    gaps = {size for work, size in figures for k in keys
            if results.instructions(k, work, size) is None}
    sizes = {size for _, size in figures} - gaps
    if not sizes:
        return
    size = max(sizes)
    works = [work for work, s in figures if s == size]
    rows = []
    for work in works:
        label = work[len("whole_"):].replace("_", " ")
        rows.append(" ".join([f'"{label}"', *(
            str(results.instructions(k, work, size)) for k in keys)]))
    script = (f"set title 'fork and all that follows, {size} MB'\n"
              "set style data histogram\nset style histogram cluster gap 1\n"
              "set style fill solid border -1\nset boxwidth 0.9\n"
              "set logscale y\nset format y '10^{%T}'\nset grid ytics\n"
              "set ylabel 'instructions'\nset xtics rotate by -35\n"
              "set key outside bottom center horizontal\n"
              "set yrange [1000:*]\n" + block("d", rows))
    parts = [f"$d using {i + 2}:xtic(1) lc rgb '{COLOURS[k]}' "
             f"title '{BY_KEY[k].title}'" for i, k in enumerate(keys)]
    gnuplot(script + "plot " + ", ".join(parts) + "\n", path)


def scaling(results, path):
    lines = {}
    for system in results.systems("wall"):
        rates = results.data["wall"][system].get("fork_rate_free", {})
        points = [(int(n), results.wall(system, "fork_rate_free", n))
                  for n in rates]
        one = dict(points).get(1)
        if one:
            lines[system] = sorted((n, rate / one) for n, rate in points)
    harts = results.data["machine"].get("host_cpus", 1)
    draw(lines, "set title 'Forks a second of independent processes, where "
         "the host let them run'\n"
         f"set arrow from {harts}, graph 0 to {harts}, graph 1 nohead dt 2\n"
         f"set label '{harts} CPUs: right of this, harts take turns' "
         f"at {harts}, graph 0.04 offset 1\n"
         "set key top left\nset grid ytics\nset yrange [0:*]\n"
         "set xlabel 'harts, each with a process that forks'\n"
         "set ylabel 'multiples of the same system with one hart'\n"
         "set xtics (1, 2, 4, 8)\nset xrange [0.8:8.2]\n", path)


def all_plots(results, folder):
    """Make every plot in FOLDER. False if there is no gnuplot."""
    if not shutil.which("gnuplot"):
        return False
    fork_cost(results, "fork_call", "The fork call alone",
              f"{folder}/fork-call")
    fork_cost(results, "fork_exit_wait", "fork + exit + wait",
              f"{folder}/fork-exit-wait")
    whole_cost(results, f"{folder}/whole-cost")
    scaling(results, f"{folder}/scaling")
    return True
