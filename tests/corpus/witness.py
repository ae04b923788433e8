# SPDX-License-Identifier: MIT
"""What `contigctl probe --json` must say, worked out a second time.

A blob is turned to source by dtc, which reads it with code of its own, and
that text is read here; nothing is shared with contigctl, neither code nor
library.  expected() gives the regions and reservations, compare() lists how an
answer of contigctl differs.  The rules are written down from the binding and
the manual page, in the simplest way there is: every range is compared with
every other.
"""

import re
import struct
import subprocess

PAGE = 4096
END = 1 << 64


class Node:
    def __init__(self, name, parent):
        self.name = name
        self.parent = parent
        self.properties = {}
        self.children = []

    @property
    def path(self):
        if not self.parent:
            return "/"
        return self.parent.path.rstrip("/") + "/" + self.name

    def walk(self):
        ahead = [self]
        while ahead:
            node = ahead.pop()
            yield node
            ahead.extend(reversed(node.children))

    def child(self, name):
        for node in self.children:
            if node.name == name:
                return node
        return None


def source(blob):
    """The devicetree source of a blob."""
    done = subprocess.run(["dtc", "-q", "-q", "-q", "-f", "-I", "dtb", "-O", "dts",
                           blob], check=True, stdout=subprocess.PIPE)
    return done.stdout.decode("latin-1")


ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13,
           "\\": 92, '"': 34}


def unescape(text):
    out = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out.append(ord(text[at]))
            at += 1
            continue
        code = text[at + 1]
        if code == "x":
            digits = re.match(r"[0-9a-fA-F]{1,2}", text[at + 2:]).group()
            out.append(int(digits, 16))
            at += 2 + len(digits)
        elif code in "01234567":
            digits = re.match(r"[0-7]{1,3}", text[at + 1:]).group()
            out.append(int(digits, 8))
            at += 1 + len(digits)
        else:
            out.append(ESCAPES[code])
            at += 2
    return bytes(out) + b"\0"


VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|<([^>]*)>|\[([^\]]*)\])\s*,?')


def value(text):
    """The bytes that a value in source stands for."""
    out = b""
    at = 0
    while at < len(text):
        found = VALUE.match(text, at)
        if not found:
            raise ValueError("cannot read the value %r" % text[at:])
        string, cells, numbers = found.groups()
        if string is not None:
            out += unescape(string)
        elif cells is not None:
            out += b"".join(struct.pack(">I", int(cell, 0))
                            for cell in cells.split())
        else:
            out += bytes.fromhex(numbers)
        at = found.end()
    return out


# All that the rules below look at; a board has thousands of others.
WANTED = {"#address-cells", "#size-cells", "reg", "size", "alignment",
          "alloc-ranges", "no-map", "reusable", "status", "compatible",
          "phandle", "linux,phandle", "memory-region"}


def parse(text):
    """(root, [(base, size) of each reservation]) of dtc's source."""
    root = node = None
    reservations = []
    for line in text.split("\n"):
        line = line.strip()
        if line.endswith("{"):
            name = line[:-1].strip()
            child = Node("" if name == "/" else name, node)
            if node:
                node.children.append(child)
            else:
                root = child
            node = child
        elif line == "};":
            node = node.parent
        elif line.startswith("/memreserve/"):
            base, size = line.rstrip(";").split()[1:]
            reservations.append((int(base, 16), int(size, 16)))
        elif node and line.endswith(";"):
            name, _, text = line[:-1].partition(" = ")
            if name in WANTED:
                node.properties[name] = value(text)
    return root, reservations


def number(data):
    return int.from_bytes(data, "big")


def cells(data):
    return [number(data[i:i + 4]) for i in range(0, len(data) // 4 * 4, 4)]


class Unreadable(Exception):
    """contigctl must give up, naming this."""


def count(parent, name, default):
    data = parent.properties.get(name)
    if data is None:
        return default
    if len(data) != 4 or number(data) not in (1, 2):
        raise Unreadable(name)
    return number(data)


def ranges(data, address, size):
    """The (base, size) pairs, or None where the length does not fit."""
    entry = 4 * (address + size)
    if not data or len(data) % entry:
        return None
    return [(number(data[i:i + 4 * address]),
             number(data[i + 4 * address:i + entry]))
            for i in range(0, len(data), entry)]


def strings(data):
    return [part.decode("latin-1") for part in data[:-1].split(b"\0")] \
        if data else []


class Region:
    """A child of /reserved-memory."""

    def __init__(self, node, address, size):
        self.node = node
        properties = node.properties
        self.broken = False
        self.no_map = "no-map" in properties
        self.reusable = "reusable" in properties
        self.alignment = None
        self.users = []
        self.in_circle = False
        if self.no_map and self.reusable:
            self.broken = True
        self.compatible = self.read_strings("compatible")
        status = properties.get("status", b"okay\0")
        self.status = status.split(b"\0")[0].decode("latin-1")
        if status and b"\0" not in status:
            self.broken = True
        self.read_extent(address, size)

    def read_strings(self, name):
        data = self.node.properties.get(name, b"")
        if data and data[-1] != 0:
            self.broken = True
            return []
        return strings(data)

    def read_ranges(self, name, address, size):
        if name not in self.node.properties:
            return []
        found = ranges(self.node.properties[name], address, size)
        if found is None or any(b + s > END for b, s in found):
            self.broken = True
        return found or []

    def read_extent(self, address, size):
        properties = self.node.properties
        rows = self.read_ranges("reg", address, size)
        self.static = "reg" in properties
        self.alloc_ranges = self.read_ranges("alloc-ranges", address, size)
        if "alignment" in properties:
            data = properties["alignment"]
            if len(data) in (4, 8):
                self.alignment = number(data)
                if self.alignment & (self.alignment - 1):
                    self.broken = True
            if len(data) not in (4 * address, 4 * size):
                self.broken = True
        self.rows = rows or [(None, None)]
        if self.static:
            return
        data = properties.get("size", b"")
        if len(data) in (4, 8):
            self.rows = [(None, number(data))]
        if len(data) != 4 * size:
            self.broken = True

    @property
    def enabled(self):
        return self.status in ("okay", "ok")


def find_users(root, regions):
    """Fills in users; marks regions that refer to themselves in a circle."""
    by_phandle = {}
    for node in root.walk():
        data = node.properties.get("phandle",
                                   node.properties.get("linux,phandle"))
        if data and len(data) == 4:
            by_phandle.setdefault(number(data), []).append(node)
    region_of = {id(region.node): region for region in regions}
    targets = {}
    for node in root.walk():
        for phandle in cells(node.properties.get("memory-region", b"")):
            if not phandle:
                continue
            for target in by_phandle.get(phandle, []):
                region = region_of.get(id(target))
                if region and node.path not in region.users:
                    region.users.append(node.path)
                    if id(node) in region_of:
                        targets.setdefault(node.path, set()).add(target.path)
    for region in regions:
        seen = set()
        ahead = list(targets.get(region.node.path, ()))
        while ahead:
            path = ahead.pop()
            if path not in seen:
                seen.add(path)
                ahead.extend(targets.get(path, ()))
        if region.node.path in seen:
            region.broken = True


def taken(regions, reservations):
    """Every range that somebody has: (first, last, whose)."""
    found = [(base, min(base + size, END) - 1, None)
             for base, size in reservations if size]
    for region in regions:
        for place, (base, size) in enumerate(region.rows):
            if region.enabled and base is not None and size:
                found.append((base, min(base + size, END) - 1,
                              (region.node.path, place)))
    return found


def adopted(region, place, others, everything_named):
    base, size = region.rows[place]
    if region.broken or not region.enabled:
        return False
    if not everything_named and ("contiguous-memory" not in region.compatible
                                 or region.users):
        return False
    if region.reusable or not region.no_map or base is None:
        return False
    if not size or base % PAGE or size % PAGE:
        return False
    return not any(first <= base + size - 1 and base <= last and
                   whose != (region.node.path, place)
                   for first, last, whose in others)


def pairs(found):
    return [{"base": base, "size": size} for base, size in found]


def read(blob):
    """(regions, reservations) of a blob; Unreadable."""
    root, reservations = parse(source(blob))
    parent = root.child("reserved-memory")
    regions = []
    if parent and parent.children:
        address = count(parent, "#address-cells", 2)
        size = count(parent, "#size-cells", 1)
        regions = [Region(node, address, size) for node in parent.children]
    find_users(root, regions)
    return regions, reservations


def expected(regions, reservations, everything_named=False):
    """What contigctl must print, without the reasons."""
    others = taken(regions, reservations)
    return {
        "regions": [{
            "name": region.node.name,
            "compatible": region.compatible,
            "base": base,
            "size": size,
            "no_map": region.no_map,
            "reusable": region.reusable,
            "status": region.status,
            "alignment": region.alignment,
            "alloc_ranges": pairs(region.alloc_ranges),
            "users": region.users,
            "adopted": adopted(region, place, others, everything_named),
        } for region in regions
            for place, (base, size) in enumerate(region.rows)],
        "memreserve": pairs(reservations),
    }


def check_reason(row, region, everything_named):
    """A complaint on the words, which are free but must fit the node."""
    reason = row["reason"]
    if not reason or any(not " " <= c <= "~" for c in reason):
        return "the reason %r cannot be read" % reason
    if row["adopted"]:
        wanted = "named by the configuration" if everything_named \
            else "compatible with contiguous-memory"
    elif region.broken:
        wanted = "broken: "
    elif not region.enabled:
        wanted = 'status is "%s"' % region.status
    elif everything_named or "contiguous-memory" in region.compatible:
        return None
    elif region.compatible:
        wanted = "compatible with " + region.compatible[0]
    else:
        wanted = "not compatible with anything"
    return None if wanted in reason else \
        "the reason is %r, without %r" % (reason, wanted)


def compare(answer, regions, reservations, everything_named=False):
    """Lists in words how contigctl's answer differs; [] where it does not."""
    wanted = expected(regions, reservations, everything_named)
    faults = []
    if sorted(answer) != sorted(wanted):
        return ["the keys are %s" % sorted(answer)]
    if answer["memreserve"] != wanted["memreserve"]:
        faults.append("memreserve is %s" % answer["memreserve"])
    if len(answer["regions"]) != len(wanted["regions"]):
        return faults + ["%d regions instead of %d" % (
            len(answer["regions"]), len(wanted["regions"]))]
    owners = [region for region in regions for _ in region.rows]
    for row, good, region in zip(answer["regions"], wanted["regions"], owners):
        for key in sorted(set(row) | set(good) | {"reason"}):
            if key == "reason" and key in row:
                fault = check_reason(row, region, everything_named)
                if fault:
                    faults.append("%s: %s" % (region.node.path, fault))
            elif key not in row or key not in good:
                faults.append("%s: key %s" % (region.node.path, key))
            elif row[key] != good[key] or type(row[key]) != type(good[key]):
                faults.append("%s: %s is %r instead of %r" % (
                    region.node.path, key, row[key], good[key]))
    return faults
