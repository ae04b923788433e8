# SPDX-License-Identifier: MIT
"""The board as a test finds it: booted, contigd running, clients at hand.

Users are alice and camera, who may see physical addresses, the one by name and
the other by a group; bob, who may not; and carol, who has a quota.  Regions are
`camera`, the devicetree's default; `dynamic-pool`, which the kernel placed; and
`video`, a pool of huge pages.  What is watched for stray bytes is all of the
memory that contigd may lend, and it is found without asking contigd: reserved
nodes from the devicetree's source and the kernel's log, huge pages from
/proc/kpageflags.
"""

import contextlib
import json
import os
import re
import struct
import time

from cpio import read
from image import make_devicetree, make_initramfs
from machine import LIMIT, Machine, MachineError, Program

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
HUGE = 2 * MIB

ALICE, BOB, CAMERA, CAROL = 1000, 1001, 1002, 1003
NODE, NODE_BYTES = 0x90000000, 32 * MIB
HUGE_PAGES = 24
POOL_BYTES = 32 * MIB

# What the image has of guest/, {path in the guest: name here}.
GUEST_FILES = {
    "usr/libexec/board-control": "control",
    "etc/systemd/system/board.service": "board.service",
    "etc/sysusers.d/board.conf": "board.sysusers",
}

CONFIGURATION = """[daemon]
log-level = debug

[access]
phys = alice, @video

[quota carol]
bytes = 4M

[region camera]
node = camera@90000000
granule = 64K

[region dynamic-pool]
granule = 64K

[pool video]
size = 32M
page-size = 2M
granule = 64K
"""

# contiguous buffers only, in the forms that a webcam has
VIVID = "allocators=1 n_devs=1 node_types=0x1 num_inputs=1 input_types=0\n"

# What the image has of the build, {name, behind board-: name in the build}.
PROGRAMS = {name: "tests/board/guest/" + name
            for name in ("as", "camera", "client", "edu", "fence", "hugeframes",
                         "intruder", "isolation", "misaligned", "reuse",
                         "stream")}
PROGRAMS["idle"] = "tests/bench/idle"

PATTERN_STEP = 0x9e3779b97f4a7c15


# What a kernel gets on its command line besides.  Kernels with IO_STRICT_DEVMEM
# count a no-map node that they placed themselves as busy, so that /dev/mem
# refuses it; with iomem=relaxed it is lent.  Each is proven on one kernel.
COMMAND_LINES = {"6.12": " iomem=relaxed"}


class ProofError(Exception):
    """What was not as claimed, in words."""


class Skip(Exception):
    """Why a proof cannot be had on this kernel."""


def demand(condition, text):
    if not condition:
        raise ProofError(text)


def pattern(seed, size):
    """What guest/pattern.h writes."""
    count = size // 8
    return struct.pack("<%dQ" % count, *[
        (seed + i * PATTERN_STEP) & 0xffffffffffffffff for i in range(count)])


def first_difference(one, other):
    """The offset of the first byte that differs; None: equal."""
    if one == other:
        return None
    low, high = 0, len(one)
    while high - low > 1:  # the first half that differs, again and again
        middle = (low + high) // 2
        if one[low:middle] != other[low:middle]:
            high = middle
        else:
            low = middle
    return low


def facts(answer):
    """A client's "name=value ..." as a dictionary with numbers."""
    found = {}
    for word in answer.split():
        name, _, value = word.partition("=")
        try:
            found[name] = int(value, 0)
        except ValueError:
            found[name] = value
    return found


# What the daemon may take, where it is given a processor.
BACK_WITHIN_MS = 100
ATTEMPTS = 4


def promptly(attempt):
    """Memory that somebody let go of is back in time.  attempt() returns how
    many milliseconds it took, for how many of them this machine had no
    processor for the board, and anything; there are several, since others may
    keep the machine busy.  Returns the thing, and how long it took in words."""
    taken = []
    for _ in range(ATTEMPTS):
        took, starved, found = attempt()
        taken.append("%.0f ms" % took)
        if took > BACK_WITHIN_MS:
            taken[-1] += ", for %.0f of them without a processor" % starved
        if took - starved <= BACK_WITHIN_MS:
            return found, taken[-1]
    raise ProofError("memory came back after " + "; ".join(taken))


class Setting:
    """A board with contigd on it."""

    def __init__(self, parts, artefacts, say):
        """parts are what image.make_initramfs is made from."""
        self.release = os.path.basename(os.path.realpath(
            os.path.join(parts["kernel"], "modules")))
        self.series = re.match(r"\d+\.\d+", self.release).group(0)
        self.parts = parts
        self.artefacts = artefacts
        self.say = say
        self.machine = Machine(artefacts)
        self.programs = []

    def udmabuf_corrupts(self):
        """Fixed in 6.13; see guest/camera.c for what it does."""
        return tuple(int(part) for part in self.series.split(".")) < (6, 13)

    # -- start and end

    def boot(self):
        started = time.monotonic()
        files = {path: (read(os.path.join(HERE, "guest", name)), 0o644)
                 for path, name in GUEST_FILES.items()}
        files["etc/vivid"] = (VIVID, 0o644)
        files["etc/contigd/contigd.conf"] = (CONFIGURATION, 0o644)
        files["etc/machine-id"] = ("c0" * 16 + "\n", 0o444)
        files["etc/hostname"] = ("board\n", 0o644)
        initramfs = os.path.join(self.artefacts, "initramfs")
        make_initramfs(initramfs, self.parts, PROGRAMS, files)
        devicetree = os.path.join(self.artefacts, "board.dtb")
        make_devicetree(devicetree, os.path.join(HERE, "board.dts"),
                        Machine.arguments())
        self.machine.boot(self.parts["kernel"], initramfs, devicetree,
                          "hugepagesz=2M hugepages=%d%s" % (
                              HUGE_PAGES, COMMAND_LINES.get(self.series, "")),
                          [(NODE, pattern(0xdead, NODE_BYTES))])
        self.machine.run("chown camera /dev/video0")
        return time.monotonic() - started

    def systemctl(self, arguments, limit=LIMIT):
        return self.machine.run("systemctl " + arguments, limit)

    def unit_fact(self, name):
        """A property of contigd's unit, as systemd has it."""
        return self.systemctl("show -P %s contigd.service" % name).strip()

    def daemon_pid(self):
        pid = int(self.unit_fact("MainPID"))
        demand(pid > 0, "there is no contigd")
        return pid

    def start_daemon(self):
        status, text = self.machine.run("systemctl start contigd.service",
                                        check=False)
        if status != 0:
            raise MachineError("contigd did not start: %s%s" % (
                text, self.daemon_log()[-2000:]))

    def stop_daemon(self):
        """By SIGTERM; returns its exit status."""
        self.systemctl("stop contigd.service")
        return int(self.unit_fact("ExecMainStatus"))

    def daemon_log(self):
        return self.machine.run("journalctl -q -o cat -u contigd.service",
                                check=False)[1]

    def keep_logs(self):
        for name, command in (("journal.log", "journalctl -q -o short-monotonic"),
                              ("dmesg.log", "dmesg"),
                              ("clients.log", "cat /tmp/*.err")):
            try:
                text = self.machine.run(command, check=False)[1]
            except (MachineError, OSError, KeyError):
                continue
            with open(os.path.join(self.artefacts, name), "w",
                      encoding="utf-8") as file:
                file.write(text)

    @contextlib.contextmanager
    def configured(self, text):
        """contigd with another configuration; everything must be back."""
        path = "/etc/contigd/contigd.conf"
        self.stop_daemon()
        self.machine.run("cp %s /tmp/asked && printf '%s' >%s" % (
            path, text.replace("\n", "\\n"), path))
        try:
            self.start_daemon()
            yield
        finally:
            self.stop_daemon()
            self.machine.run("cp /tmp/asked " + path)
            self.start_daemon()

    # -- clients

    def start(self, port, uid, command):
        program = Program(self.machine, port,
                          "board-as %d %s" % (uid, command))
        self.programs.append(program)
        return program

    def client(self, port, uid):
        return self.start(port, uid, "board-client")

    def end(self, program):
        self.programs.remove(program)
        program.end()

    def kill(self, program):
        self.programs.remove(program)
        program.kill()

    def end_all(self):
        for program in self.programs:
            program.kill()
        self.programs = []

    def tool(self, arguments):
        """What contigctl says, as root."""
        return json.loads(self.machine.run("contigctl %s --json" % arguments))

    def region(self, name):
        for region in self.tool("regions")["regions"]:
            if region["name"] == name:
                return region
        raise ProofError("there is no region " + name)

    def settle(self, zeroed=True):
        """Waits until everything is back, and zeroed."""
        deadline = time.monotonic() + LIMIT
        while True:
            busy = [region["name"] for region in self.tool("regions")["regions"]
                    if region["free"] != region["size"]
                    or (zeroed and region.get("dirty", 0))]
            if not busy:
                return
            if time.monotonic() > deadline:
                raise ProofError("memory of %s did not come back: %s" % (
                    ", ".join(busy), self.tool("buffers")))
            time.sleep(0.1)

    # -- witnesses

    def huge_frames(self):
        """[(address, size)] of all huge pages, as the kernel says."""
        return [(int(line.split()[0], 16), int(line.split()[1], 16))
                for line in self.machine.run("board-hugeframes").splitlines()]

    def kernel_placed(self, name):
        """Where the kernel's log says that it put a node."""
        found = re.search(r"OF: reserved mem: 0x([0-9a-f]+)\.\.0x([0-9a-f]+)"
                          r" \(\d+ KiB\) \S+ \S+ " + re.escape(name),
                          self.machine.kernel_log())
        if not found:
            raise ProofError("the kernel's log does not mention " + name)
        base = int(found.group(1), 16)
        return base, int(found.group(2), 16) + 1 - base

    def watched(self):
        return [(NODE, NODE_BYTES), self.kernel_placed("dynamic-pool"),
                *self.huge_frames()]

    def snapshot(self):
        """All memory that contigd may lend, {address: bytes}."""
        return {base: self.machine.physical(base, size)
                for base, size in self.watched()}

    def same_but_for(self, before, after, changed):
        """Demands that no byte differs outside of changed, [(base, size)].
        Returns the number of bytes compared."""
        demand(before.keys() == after.keys(), "huge pages moved")
        compared = 0
        for base, data in before.items():
            end = base + len(data)
            at = base
            for start, size in sorted(changed) + [(end, 0)]:
                stop = min(max(start, base), end)
                where = first_difference(data[at - base:stop - base],
                                         after[base][at - base:stop - base])
                demand(where is None, "the byte at %#x changed"
                       % (at + (where or 0)))
                compared += max(stop - at, 0)
                at = min(max(start + size, at), end)
        return compared
