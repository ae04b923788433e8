# SPDX-License-Identifier: MIT
"""What measurements found: records read, judged, and written down.

A record is a line of JSON as tests/bench/record.c prints it.  Reading one is
strict, because a figure that is lost is a figure that nobody misses.  Judging
is done here and nowhere else: a figure meets its target, misses it, or has
none; the programs only measure.
"""

import json
import math
import re

# As in tests/bench/record.c, in the order of the table.
GROUPS = ("allocator", "fragmentation", "metadata", "round trip",
          "mapped buffer", "zeroing", "crowd", "footprint", "board")

TEXT, NUMBER, FLAG = (str,), (int, float), (bool,)
# Field -> its types; which of them may be absent follows.
FIELDS = {
    "figure": {"group": TEXT, "name": TEXT, "value": NUMBER, "unit": TEXT,
               "target": NUMBER, "at_least": FLAG, "peer": TEXT,
               "peer_value": NUMBER},
    "point": {"plot": TEXT, "series": TEXT, "x": NUMBER, "y": NUMBER},
}
OPTIONAL = {"target", "at_least", "peer", "peer_value"}


class RecordError(Exception):
    """A line that is no record."""


def parse_record(line):
    """("figure" or "point", its fields) of a line."""
    try:
        record = json.loads(line)
    except ValueError:
        raise RecordError("not JSON: %s" % line.strip()) from None
    if not isinstance(record, dict) or len(record) != 1 or \
            not set(record) <= set(FIELDS):
        raise RecordError("neither figure nor point: %s" % line.strip())
    kind, fields = next(iter(record.items()))
    known = FIELDS[kind]
    if not isinstance(fields, dict):
        raise RecordError("no fields: %s" % line.strip())
    for name, value in fields.items():
        if type(value) not in known.get(name, ()) or \
                type(value) is float and not math.isfinite(value):
            raise RecordError("the field '%s' is wrong: %s"
                              % (name, line.strip()))
    missing = set(known) - OPTIONAL - set(fields)
    if missing or ("target" in fields) != ("at_least" in fields):
        raise RecordError("fields are missing: %s" % line.strip())
    if kind == "figure" and fields["group"] not in GROUPS:
        raise RecordError("there is no such group: %s" % line.strip())
    return kind, fields


def parse_records(text):
    """(figures, points) of all that a program printed."""
    figures, points = [], []
    for line in text.splitlines():
        kind, fields = parse_record(line)
        (figures if kind == "figure" else points).append(fields)
    return figures, points


def find_double(figures):
    """A figure that is there twice, or None."""
    seen = set()
    for figure in figures:
        key = figure["group"], figure["name"]
        if key in seen:
            return figure
        seen.add(key)
    return None


def is_met(figure):
    """True, False, or None where there is no target."""
    if "target" not in figure:
        return None
    if figure["at_least"]:
        return figure["value"] >= figure["target"]
    return figure["value"] <= figure["target"]


def number_text(value):
    """Three significant digits, and whole numbers whole."""
    if value == 0 or abs(value) >= 100:
        return "{:,.0f}".format(value)
    if value == int(value):
        return "%d" % value
    return "%.*f" % (min(6, 2 - math.floor(math.log10(abs(value)))), value)


def quantity_text(value, unit):
    return number_text(value) + (" " + unit if unit else "")


def target_text(figure):
    if "target" not in figure:
        return ""
    text = quantity_text(figure["target"], figure["unit"])
    # as it was set: 0.4 and not 0.400
    text = re.sub(r"(\.\d*?)0+(?!\d)", r"\1", text).replace(". ", " ")
    return "%s %s" % ("≥" if figure["at_least"] else "≤", text.rstrip("."))


def peer_text(figure):
    if "peer" not in figure:
        return ""
    if "peer_value" not in figure:
        return figure["peer"]
    return "%s: %s" % (figure["peer"],
                       quantity_text(figure["peer_value"], figure["unit"]))


MET = {True: "met", False: "MISSED", None: ""}
HEADINGS = ("group", "figure", "value", "target", "peer", "met")
RIGHT = {2, 3}  # columns of numbers


def rows_of(figures):
    """The table's rows: groups in their order, figures as they came."""
    return [(figure["group"], figure["name"],
             quantity_text(figure["value"], figure["unit"]),
             target_text(figure), peer_text(figure), MET[is_met(figure)])
            for group in GROUPS for figure in figures
            if figure["group"] == group]


def summary_of(figures):
    judged = [is_met(figure) for figure in figures if "target" in figure]
    return "%d of %d targets are met; %d figures have none" % (
        sum(judged), len(judged), len(figures) - len(judged))


def table_text(figures):
    """For the terminal; a group is named in its first row."""
    rows = rows_of(figures)
    widths = [max(len(row[i]) for row in rows + [HEADINGS])
              for i in range(len(HEADINGS))]
    lines, before = [], None
    for row in [HEADINGS] + rows:
        shown = ("" if row[0] == before else row[0],) + row[1:]
        before = row[0]
        lines.append("  ".join(
            cell.rjust(width) if i in RIGHT else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(shown, widths))).rstrip())
    return "\n".join(lines) + "\n"


def table_markdown(figures):
    """For README."""
    def line(cells):
        return "| " + " | ".join(cell.replace("|", "\\|")
                                 for cell in cells) + " |"
    rules = ["---:" if i in RIGHT else "---" for i in range(len(HEADINGS))]
    return "\n".join(line(row) for row in [HEADINGS, rules] +
                     rows_of(figures)) + "\n"


def document_of(machine, figures, points):
    """What bench.json has."""
    judged = [dict(figure, met=is_met(figure)) if "target" in figure
              else figure for figure in figures]
    return {"machine": machine, "figures": judged, "points": points}
