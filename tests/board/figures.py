# SPDX-License-Identifier: MIT
"""What is measured on the board, as records of `make bench`.

Times are the guest's own, by its clock.  It is emulated, so they say nothing of
how fast a board is; both sides of a comparison are, by the same emulator, in turns.
"""

import json

from machine import LIMIT
from register import need_udmabuf
from setting import MIB, demand, facts

SIZES = (64 * 1024, MIB, 4 * MIB)
# Of the board's 24 huge pages, two are for what is made without a daemon.
POOL = "video=20M,page-size=2M,granule=64K"
# A devicetree without anything in it, for no node to be lent by two daemons.
TREE = ("mkdir -p /tmp/tree && echo board >/tmp/tree/compatible && "
        "head -c 4 /dev/zero >'/tmp/tree/#address-cells'")


def start(setting, name, option):
    """A daemon without a service manager; returns its pid."""
    pid = setting.machine.run(
        "contigd --config /dev/null --tree /tmp/tree --pool %s --socket "
        "/tmp/%s.sock --log-level warning %s >/tmp/%s.err 2>&1 & echo $!" % (
            POOL, name, option, name)).strip()
    status, _ = setting.machine.run(
        "n=0; until contigctl --socket /tmp/%s.sock status >/dev/null 2>&1; do "
        "n=$((n+1)); [ $n -lt 100 ] || exit 1; sleep 0.2; done" % name,
        LIMIT, check=False)
    demand(status == 0, "contigd did not start: " + setting.machine.run(
        "cat /tmp/%s.err" % name))
    return pid


def lending(setting):
    """[facts of guest/reuse.c], one for each size."""
    setting.stop_daemon()
    setting.machine.run(TREE)
    pids = []
    try:
        pids.append(start(setting, "again", ""))
        pids.append(start(setting, "anew", "--make-nothing-ahead"))
        said = setting.machine.run(
            "board-reuse video /tmp/again.sock /tmp/anew.sock %s" % " ".join(
                str(size) for size in SIZES), 900)
    finally:
        setting.machine.run("kill %s" % " ".join(pids), check=False)
    return [facts(line) for line in said.splitlines()]


def record(name, value, peer=None, peer_value=0):
    figure = {"group": "board", "name": name, "value": value / 1e3,
              "unit": "us"}
    if peer:
        figure.update(peer=peer, peer_value=peer_value / 1e3)
    return json.dumps({"figure": figure})


def size_text(size):
    return "%d MiB" % (size // MIB) if size >= MIB else "%d KiB" % (size // 1024)


def measure(setting):
    """Lines of records.  The peer is the same daemon, told to make each buffer
    when it is asked for: it creates a udmabuf for each and closes it."""
    need_udmabuf(setting)
    lines = []
    for found in lending(setting):
        name = "udmabuf of %s, " % size_text(found["size"])
        for key, what in (("alloc", "allocate"),
                          ("cycle", "allocate and release")):
            lines.append(record(name + what + ", lent again",
                                found["again_" + key], "made anew",
                                found["anew_" + key]))
        lines.append(record(name + "saved each time",
                            found["anew_cycle"] - found["again_cycle"],
                            "create and close alone", found["kernel"]))
    lines.append(record("any request to contigd", found["again_floor"]))
    return lines
