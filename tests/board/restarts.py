# SPDX-License-Identifier: MIT
"""What the board proves about the end of a daemon: whatever ends it, what it
lent stays lent.

systemd is the service manager, unmodified: it kills, restarts, watches, and
keeps the descriptors.  Two users hold buffers of every region, and write and
check patterns round after round while daemons go and come; beside that they
hold mappings without a descriptor.  Their library connects anew without being
told, since bounced memory needs the daemon twice a round.  After each daemon
the machine's own view of physical memory must have the last pattern of each
buffer at the address that the first one reported; and in the end the rest, lent
to a third user to the last run, must leave it so.
"""

from machine import LIMIT
from register import proof
from setting import (ALICE, CAMERA, CAROL, HUGE, MIB, demand, facts,
                     first_difference, pattern, promptly)

UNIT = "contigd.service"
DROP_IN = "/run/systemd/system/%s.d/board.conf" % UNIT
SIZES = (4 * 64 * 1024, 3 * 64 * 1024)
KEPT = HUGE + 64 * 1024  # not in one huge page, wherever it is
WATCHDOG_SECONDS = 3


def demand_pattern(setting, number, phys, size, seed):
    """The witness: what a client wrote is at its buffer's address."""
    where = first_difference(setting.machine.physical(phys, size),
                             pattern(seed, size))
    demand(where is None, "buffer %d: the byte at %#x is not its client's"
           % (number, phys + (where or 0)))


def listing(setting):
    """All that root is told of buffers and regions, except whether the daemon
    knows that somebody let go of something."""
    found = {"buffer %d" % buffer["id"]: [
        buffer[key] for key in ("phys", "size", "region", "name", "owner_uid")]
             for buffer in setting.tool("buffers")["buffers"]}
    for region in setting.tool("regions")["regions"]:
        found["region " + region["name"]] = [
            region[key] for key in ("base", "size", "free", "quarantined")]
    return found


class Crowd:
    """Two users who hold something of every region, one of them nearly all
    that her quota allows."""

    def __init__(self, setting):
        self.setting = setting
        self.regions = [region["name"]
                        for region in setting.tool("regions")["regions"]]
        self.clients = [setting.client("one", ALICE),
                        setting.client("two", CAROL)]
        self.worked = []   # (number of the client, slot, id)
        self.kept = []     # (client, slot, id), of which only a mapping is left
        for number, client in enumerate(self.clients):
            slot = 0
            for name in self.regions:
                for size in SIZES:
                    self.worked.append((number, slot,
                                        self.lend(client, slot, size, name)))
                    slot += 1
            self.keep(client, slot, self.regions[number])
        self.listed = listing(setting)
        self.charged = self.charges()
        self.seed = 1 << 48

    @staticmethod
    def lend(client, slot, size, region):
        return facts(client.ask("alloc %d %d %s" % (slot, size, region)))["id"]

    def keep(self, client, slot, region):
        number = self.lend(client, slot, KEPT, region)
        client.ask("fill %d %d" % (slot, number))
        client.ask("keep %d" % slot)
        self.kept.append((client, slot, number))

    def charges(self):
        """What stands on her account, in the words of a refusal."""
        words = self.clients[1].refused("alloc 500 %d camera" % HUGE)
        demand("quota of uid %d" % CAROL in words, "the refusal is: " + words)
        return words.split(";")[0]

    def expect_at(self, number, seed):
        phys, size = self.listed["buffer %d" % number][:2]
        demand_pattern(self.setting, number, phys, size, seed)

    def work(self):
        for number, client in enumerate(self.clients):
            client.line.send("work %d" % (self.seed + (number << 40)))

    def rest(self):
        """Ends a work, with a round that began after this; returns its facts,
        one of each client."""
        found = [facts(client.ask("rest")) for client in self.clients]
        for number, slot, name in self.worked:
            self.expect_at(name, self.seed + (number << 40) + (slot << 32)
                           + found[number]["rounds"] - 1)
        for client, slot, name in self.kept:
            self.expect_at(name, name)
            client.ask("check %d %d" % (slot, name))
        self.seed += 1 << 49
        return found

    def demand_unchanged(self):
        now = listing(self.setting)
        for name in self.listed.keys() | now.keys():
            demand(self.listed.get(name) == now.get(name), "%s was %r and is %r"
                   % (name, self.listed.get(name), now.get(name)))

    def demand_rest_is_apart(self):
        """Everything else is lent and filled, and then returned."""
        taker = self.setting.client("three", CAMERA)
        for region in self.regions:
            taker.ask("exhaust %s %d %d" % (region, MIB, 0xcccc), 120)
        self.work()
        self.rest()
        self.setting.end(taker)

    def end(self):
        for client in self.clients:
            self.setting.end(client)
        self.setting.settle()


def survive(setting, events):
    """Lets the crowd work through each of the events, functions that end or
    replace the daemon.  Returns what was seen, in words."""
    crowd = Crowd(setting)
    stored = setting.unit_fact("NFileDescriptorStore")
    found = []
    for event in events:
        pid = setting.daemon_pid()
        crowd.work()
        event(setting, pid)
        # who asks meanwhile waits for the next daemon
        crowd.demand_unchanged()
        demand(setting.daemon_pid() != pid, "it is the same daemon")
        found += crowd.rest()
        said = crowd.charges()
        demand(said == crowd.charged, "charged was '%s' and is '%s'"
               % (crowd.charged, said))
    now = setting.unit_fact("NFileDescriptorStore")
    # what is lent from now on goes to a shelf of its own, which has two ends
    demand(int(now) <= int(stored) + 2, "systemd kept %s descriptors and keeps "
           "%s" % (stored, now))
    crowd.demand_rest_is_apart()
    crowd.end()
    return ("%d buffers of %s kept id, address, owner and charge %d times; %d "
            "rounds of writing and checking, %d calls repeated, the longest "
            "round %d ms" % (
                len(crowd.worked) + len(crowd.kept), ", ".join(crowd.regions),
                len(events), sum(facts["rounds"] for facts in found),
                sum(facts["again"] for facts in found),
                max(facts["longest"] for facts in found)))


def kill(setting, pid):
    setting.machine.run("kill -9 %d" % pid)


def restart(setting, _):
    setting.systemctl("restart " + UNIT)


def reexecute_and_kill(setting, pid):
    """The manager replaces itself, and with it what keeps the descriptors."""
    setting.systemctl("daemon-reexec", 2 * LIMIT)
    kill(setting, pid)


@proof("kill -9 loses nothing that is lent")
def killed(setting):
    return survive(setting, [kill, reexecute_and_kill])


@proof("what was lent before a restart comes back as soon as ever")
def returned(setting):
    """Also where nothing but a mapping was left of it: nobody tells the new
    daemon that the process is gone."""
    regions = [region["name"] for region in setting.tool("regions")["regions"]]

    def once():
        client = setting.client("one", ALICE)
        for slot, region in enumerate(regions + regions):
            client.ask("alloc %d %d %s" % (slot, 3 * 64 * 1024, region))
        for slot in range(len(regions)):
            client.ask("keep %d" % slot)
        kill(setting, setting.daemon_pid())
        listing(setting)  # by the next one
        before = setting.machine.waits()
        said = setting.machine.run("echo bury %d | board-client" % client.pid)
        starved = setting.machine.starved_ms(before)
        setting.kill(client)
        setting.settle()
        found = facts(said.splitlines()[-1])
        return found["within_ms"], starved, found["held"]

    held, words = promptly(once)
    demand(held == 2 * len(regions) * 3 * 64 * 1024,
           "%d bytes were held" % held)
    return "%d bytes of %s, %s after the end of their holder" % (
        held, ", ".join(regions), words)


@proof("a daemon that hangs is replaced, and loses nothing that is lent")
def hanging(setting):
    """What systemd asks of a daemon is set when it starts: so it is started
    anew before and after, which makes two more restarts."""
    def shorten(setting, pid):
        setting.machine.run(
            "mkdir -p $(dirname {0}) && "
            "printf '[Service]\\nWatchdogSec={1}\\n' >{0}"
            .format(DROP_IN, WATCHDOG_SECONDS))
        setting.systemctl("daemon-reload")
        restart(setting, pid)

    def hang(setting, pid):
        setting.machine.run("kill -STOP %d" % pid)

    def lengthen(setting, pid):
        setting.machine.run("rm " + DROP_IN)
        setting.systemctl("daemon-reload")
        restart(setting, pid)

    try:
        seen = survive(setting, [shorten, hang])
    finally:
        lengthen(setting, None)
    demand("Watchdog timeout" in setting.machine.run(
        "journalctl -q -o cat _PID=1 | grep contigd"), "nobody noticed")
    return seen


@proof("systemctl restart loses nothing that is lent, nor does an upgrade")
def restarted(setting):
    """A restart that starts another binary; one that does not is among what a
    daemon that hangs goes through."""
    def upgrade(setting, pid):
        setting.machine.run("cd /usr/sbin && cp -p contigd contigd.new && "
                            "echo another >>contigd.new && "
                            "mv contigd.new contigd")
        restart(setting, pid)

    before = setting.machine.run("ls -i /usr/sbin/contigd").split()[0]
    seen = survive(setting, [upgrade])
    running = setting.machine.run("ls -iL /proc/%d/exe" % setting.daemon_pid()
                                  ).split()[0]
    demand(running != before, "the old binary still runs")
    return seen


def hold_one_each(setting, client):
    """[(region, slot, id, phys)] of a buffer of each region, filled."""
    held = []
    for slot, region in enumerate(setting.tool("regions")["regions"]):
        buffer = facts(client.ask("alloc %d %d %s" % (slot, MIB,
                                                      region["name"])))
        client.ask("fill %d %d" % (slot, buffer["id"]))
        held.append((region, slot, buffer["id"], buffer["phys"]))
    return held


@proof("a stop gives the descriptors away, and what they held is not lent again")
def stopped(setting):
    """systemctl stop empties systemd's store.  Memory of the devicetree is the
    same afterwards, so that its former buffers are quarantined; a pool is made
    anew, of pages that nobody holds."""
    client = setting.client("one", ALICE)
    held = hold_one_each(setting, client)
    setting.stop_daemon()
    setting.start_daemon()
    taker = setting.client("two", CAMERA)
    said = []
    for region, slot, number, phys in held:
        now = setting.region(region["name"])
        fixed = region["backend"] == "devmem"
        wanted = MIB if fixed else 0
        demand(now["quarantined"] == wanted, "%d bytes of %s are quarantined"
               % (now["quarantined"], region["name"]))
        if fixed:
            words = client.refused("check %d %d" % (slot, number))
            said.append("%s: quarantined, its holder is told '%s'" % (
                region["name"], words))
        else:
            client.ask("check %d %d" % (slot, number))
            said.append("%s: made anew, its holder goes on" % region["name"])
        taker.ask("exhaust %s %d %d" % (region["name"], MIB, 0xeeee), 120)
        demand_pattern(setting, number, phys, MIB, number)
    demand("quarantine" in setting.daemon_log(), "the log does not say so")
    setting.end(taker)
    setting.end(client)
    setting.stop_daemon()
    # what systemctl clean does, which wants a message bus
    setting.machine.run("rm -r /run/contigd/state")
    setting.start_daemon()
    setting.settle()
    return "; ".join(said)
