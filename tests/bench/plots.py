# SPDX-License-Identifier: MIT
"""Plots of what measurements found, drawn by gnuplot as SVG.

A plot that a program names in its points has a line in PLOTS, which says what
its axes are.  One that has none is drawn as well, with plain axes.

contigd's own lines are thick and blue; peers are thin.  Ticks are written here
and not by gnuplot, because sizes go by powers of two and times change their
unit on the way.
"""

import collections
import math
import os
import re
import shutil
import subprocess

# An axis: its label, what its numbers are ("" plain, "bytes", "ns"), and
# whether it is logarithmic.
Axis = collections.namedtuple("Axis", "label kind log")
Plot = collections.namedtuple("Plot", "title x y")

REFUSED = Axis("refused, %", "", False)

PLOTS = {
    "allocator-size": Plot(
        "Taking and giving back, 90 % taken, by size of the region",
        Axis("size of the region", "bytes", True),
        Axis("mean of alloc+free", "ns", True)),
    "allocator-occupancy": Plot(
        "Taking and giving back in 64 GiB, by how much of it is taken",
        Axis("taken, %", "", False),
        Axis("mean of alloc+free", "ns", True)),
    "allocator-worst": Plot(
        "The worst single call on layouts made to hurt",
        Axis("free runs", "", True), Axis("time", "ns", True)),
    "start": Plot(
        "From exec to the answer to HELLO, by size of the region",
        Axis("size of the region", "bytes", True),
        Axis("time", "ns", False)),
    "zeroing": Plot(
        "Zeroing, by size of what is zeroed",
        Axis("size", "bytes", True), Axis("GB/s", "", False)),
    "crowd": Plot(
        "Time of an allocation at one request rate, by number of clients",
        Axis("clients with 10 buffers each", "", True),
        Axis("99th percentile", "ns", False)),
    "refused": Plot(
        "Refused for want of a run: frames of cameras; 4 GiB",
        Axis("occupancy, %", "", False), REFUSED),
    "refused-region": Plot(
        "Refused for want of a run: frames of cameras; 90 % full",
        Axis("size of the region", "bytes", True), REFUSED),
    "refused-again": Plot(
        "Refused for want of a run: frames of cameras, asked for again; 4 GiB",
        Axis("occupancy, %", "", False), REFUSED),
    "refused-region-again": Plot(
        "Refused for want of a run: frames of cameras, asked for again; 90 % full",
        Axis("size of the region", "bytes", True), REFUSED),
    "refused-streams": Plot(
        "Refused for want of a run: streams of 3 to 8 frames; 4 GiB",
        Axis("occupancy, %", "", False), REFUSED),
    "refused-region-streams": Plot(
        "Refused for want of a run: streams of 3 to 8 frames; 90 % full",
        Axis("size of the region", "bytes", True), REFUSED),
    "refused-streams-again": Plot(
        "Refused for want of a run: streams of 3 to 8 frames, asked for again; 4 GiB",
        Axis("occupancy, %", "", False), REFUSED),
    "refused-region-streams-again": Plot(
        "Refused for want of a run: streams of 3 to 8 frames, asked for again; 90 % full",
        Axis("size of the region", "bytes", True), REFUSED),
    "refused-mixed": Plot(
        "Refused for want of a run: 4 KiB to 32 MiB; 4 GiB",
        Axis("occupancy, %", "", False), REFUSED),
    "refused-region-mixed": Plot(
        "Refused for want of a run: 4 KiB to 32 MiB; 90 % full",
        Axis("size of the region", "bytes", True), REFUSED),
    "refused-mixed-again": Plot(
        "Refused for want of a run: 4 KiB to 32 MiB, asked for again; 4 GiB",
        Axis("occupancy, %", "", False), REFUSED),
    "refused-region-mixed-again": Plot(
        "Refused for want of a run: 4 KiB to 32 MiB, asked for again; 90 % full",
        Axis("size of the region", "bytes", True), REFUSED),
}

OURS = ("#1f4e9c", 3.0)
PEERS = (("#d95f02", 1.4), ("#1b9e77", 1.4), ("#8a8a8a", 1.4),
         ("#e7298a", 1.4), ("#66761d", 1.4), ("#a6761d", 1.4),
         ("#7570b3", 1.4), ("#444444", 1.4))
OUR_NAME = "contigd"

BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
TIMES = ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))


def is_ours(series):
    return series.startswith(OUR_NAME)


def plain_text(value):
    """A number without a needless exponent or zero."""
    return "{:,.10g}".format(value) if abs(value) < 1e10 else "%.4g" % value


def value_text(value, kind):
    if kind == "bytes" and value >= 1:
        power = min(int(math.log(value, 1024) + 1e-9), len(BYTES) - 1)
        return "%s %s" % (plain_text(value / 1024 ** power), BYTES[power])
    if kind == "ns" and value > 0:
        scale, unit = [pair for pair in TIMES if pair[0] <= value or
                       pair[0] == 1][-1]
        return "%s %s" % (plain_text(value / scale), unit)
    return plain_text(value)


def log_ticks(low, high, base):
    first = math.floor(math.log(low, base) + 1e-9)
    last = math.ceil(math.log(high, base) - 1e-9)
    step = max(1, math.ceil((last - first) / 10))
    return [float(base) ** power for power in range(first, last + 1, step)]


def linear_ticks(low, high, kind):
    """Five to ten round numbers."""
    span = (high - low) or 1.0
    base = 2 if kind == "bytes" else 10
    step = float(base) ** math.floor(math.log(span, base))
    while span / step < 5:
        step /= 2 if base == 2 else 2.5 if "%e" % step < "2" else 2
    while span / step > 10:
        step *= 2
    first = math.floor(low / step)
    return [step * i for i in range(first, math.ceil(high / step) + 1)]


def ticks_of(axis, values):
    """(ticks, whether the axis is logarithmic after all)."""
    positive = [value for value in values if value > 0]
    log = axis.log and len(positive) == len(values) and \
        max(values) > min(values)
    if log:
        base = 2 if axis.kind == "bytes" else 10
        return log_ticks(min(values), max(values), base), True
    low = 0.0 if min(values) >= 0 else min(values)
    return linear_ticks(low, max(max(values), low + 1e-9), axis.kind), False


def quote(text):
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def axis_script(name, axis, values):
    ticks, log = ticks_of(axis, values)
    low, high = ticks[0], max(ticks[-1], max(values))
    if low == high:
        high = low + 1
    if log:  # a tick on the very edge would fall to rounding
        low, high = low * 0.999, high * 1.001
    lines = ["set %slabel %s" % (name, quote(axis.label)),
             "set %srange [%.17g:%.17g]" % (name, low, high),
             "set %stics (%s)" % (name, ", ".join(
                 "%s %.17g" % (quote(value_text(tick, axis.kind)), tick)
                 for tick in ticks))]
    if log:
        lines.insert(0, "set logscale %s" % name)
    return lines


def guess(name, points):
    """Axes for a plot of which nothing is said."""
    def axis(key):
        values = [point[key] for point in points]
        return Axis(key, "", min(values) > 0 and
                    max(values) > 100 * min(values))
    return Plot(name, axis("x"), axis("y"))


def series_of(points):
    """{series: its points by x}, in the order in which they came; contigd's
    come last, so that they are drawn over the others."""
    series = {}
    for point in points:
        series.setdefault(point["series"], []).append((point["x"], point["y"]))
    ordered = sorted(series, key=is_ours)
    return {name: sorted(series[name]) for name in ordered}


def script_of(plot, points, path):
    """What gnuplot is told to draw one plot."""
    series = series_of(points)
    lines = ["set terminal svg size 820,500 dynamic noenhanced "
             "font 'sans-serif,13' background 'white'",
             "set output %s" % quote(path),
             "set encoding utf8",
             "set title %s font 'sans-serif,15'" % quote(plot.title),
             "set border 3 lc rgb '#555555'",
             "set tics nomirror",
             "set grid back lc rgb '#dddddd' lt 1 lw 0.7",
             "set key outside top center horizontal",
             "set lmargin 12", "set rmargin 5"]
    lines += axis_script("x", plot.x, [point["x"] for point in points])
    lines += axis_script("y", plot.y, [point["y"] for point in points])
    curves, peers = [], 0
    for number, (name, values) in enumerate(series.items()):
        lines.append("$series%d << END" % number)
        lines += ["%.17g %.17g" % value for value in values]
        lines.append("END")
        colour, width = OURS
        if not is_ours(name):
            colour, width = PEERS[peers % len(PEERS)]
            peers += 1
        # several lines of contigd differ by their dashes
        dash = 1 if not is_ours(name) else 1 + number - peers
        curves.append("$series%d using 1:2 with linespoints lc rgb '%s' "
                      "lw %g pt 7 ps %g dt %d title %s"
                      % (number, colour, width, 0.5 if width > 2 else 0.35,
                         dash, quote(name)))
    return "\n".join(lines) + "\nplot " + ", \\\n     ".join(curves) + "\n"


def file_name(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".svg"


def is_possible():
    return shutil.which("gnuplot") is not None


def draw(points, folder):
    """Draws every plot that has points; returns the files."""
    files = []
    if points:
        os.makedirs(folder, exist_ok=True)
    for name in sorted({point["plot"] for point in points}):
        mine = [point for point in points if point["plot"] == name]
        plot = PLOTS.get(name) or guess(name, mine)
        path = os.path.join(folder, file_name(name))
        subprocess.run(["gnuplot", "-"], input=script_of(plot, mine, path),
                       text=True, encoding="utf-8", check=True)
        files.append(path)
    return files
