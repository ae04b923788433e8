# SPDX-License-Identifier: MIT
"""contigd on a real board, in a minute: what ./demo --board shows.

Every command is printed as it is typed in the guest, with what it answers, so
that a newcomer sees the same as at his own board's prompt.
"""

import os

from machine import MachineError
from proofs import take_picture
from setting import ALICE, MIB, ProofError, facts


def title(text):
    print("\n--- %s\n" % text, flush=True)


def typed(setting, command, user="root"):
    print("%s@board$ %s" % (user, command))
    print(setting.machine.run(command).rstrip() + "\n", flush=True)


def two_clients(setting):
    """Two processes with buffers of two kinds of memory, one at a time."""
    writer = setting.client("one", ALICE)
    for slot, (size, region) in enumerate(((5 * MIB, "video"),
                                           (MIB, "camera"))):
        buffer = facts(writer.ask("alloc %d %d %s" % (slot, size, region)))
        writer.ask("fill %d 42" % slot)
        head = setting.machine.physical(buffer["phys"], 16).hex(" ")
        print("uid %d holds %d KiB of %s at %#x; the machine's memory there "
              "begins\n    %s" % (ALICE, size // 1024, region,
                                  buffer["phys"], head), flush=True)
    return writer


def show(setting, picture):
    try:
        os.makedirs(os.path.dirname(os.path.abspath(picture)), exist_ok=True)
        title("booting Debian's kernel %s for arm64 with reserved memory"
              % setting.series)
        setting.boot()
        typed(setting, "uname -srm")
        typed(setting, "contigctl probe")
        title("contigd starts, as a service of systemd")
        typed(setting, "systemctl start contigd.service")
        typed(setting, "journalctl -q -o cat -u contigd.service")
        typed(setting, "contigctl regions")
        title("a client without privilege allocates and writes")
        writer = two_clients(setting)
        print()
        typed(setting, "contigctl buffers")
        typed(setting, "contigctl map")
        setting.end(writer)
        title("a camera captures into contiguous buffers, without a copy")
        program, frame = take_picture(setting, picture)
        print("%d frames of %dx%d; this one was read from physical memory at "
              "%#x\n" % (frame["frames"], frame["width"], frame["height"],
                         frame["phys3"]))
        typed(setting, "contigctl buffers")
        setting.end(program)
        title("contigd ends")
        setting.settle()
        typed(setting, "contigctl status")
        print("root@board$ systemctl stop contigd.service")
        status = setting.stop_daemon()
        print("contigd ended with status %d" % status)
        print("\nThe picture: %s" % os.path.abspath(picture), flush=True)
        return 0 if status == 0 else 1
    except (MachineError, ProofError) as reason:
        print("the demonstration failed: %s" % reason)
        setting.keep_logs()
        return 1
    finally:
        setting.machine.close()
