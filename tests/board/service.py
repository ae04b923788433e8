# SPDX-License-Identifier: MIT
"""What the board proves about contigd as a service of systemd, which is the
first process here, unmodified: how little it may do, and that it suffices."""

import re
import time

from machine import LIMIT
from register import proof
from setting import BOB, MIB, demand, facts


@proof("contigd serves without any capability, as a user of its own")
def privilege(setting):
    status = dict(line.split(":\t", 1) for line in setting.machine.run(
        "cat /proc/%d/status" % setting.daemon_pid()).splitlines()
                  if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        demand(int(status[name], 16) == 0, "%s is %s" % (name, status[name]))
    demand(status["NoNewPrivs"] == "1", "it could gain privileges")
    demand(status["Seccomp"] == "2", "system calls are not filtered")
    uids, gids = set(status["Uid"].split()), set(status["Gid"].split())
    own = setting.machine.run("id -u contigd; id -g contigd").split()
    demand([*uids, *gids] == own and own[0] != "0",
           "uids are %s, gids %s" % (uids, gids))
    serving = [region["name"] for region in setting.tool("regions")["regions"]]
    return "uid %s, gid %s, every set of capabilities empty, serving %s" % (
        own[0], own[1], ", ".join(serving))


def watched(setting):
    """Inodes of the files that contigd hears of by inotify, as the kernel says."""
    return {int(inode, 16) for inode in re.findall(
        r"^inotify wd:.* ino:([0-9a-f]+)", setting.machine.run(
            "cat /proc/%d/fdinfo/* 2>/dev/null; true" % setting.daemon_pid()),
        re.MULTILINE)}


@proof("its sandbox lets it hear of the end of a bounce buffer")
def hears(setting):
    """What is made ahead is watched as well, before it is lent."""
    client = setting.client("one", BOB)
    lent = {facts(client.ask("alloc %d %d camera" % (slot, MIB)))["inode"]
            for slot in range(3)}
    # of what was not made ahead, the first looks find it held, and watch it
    deadline = time.monotonic() + LIMIT
    while not lent <= watched(setting):
        demand(time.monotonic() < deadline, "of inodes %s it hears of %s"
               % (sorted(lent), sorted(watched(setting))))
        time.sleep(0.1)
    setting.kill(client)
    setting.settle()
    left = lent & watched(setting)
    demand(not left, "inodes %s are still watched" % sorted(left))
    return "3 buffers were watched while they were lent, none afterwards"
