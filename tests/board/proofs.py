# SPDX-License-Identifier: MIT
"""What the board proves about memory.

Each proof is a function that gets the Setting, demands what must be true and
returns what it measured, in words.  They run in the order in which they stand
here, each with every buffer returned and zeroed before it starts.  A proof
that a kernel cannot give raises Skip with the reason.

The claims are contigd's; the witnesses are not: QEMU's view of physical
memory, a PCI device, a camera driver, the kernel's own log.
"""

import json
import os
import subprocess
import time

from register import need_udmabuf, proof
from setting import (ALICE, ATTEMPTS, BOB, CAMERA, CONFIGURATION, HUGE, MIB,
                     NODE, NODE_BYTES, POOL_BYTES, ProofError, Skip, demand,
                     facts, first_difference, pattern, promptly)

# Crosses huge pages wherever it starts, and ends within one.
ODD_SIZE = 5 * MIB + 64 * 1024


# What board.dts says, as `contigctl probe --json` must say it.
EXPECTED_NODES = {
    "camera@90000000": {
        "compatible": ["contiguous-memory"], "base": NODE, "size": NODE_BYTES,
        "no_map": True, "reusable": False, "status": "okay",
        "alignment": None, "alloc_ranges": [], "users": [], "adopted": True},
    "driver-pool@98000000": {
        "compatible": ["shared-dma-pool"], "base": 0x98000000, "size": 8 * MIB,
        "no_map": True, "reusable": False, "status": "okay",
        "alignment": None, "alloc_ranges": [], "users": ["/video-engine"],
        "adopted": False},
    "dynamic-cma": {
        "compatible": ["shared-dma-pool"], "size": 16 * MIB, "no_map": False,
        "reusable": True, "status": "okay", "alignment": 4 * MIB,
        "alloc_ranges": [], "users": [], "adopted": False},
    "dynamic-pool": {
        "compatible": ["contiguous-memory"], "size": 8 * MIB, "no_map": True,
        "reusable": False, "status": "okay", "alignment": MIB,
        "alloc_ranges": [{"base": 0x40000000, "size": 0x80000000}],
        "users": [], "adopted": True},
    "mapped@9a000000": {
        "compatible": ["contiguous-memory"], "base": 0x9a000000,
        "size": 4 * MIB, "no_map": False, "reusable": False, "status": "okay",
        "alignment": None, "alloc_ranges": [], "users": [], "adopted": False},
    "disabled@9b000000": {
        "compatible": ["contiguous-memory"], "base": 0x9b000000,
        "size": 4 * MIB, "no_map": True, "reusable": False,
        "status": "disabled", "alignment": None, "alloc_ranges": [],
        "users": [], "adopted": False},
}


@proof("the live tree reads as it was put in")
def probe(setting):
    found = {}
    for region in setting.tool("probe")["regions"]:
        demand(region["name"] not in found,
               "%s is listed twice" % region["name"])
        found[region["name"]] = region
    demand(found.keys() == EXPECTED_NODES.keys(), "the nodes are %s"
           % ", ".join(sorted(found)))
    for name, expected in EXPECTED_NODES.items():
        demand(found[name]["reason"], name + " has no reason")
        for key, value in expected.items():
            demand(found[name][key] == value, "%s of %s is %r instead of %r: %s"
                   % (key, name, found[name][key], value,
                      found[name]["reason"]))
    places = []
    for name in ("dynamic-cma", "dynamic-pool"):
        base, size = setting.kernel_placed(name)
        demand(found[name]["base"] in (base, None) and size ==
               found[name]["size"], "%s is at %#x, not at %r" % (
                   name, base, found[name]["base"]))
        places.append("%s at %#x" % (name, base))
    demand(found["dynamic-pool"]["base"] is not None,
           "dynamic-pool was not found: " + found["dynamic-pool"]["reason"])
    return "%d nodes, %s" % (len(found), ", ".join(places))


@proof("the tool needs no privilege to read the tree")
def probe_unprivileged(setting):
    text = setting.machine.run("board-as %d contigctl probe" % BOB)
    demand("camera@90000000" in text, "contigctl probe printed " + text)
    return "%d lines for uid %d" % (len(text.splitlines()), BOB)


@proof("each kind of memory says what it gives or why not")
def backends(setting):
    found = {backend["name"]: backend
             for backend in setting.tool("status")["backends"]}
    demand(found["devmem"]["serves"], "devmem: " + found["devmem"]["text"])
    text = found["udmabuf"]["text"]
    demand(text, "udmabuf says nothing")
    if not setting.udmabuf_corrupts():
        demand(found["udmabuf"]["serves"], "udmabuf: " + text)
        video = setting.region("video")
        demand(video["size"] == POOL_BYTES and video["contiguous"]
               and video["isolated"] and video["dma_buf"]
               and video["phys_known"], "the pool is %r" % video)
        return "udmabuf: " + text
    demand(not found["udmabuf"]["serves"], "udmabuf is served: " + text)
    names = [region["name"] for region in setting.tool("regions")["regions"]]
    demand("video" not in names, "the pool is there all the same")
    demand("6.1" in text, "the reason does not name kernels: " + text)
    refusal = setting.client("one", ALICE)
    words = refusal.refused("alloc 0 4096 video")
    setting.end(refusal)
    return "refused: %s; a request for the pool: %s" % (text, words)


@proof("what was in memory at start-up is gone before it is lent")
def leftovers(setting):
    setting.settle()
    data = setting.machine.physical(NODE, NODE_BYTES)
    where = first_difference(data, bytes(NODE_BYTES))
    demand(where is None, "the byte at %#x is left over" % (NODE + (where or 0)))
    return "%d MiB of noise at %#x became zero" % (NODE_BYTES // MIB, NODE)


@proof("it serves before what was in memory at start-up is zeroed")
def zeroed_behind(setting):
    """To a new daemon all that is free may hold anything.  Whether it is asked
    before it is done is a race, which it loses where it takes long."""
    for _ in range(ATTEMPTS):
        said = json.loads(setting.machine.run(
            "systemctl restart contigd.service && contigctl regions --json"))
        dirty = {region["name"]: region["dirty"] // 1024
                 for region in said["regions"] if region["dirty"]}
        took_us = (int(setting.unit_fact("ActiveEnterTimestampMonotonic")) -
                   int(setting.unit_fact("ExecMainStartTimestampMonotonic")))
        setting.settle()
        if dirty:
            return "ready after %.0f ms and asked at once, with %s to be zeroed" \
                % (took_us / 1000, ", ".join("%d KiB of %s" % (size, name)
                                             for name, size in dirty.items()))
    raise ProofError("all was zeroed when it began to serve, %d times" % ATTEMPTS)


@proof("control: the watch sees a stray byte")
def watch(setting):
    before = setting.snapshot()
    places = (NODE, NODE + NODE_BYTES // 2, NODE + NODE_BYTES - 4096)
    for place in places:
        setting.machine.run("devmem %#x 8 0x42" % place)
        try:
            setting.same_but_for(before, setting.snapshot(),
                                 [(place + 1, NODE_BYTES)])
        except ProofError as reason:
            demand("%#x" % place in str(reason), str(reason))
        else:
            raise ProofError("a byte at %#x went unseen" % place)
        setting.machine.run("devmem %#x 8 0" % place)
    setting.same_but_for(before, setting.snapshot(), [])
    return "one byte each at %s" % ", ".join("%#x" % place for place in places)


@proof("control: the machine faults on unaligned access to device memory")
def alignment(setting):
    said = setting.machine.run("board-misaligned %#x" % NODE).strip()
    demand(said == "fault: Bus error", "the machine said " + said)
    return said


def pattern_at(setting, region, seed):
    """A client writes; the witness must find it there and nowhere else."""
    client = setting.client("one", ALICE)
    buffer = facts(client.ask("alloc 0 %d %s" % (ODD_SIZE, region)))
    base, size = buffer["phys"], buffer["size"]
    demand(size == ODD_SIZE and buffer["region"] == region,
           "the buffer is %r" % buffer)
    client.ask("check 0 zero")
    before = setting.snapshot()
    inside = [start for start, length in setting.watched()
              if start <= base and base + size <= start + length]
    demand(inside, "%#x is not in any memory that may be lent" % base)
    client.ask("fill 0 %d" % seed)
    after = setting.snapshot()
    area = inside[0]
    where = first_difference(after[area][base - area:base - area + size],
                             pattern(seed, size))
    demand(where is None, "the byte at %#x is not what the client wrote"
           % (base + (where or 0)))
    compared = setting.same_but_for(before, after, [(base, size)])
    client.ask("check 0 %d" % seed)
    setting.end(client)
    crossed = (base + size - 1) // HUGE - base // HUGE
    return ("%d bytes at %#x, %d huge page borders crossed; %d bytes around "
            "unchanged" % (size, base, crossed, compared))


@proof("udmabuf: a client's bytes are at the reported address, none outside")
def pattern_udmabuf(setting):
    need_udmabuf(setting)
    return pattern_at(setting, "video", 0x1111)


@proof("devmem: a client's bytes are at the reported address, none outside")
def pattern_devmem(setting):
    return pattern_at(setting, "camera", 0x2222)


@proof("devmem: the same where the kernel placed the node, or it says why not")
def pattern_dynamic(setting):
    base, size = setting.kernel_placed("dynamic-pool")
    # the kernel's word on it, by a tool that is not ours
    status, _ = setting.machine.run("devmem %#x" % NODE, check=False)
    demand(status == 0, "/dev/mem refuses even the node with a place")
    status, said = setting.machine.run("devmem %#x" % base, check=False)
    if status == 0:
        region = setting.region("dynamic-pool")
        demand((region["base"], region["size"]) == (base, size),
               "the region is %r" % region)
        return pattern_at(setting, "dynamic-pool", 0x3333)
    names = [region["name"] for region in setting.tool("regions")["regions"]]
    demand("dynamic-pool" not in names, "it is lent all the same")
    reason = [line for line in setting.daemon_log().splitlines()
              if "'dynamic-pool' is not served" in line]
    demand(reason and "IO_STRICT_DEVMEM" in reason[0], "contigd gives no reason")
    return "%s; contigd: %s" % (said.strip(), reason[0].split(": ", 2)[-1])


def device_copy(setting, region):
    """edu copies a window over a huge page border from one buffer to another;
    the rest of the second must stay as it was."""
    size, window = 2 * HUGE, 32 * 1024
    client = setting.client("one", ALICE)
    source = facts(client.ask("alloc 0 %d %s" % (size, region)))
    target = facts(client.ask("alloc 1 %d %s" % (size, region)))
    client.ask("fill 0 %d" % 0x4444)
    client.ask("fill 1 %d" % 0x5555)
    before = setting.snapshot()
    border = -source["phys"] % HUGE or HUGE
    offset = border - window // 2
    setting.machine.run("board-edu %#x %#x %d" % (
        source["phys"] + offset, target["phys"] + offset, window))
    compared = setting.same_but_for(before, setting.snapshot(),
                                    [(target["phys"] + offset, window)])
    client.ask("check 1 %d %d %d" % (0x4444, offset, window))
    client.ask("check 1 %d 0 %d" % (0x5555, offset))
    client.ask("check 1 %d %d %d" % (0x5555, offset + window,
                                     size - offset - window))
    client.ask("check 0 %d" % 0x4444)
    setting.end(client)
    return ("%d bytes from %#x to %#x by DMA, seen by the client; %d bytes "
            "around unchanged" % (window, source["phys"] + offset,
                                  target["phys"] + offset, compared))


@proof("udmabuf: a PCI device copies between buffers at reported addresses")
def dma_udmabuf(setting):
    need_udmabuf(setting)
    return device_copy(setting, "video")


@proof("devmem: a PCI device copies between buffers at reported addresses")
def dma_devmem(setting):
    return device_copy(setting, "camera")


def device_overrun(setting, region):
    """edu runs over the end of a buffer, as a driver that is off by a line
    makes a device do; what it hits is a guard, and nobody else's memory."""
    size, inside, over = MIB, 4096, 3000
    client = setting.client("one", ALICE)
    source, target, behind = (
        facts(client.ask("alloc %d %d %s" % (slot, size, region)))
        for slot in range(3))
    client.ask("fill 0 %d" % 0x4444)
    client.ask("fill 2 %d" % 0x5555)
    demand(setting.tool("check")["checked"] == 3, "not all guards are checked")
    setting.machine.run("board-edu %#x %#x %d" % (
        source["phys"], target["phys"] + size - inside, inside + over))
    status, text = setting.machine.run("contigctl check --json", check=False)
    demand(status == 1, "contigctl check ended with %d" % status)
    told = json.loads(text)
    demand(told["damaged"] == 1 and told["checked"] == 3, text)
    damage, = told["damages"]
    demand(damage["id"] == target["id"] and damage["owner_uid"] == ALICE,
           "the wrong buffer is named: " + text)
    demand(damage["phys"] == target["phys"] + size and damage["first"] == 0,
           "the wrong place is named: " + text)
    # a byte may happen to be what belongs there
    demand(over * 0.95 <= damage["differing"] <= over, text)
    demand(damage["neighbour"] in (None, source["id"], behind["id"]), text)
    client.ask("check 2 %d" % 0x5555)
    setting.end(client)
    setting.settle()
    log = setting.machine.run("journalctl -o cat -u contigd.service")
    words = "region '%s': something wrote behind buffer %d " % (
        region, target["id"])
    demand(log.count(words) == 1, "the journal says it %d times"
           % log.count(words))
    return ("%d of %d bytes behind the buffer's end found, from %#x on; the "
            "buffer behind the guard is unharmed" % (
                damage["differing"], over, damage["phys"]))


GUARDED = CONFIGURATION.replace("granule = 64K\n",
                                "granule = 64K\nguard = 64K\n")


@proof("udmabuf: a PCI device that overruns a buffer is found out")
def overrun_udmabuf(setting):
    need_udmabuf(setting)
    with setting.configured(GUARDED):
        return device_overrun(setting, "video")


@proof("devmem: a PCI device that overruns a buffer is found out")
def overrun_devmem(setting):
    with setting.configured(GUARDED):
        return device_overrun(setting, "camera")


def check_bars(pixels, width, height, stride):
    """Eight colour bars, found in the picture by this side as well."""
    row = height - height // 8
    for bar in range(8):
        at = row * stride + 3 * ((2 * bar + 1) * width // 16)
        bits = 7 - bar
        for value, wanted in zip(pixels[at:at + 3],
                                 (bits & 2, bits & 4, bits & 1)):
            demand(value >= 150 if wanted else value <= 40,
                   "bar %d is %r" % (bar, tuple(pixels[at:at + 3])))


def write_png(path, pixels, width, height):
    with open(path, "wb") as file:
        subprocess.run(["pnmtopng", "-quiet"], check=True, stdout=file,
                       input=b"P6 %d %d 255\n" % (width, height) + pixels)


def take_picture(setting, path):
    """Captures, then reads one frame out of physical memory."""
    program = setting.start("one", CAMERA, "board-camera video")
    frame = facts(program.greeting)
    for index in range(4):
        pixels = setting.machine.physical(frame["phys%d" % index],
                                          frame["bytes"])
        check_bars(pixels, frame["width"], frame["height"], frame["stride"])
    demand(frame["stride"] == 3 * frame["width"], "the frame has padding")
    write_png(path, pixels, frame["width"], frame["height"])
    return program, frame


@proof("vivid captures by DMABUF into contigd's buffers, without a copy")
def capture(setting):
    need_udmabuf(setting)
    path = os.path.join(setting.artefacts, "frame.png")
    program, frame = take_picture(setting, path)
    setting.end(program)
    return ("%d frames of %dx%d, colour bars right in all; four read at %s; "
            "picture %s" % (frame["frames"], frame["width"], frame["height"],
                            ", ".join("%#x" % frame["phys%d" % i]
                                      for i in range(4)), path))


def stream_and_kill(setting):
    """One round of the following proof; returns what the guest measured."""
    stream = setting.start("one", CAMERA, "board-stream video")
    frame = facts(stream.greeting)
    places = [frame["phys%d" % index] for index in range(frame["buffers"])]
    setting.machine.run("kill -9 %d" % frame["child"])
    stream.ask("gone")
    demand(setting.machine.physical(places[-1], frame["bytes"])
           == bytes(frame["bytes"]), "the last frame was there too early")
    taker = setting.client("two", ALICE)
    rest = facts(taker.ask("exhaust video %d %d" % (MIB, 0xbbbb), 120))
    stream.ask("rest")
    for place in places:
        check_bars(setting.machine.physical(place, frame["bytes"]),
                   frame["width"], frame["height"], frame["stride"])
    states = [buffer["state"] for buffer in setting.tool("buffers")["buffers"]
              if buffer["name"] == "stream"]
    demand(states == ["draining"] * len(places), "states are %r" % states)
    taker.refused("alloc 1000 %d video" % MIB)
    before = setting.machine.waits()
    took = facts(stream.ask("off"))["within_us"] / 1000
    starved = setting.machine.starved_ms(before)
    taker.ask("alloc 1000 %d video" % MIB)
    taker.ask("check 1000 zero")
    setting.end(taker)
    setting.end(stream)
    setting.settle()
    return took, starved, (rest["count"], len(places))


@proof("vivid streaming into a buffer holds it after its client is killed")
def stream(setting):
    need_udmabuf(setting)
    (others, frames), words = promptly(lambda: stream_and_kill(setting))
    return ("%d frames, the last ones written after the kill while %d other "
            "buffers were lent; back after %s" % (frames, others, words))


@proof("control: the same driver refuses scattered memory")
def control(setting):
    answer = setting.machine.run("board-camera scattered")
    demand(answer.startswith("ok "), answer)
    result = facts(answer[3:])
    demand(result["breaks"] > 0, "the pages happened to be contiguous")
    demand(result["queue"] == "EFAULT", "the driver said %s to %d breaks"
           % (result["queue"], result["breaks"]))
    said = [line for line in setting.machine.kernel_log().splitlines()
            if "contiguous chunk is too small" in line]
    demand(said, "the kernel's log has no reason")
    return "%d breaks, %s, '%s'" % (result["breaks"], result["queue"],
                                    said[-1].split("] ", 1)[-1])


@proof("control: where a kernel's udmabuf is refused, frames do go astray")
def corruption(setting):
    if not setting.udmabuf_corrupts():
        raise Skip("kernel %s maps the right pages" % setting.series)
    with setting.configured("[udmabuf]\nallow-corrupting-kernel = yes\n"
                            + CONFIGURATION):
        status, said = setting.machine.run(
            "board-as %d board-camera video </dev/null" % CAMERA, check=False)
        setting.settle()
    demand(status != 0 and said.startswith("no frame"),
           "the camera said " + said.strip())
    return "insisting: %s" % said.strip()[3:]


def strangers(setting, region):
    """alice's buffer against bob, who knows all but descriptor and token."""
    alice = setting.client("one", ALICE)
    bob = setting.client("two", BOB)
    hers = facts(alice.ask("alloc 0 %d %s" % (MIB, region)))
    his = facts(bob.ask("alloc 0 %d %s" % (MIB, region)))
    demand(his["phys"] == "none", "bob is told the address %s" % his["phys"])
    alice.ask("fill 0 %d" % 0x6666)
    before = setting.machine.physical(hers["phys"], MIB)
    demand(alice.ask("buffers").split() == [str(hers["id"])],
           "alice sees other buffers than her own")
    demand(bob.ask("buffers").split() == [str(his["id"])],
           "bob sees other buffers than his own")
    bob.ask("fill 0 %d" % 0x7777)
    said = setting.machine.run(
        "board-as %d board-intruder %d %d %d %d %d" % (
            BOB, hers["id"], hers["device"], hers["inode"],
            facts(alice.greeting)["pid"], hers["fd"]), check=False)[1]
    last = said.strip().splitlines()[-1]
    demand(last.startswith("ok "), said.strip())
    demand(setting.machine.physical(hers["phys"], MIB) == before,
           "alice's memory changed")
    alice.ask("check 0 %d" % 0x6666)
    bob.ask("check 0 %d" % 0x7777)
    setting.end(bob)
    setting.end(alice)
    return "%s refused; bob is told no address" % last[3:]


@proof("udmabuf: clients of different uids reach only their own buffers")
def strangers_udmabuf(setting):
    need_udmabuf(setting)
    return strangers(setting, "video")


@proof("devmem: clients of different uids reach only their own buffers")
def strangers_devmem(setting):
    return strangers(setting, "camera")


def held_by_mapping(setting, region):
    """No descriptor, no connection, only a mapping: it must hold, while
    another client takes and overwrites all the rest."""
    alice = setting.client("one", ALICE)
    hers = facts(alice.ask("alloc 0 %d %s" % (MIB, region)))
    alice.ask("fill 0 %d" % 0x8888)
    alice.ask("keep 0")
    bob = setting.client("two", BOB)
    rest = facts(bob.ask("exhaust %s %d %d" % (region, MIB, 0x9999), 120))
    data = setting.machine.physical(hers["phys"], MIB)
    demand(data == pattern(0x8888, MIB), "the memory was used again")
    alice.ask("check 0 %d" % 0x8888)
    state = [buffer["state"] for buffer in setting.tool("buffers")["buffers"]
             if buffer["id"] == hers["id"]]
    demand(state == ["draining"], "its state is %r" % state)
    bob.refused("alloc 1000 %d %s" % (MIB, region))
    alice.ask("drop 0")
    # on shortage the daemon looks at once, and zeroes before it lends
    bob.ask("alloc 1000 %d %s" % (MIB, region))
    bob.ask("check 1000 zero")
    demand(setting.machine.physical(hers["phys"], MIB) == bytes(MIB),
           "the memory that came back is not zero")
    setting.end(bob)
    setting.end(alice)
    return ("kept at %#x while %d other buffers were filled; lent again, "
            "zeroed, when the mapping went" % (hers["phys"], rest["count"]))


@proof("udmabuf: a buffer that only a mapping holds is not used again")
def mapping_udmabuf(setting):
    need_udmabuf(setting)
    return held_by_mapping(setting, "video")


@proof("devmem: a buffer that only a mapping holds is not used again")
def mapping_devmem(setting):
    return held_by_mapping(setting, "camera")


def killed(setting, region):
    """A client that is killed returns everything, and its bytes are gone."""
    client = setting.client("one", ALICE)
    buffers = [facts(client.ask("alloc %d %d %s" % (slot, MIB, region)))
               for slot in range(3)]
    for slot in range(3):
        client.ask("fill %d %d" % (slot, 0xaaaa + slot))
    setting.kill(client)
    setting.settle()
    for buffer in buffers:
        demand(setting.machine.physical(buffer["phys"], MIB) == bytes(MIB),
               "bytes of a killed client are left at %#x" % buffer["phys"])
    return "3 buffers returned and zeroed, read at their addresses"


@proof("udmabuf: memory of a killed client comes back as zeros")
def killed_udmabuf(setting):
    need_udmabuf(setting)
    return killed(setting, "video")


@proof("devmem: memory of a killed client comes back as zeros")
def killed_devmem(setting):
    return killed(setting, "camera")


# A quarter of a gigabyte of each kind of memory, each page of it many times.
RECYCLED_PAGES = 65536


def recycled(setting, region):
    """Users of whom some release, some exit and some are killed, with the whole
    region in use all the time."""
    seed = time.time_ns() % 1000000
    return "%s (seed %d)" % (setting.machine.run(
        "board-isolation -r %s -p %d -s %d -g $(id -g contigd) %d %d %d"
        % (region, RECYCLED_PAGES, seed, ALICE, BOB, CAMERA), 300).strip(),
        seed)


@proof("udmabuf: no user reads what another one wrote")
def recycled_udmabuf(setting):
    need_udmabuf(setting)
    return recycled(setting, "video")


@proof("devmem: no user reads what another one wrote")
def recycled_devmem(setting):
    return recycled(setting, "camera")


@proof("the default region is the devicetree's, and refusals explain themselves")
def refusals(setting):
    client = setting.client("one", ALICE)
    buffer = facts(client.ask("alloc 0 4096 -"))
    demand(buffer["region"] == "camera", "it is from " + buffer["region"])
    words = client.refused("alloc 1 %d camera" % (64 * MIB))
    demand("camera" in words, "the refusal is: " + words)
    setting.end(client)
    return words


# Granules of one page, for as many dma-bufs as the figure is about.
TINY = "[pool tiny]\nsize = 40M\npage-size = 2M\ngranule = 4K\n"
IDLE_BUFFERS = 10000


@proof("udmabuf: ten thousand buffers are held, and what they cost is measured")
def idle(setting):
    """Figures of software emulation, on whatever else the machine does: they
    are shown, not judged."""
    need_udmabuf(setting)
    with setting.configured(TINY):
        setting.settle()  # what was there before is being zeroed
        said = setting.machine.run("board-idle -n %d -r tiny -w 2 -t 20"
                                   % IDLE_BUFFERS, 300)
        setting.settle(zeroed=False)  # the pool goes with the configuration
    figures = [json.loads(line)["figure"] for line in said.splitlines()]
    return "; ".join("%(name)s: %(value).3f %(unit)s" % figure
                     for figure in figures)


@proof("unit tests that touch the machine pass on a real one")
def unit_tests(setting):
    passed, skipped = [], []
    for name in setting.machine.run("cd /tests && ls check_*").split():
        status, text = setting.machine.run(
            "cd /tests && CK_TIMEOUT_MULTIPLIER=20 ./" + name, 300,
            check=False)
        demand(status in (0, 77), "%s ended with %d: %s"
               % (name, status, text.strip()[-1500:]))
        (passed if status == 0 else skipped).append(name)
    demand(passed, "none was run")
    return "passed %s; skipped %s" % (" ".join(passed),
                                      " ".join(skipped) or "none")
