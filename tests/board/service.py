# SPDX-License-Identifier: MIT
"""What the board proves about contigd as a service of systemd, which is the
first process here, unmodified: how little it may do, and that it suffices."""

from register import proof
from setting import BOB, MIB, demand


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


def watches(setting):
    """How many files contigd hears of by inotify, as the kernel says."""
    return int(setting.machine.run(
        "cat /proc/%d/fdinfo/* 2>/dev/null | grep -c '^inotify wd:'; true"
        % setting.daemon_pid()))


@proof("its sandbox lets it hear of the end of a bounce buffer")
def hears(setting):
    client = setting.client("one", BOB)
    for slot in range(3):
        client.ask("alloc %d %d camera" % (slot, MIB))
    # the first looks find it held, and arm the watch
    setting.machine.run("n=0; until [ $(cat /proc/%d/fdinfo/* 2>/dev/null | "
                        "grep -c '^inotify wd:') -ge 3 ]; do n=$((n+1)); "
                        "[ $n -lt 100 ] || exit 1; sleep 0.1; done"
                        % setting.daemon_pid())
    armed = watches(setting)
    setting.kill(client)
    setting.settle()
    demand(watches(setting) == 0, "%d watches are left" % watches(setting))
    return "%d watches while 3 buffers were lent, none afterwards" % armed
