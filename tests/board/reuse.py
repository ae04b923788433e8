# SPDX-License-Identifier: MIT
"""What the board proves about dma-bufs that are lent a second time.

The kernel says which dma-buf it is (the inode of a descriptor), who holds it
(`count:` in the fdinfo of any of its descriptors) and what it is called; the
machine's own view of physical memory says what is in it.
"""

import re

from register import need_udmabuf, proof
from restarts import demand_pattern, kill, listing
from setting import ALICE, ATTEMPTS, BOB, MIB, demand, facts

GRANULE = 64 * 1024
SIZE = 4 * MIB + GRANULE  # more than two huge pages
ITS_OWN = 2  # references of the daemon: one in its table, one on a shelf
HOLDERS = 2  # of a client: a descriptor and, once it looked at it, a mapping


def name_of(setting, client, buffer):
    """Of the dma-buf, with its token, as its holder reads it."""
    return setting.machine.run("readlink /proc/%d/fd/%d" % (
        facts(client.greeting)["pid"], buffer["fd"])).strip()


def counts(setting, inode):
    """count: of each descriptor that the daemon has of a dma-buf."""
    text = setting.machine.run(
        "for f in /proc/%d/fdinfo/*; do tr '\\n' ' ' <$f; echo; done "
        "2>/dev/null" % setting.daemon_pid())
    return [int(found.group(1)) for found in re.finditer(
        r"\bino:\s%d .*\bcount:\s(\d+)" % inode, text)]


def lend(setting, client):
    buffer = facts(client.ask("alloc 0 %d video" % SIZE))
    client.ask("check 0 zero")
    buffer["name"] = name_of(setting, client, buffer)
    return buffer


def give_back(setting, client, buffer):
    """Until it is free and zeroed; nobody but the daemon has it then."""
    client.ask("release 0")
    left = counts(setting, buffer["inode"])
    demand(left in ([ITS_OWN], []), "counts are %r after the release" % left)
    setting.settle()


def demand_same(one, other):
    demand(one["phys"] == other["phys"], "it is at %#x and was at %#x"
           % (other["phys"], one["phys"]))
    demand(one["inode"] == other["inode"], "it is another dma-buf")
    demand(one["id"] != other["id"], "it has the same id")
    demand(one["name"] != other["name"], "it has the same name and token")


@proof("udmabuf: what was returned is lent again, zeroed and under a new name")
def again(setting):
    need_udmabuf(setting)
    alice = setting.client("one", ALICE)
    first = lend(setting, alice)
    for seed in range(3):
        demand(counts(setting, first["inode"]) == [ITS_OWN + HOLDERS],
               "while it is lent, counts are %r"
               % counts(setting, first["inode"]))
        alice.ask("fill 0 %d" % (0xaaaa + seed))
        demand_pattern(setting, first["id"], first["phys"], SIZE,
                       0xaaaa + seed)
        give_back(setting, alice, first)
        demand(counts(setting, first["inode"]) == [ITS_OWN],
               "the daemon holds %r" % counts(setting, first["inode"]))
        demand(setting.machine.physical(first["phys"], SIZE) == bytes(SIZE),
               "what is kept is not zero")
        second = lend(setting, alice)
        demand_same(first, second)
        first = second
    setting.end(alice)
    return "inode %d at %#x four times, alone with the daemon in between" % (
        first["inode"], first["phys"])


def phys_of_only(setting):
    buffer, = setting.tool("buffers")["buffers"]
    return buffer["phys"]


@proof("udmabuf: nobody else gets it, nor does a longer run")
def apart(setting):
    need_udmabuf(setting)
    alice = setting.client("one", ALICE)
    bob = setting.client("two", BOB)
    hers = lend(setting, alice)
    give_back(setting, alice, hers)
    his = lend(setting, bob)
    demand(phys_of_only(setting) == hers["phys"], "bob's buffer is elsewhere")
    demand(his["inode"] != hers["inode"], "bob has the same dma-buf")
    setting.machine.run("sleep 1")
    demand(counts(setting, hers["inode"]) == [], "alice's is kept")
    give_back(setting, bob, his)
    # whatever has room for the one has room for the other
    longer = facts(bob.ask("alloc 0 %d video" % (SIZE + GRANULE)))
    demand(phys_of_only(setting) == hers["phys"], "the longer one is elsewhere")
    demand(longer["inode"] != his["inode"], "it has the same dma-buf")
    setting.machine.run("sleep 1")
    demand(counts(setting, his["inode"]) == [], "the shorter one is kept")
    setting.end(bob)
    setting.end(alice)
    return "inodes %d, %d and %d for two users and a longer run" % (
        hers["inode"], his["inode"], longer["inode"])


@proof("udmabuf: kill -9 does not lose what is lent again")
def survives(setting):
    """The new daemon finds it under the id that its first buffer had on the
    shelf, and lends it once more."""
    need_udmabuf(setting)
    alice = setting.client("one", ALICE)
    give_back(setting, alice, lend(setting, alice))
    first = lend(setting, alice)
    alice.ask("fill 0 %d" % 0xbbbb)
    listed = listing(setting)
    kill(setting, setting.daemon_pid())
    demand(listing(setting) == listed, "what is listed has changed")
    demand(counts(setting, first["inode"]) == [ITS_OWN + HOLDERS],
           "counts are %r" % counts(setting, first["inode"]))
    demand_pattern(setting, first["id"], first["phys"], SIZE, 0xbbbb)
    alice.ask("check 0 %d" % 0xbbbb)
    alice.ask("buffers")  # she is connected anew, and can tell of the release
    give_back(setting, alice, first)
    second = lend(setting, alice)
    demand_same(first, second)
    # a daemon that finds it kept has no record of it
    give_back(setting, alice, second)
    kill(setting, setting.daemon_pid())
    setting.settle()
    demand(counts(setting, first["inode"]) == [], "it is kept over a restart")
    setting.end(alice)
    setting.settle()
    return "inode %d before and behind a kill" % first["inode"]


@proof("udmabuf: one that a device is not done with is not lent again")
def fenced(setting):
    """vgem is the device; its fence signals when it is told to."""
    need_udmabuf(setting)
    for _ in range(ATTEMPTS):
        found = facts(setting.machine.run("board-fence video %d" % SIZE))
        if found["in_time"]:
            break
    demand(found["in_time"], "the fence never was pending for long enough")
    demand(found["signalled"] != found["pending"],
           "a dma-buf with a fence that is pending was lent again")
    demand(found["without"] == found["signalled"] == found["last"],
           "those without were not: %r" % found)
    return "inode %d with a pending fence, then %d three times" % (
        found["pending"], found["last"])
