# SPDX-License-Identifier: MIT
"""The virtual machine: QEMU, its monitor, and lines to talk to the guest.

Three ways lead in.  The monitor (QMP) is the witness: it reads guest physical
memory without the guest's help.  The port "control" is a shell in the guest
that runs one line at a time as root.  The other ports are stdin and stdout of
one program each, so that a client can be held at a point of its life while
the witness looks.  All of them are virtio-serial ports and Unix sockets here.

Everything waits for an event, with a limit; what the guest's kernel said is
in console.log of the artefact folder.
"""

import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

PORTS = ("control", "one", "two", "three", "four")
MEMORY = "2G"
# Real time under software emulation is nothing to rely on: limits are far
# above what a step takes, and only end a run that hangs.
LIMIT = 60
BOOT_LIMIT = 180


class MachineError(Exception):
    """What the machine or the guest did not do, in words."""


class Line:
    """A socket that speaks in lines."""

    def __init__(self, path, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.pending = b""

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise MachineError("no answer from %s" % self.name)
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            data = None
        if data == b"":
            raise MachineError("%s is gone" % self.name)
        self.pending += data or b""

    def line(self, limit=LIMIT):
        deadline = time.monotonic() + limit
        while b"\n" not in self.pending:
            self._more(deadline)
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode(errors="replace")

    def take(self, size, limit=LIMIT):
        deadline = time.monotonic() + limit
        while len(self.pending) < size:
            self._more(deadline)
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def forget(self):
        """What was said so far does not matter any more."""
        self.pending = b""
        self.socket.settimeout(0)
        try:
            while self.socket.recv(65536):
                pass
        except BlockingIOError:
            pass

    def close(self):
        self.socket.close()


# Without mitigations: nobody attacks the board through its processor, and under
# emulation page table isolation makes each system call several times dearer.
COMMAND_LINE = "console=ttyAMA0 panic=-1 systemd.show_status=1 mitigations=off "


class Machine:
    """A board that runs from boot() to close()."""

    def __init__(self, artefacts):
        self.artefacts = artefacts
        self.console = os.path.join(artefacts, "console.log")
        self.scratch = tempfile.mkdtemp(prefix="contigd-board-")
        self.process = None
        self.lines = {}
        self.monitor = None

    @staticmethod
    def arguments():
        """What the board is, without what it boots."""
        return ["qemu-system-aarch64", "-M", "virt,gic-version=3",
                "-cpu", "cortex-a57", "-smp", "2", "-m", MEMORY,
                "-nodefaults", "-display", "none"]

    def boot(self, kernel, initramfs, devicetree, command_line, leftovers=()):
        """leftovers, (address, bytes), are in memory when the machine starts,
        as after a warm start."""
        sockets = {name: os.path.join(self.scratch, name)
                   for name in PORTS + ("monitor",)}
        args = self.arguments() + [
            "-accel", "tcg,thread=multi", "-no-reboot", "-kernel", os.path.join(kernel, "vmlinuz"),
            "-initrd", initramfs, "-dtb", devicetree,
            "-append", COMMAND_LINE + command_line,
            "-serial", "file:" + self.console,
            "-qmp", "unix:%s,server=on,wait=off" % sockets["monitor"],
            # RAM starts at 1 GiB: the 28 address lines that edu has by
            # default would not reach it
            "-device", "edu,dma_mask=0xffffffff",
            "-device", "virtio-serial-pci,max_ports=%d" % (len(PORTS) + 1)]
        for name in PORTS:
            args += ["-chardev", "socket,id=%s,path=%s,server=on,wait=off"
                     % (name, sockets[name]),
                     "-device", "virtserialport,chardev=%s,name=%s"
                     % (name, name)]
        for address, data in leftovers:
            path = os.path.join(self.scratch, "leftover-%x" % address)
            with open(path, "wb") as file:
                file.write(data)
            args += ["-device", "loader,file=%s,addr=%#x,force-raw=on"
                     % (path, address)]
        with open(os.path.join(self.artefacts, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        try:
            self._connect(sockets)
            ready = self.lines["control"].line(BOOT_LIMIT)
        except MachineError as error:
            raise MachineError("the guest did not boot: %s; see %s"
                               % (error, self.console)) from None
        if ready != "ready":
            raise MachineError("the guest said %r instead of ready" % ready)

    def _dial(self, path, name, deadline):
        """QEMU makes its sockets one after another, each first without and
        then with somebody who listens."""
        while True:
            try:
                return Line(path, name)
            except OSError as error:
                if self.process.poll() is not None:
                    raise MachineError("QEMU ended at once; see qemu.log"
                                       ) from None
                if time.monotonic() > deadline:
                    raise MachineError("%s: %s" % (name, error)) from None
            time.sleep(0.02)

    def _connect(self, sockets):
        deadline = time.monotonic() + LIMIT
        for name in PORTS:
            self.lines[name] = self._dial(sockets[name], "port " + name,
                                          deadline)
        self.monitor = self._dial(sockets["monitor"], "QEMU's monitor",
                                  deadline)
        self.monitor.line()  # its greeting
        self.ask_monitor("qmp_capabilities")

    def ask_monitor(self, command, **arguments):
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        self.monitor.send(json.dumps(message))
        while True:
            answer = json.loads(self.monitor.line())
            if "error" in answer:
                raise MachineError("QEMU refused %s: %s" % (
                    command, answer["error"].get("desc")))
            if "return" in answer:
                return answer["return"]

    def physical(self, address, size):
        """Guest physical memory, as the machine has it: the witness."""
        path = os.path.join(self.scratch, "memory")
        self.ask_monitor("pmemsave", val=address, size=size, filename=path)
        with open(path, "rb") as file:
            data = file.read()
        os.unlink(path)
        if len(data) != size:
            raise MachineError("QEMU saved %d of %d bytes at %#x"
                               % (len(data), size, address))
        return data

    def run(self, command, limit=LIMIT, check=True):
        """Runs one line of shell as root in the guest; returns what it
        printed, or (status, text) with check=False."""
        line = self.lines["control"]
        line.send(command)
        head = line.line(limit).split()
        try:
            status, size = int(head[0]), int(head[1])
        except (IndexError, ValueError):
            raise MachineError("the control line is out of step") from None
        text = line.take(size, limit).decode(errors="replace")
        if not check:
            return status, text
        if status != 0:
            raise MachineError("%r ended with %d: %s"
                               % (command, status, text.strip()[-500:]))
        return text

    def waits(self):
        """How long each of the emulator's threads has waited for a processor of
        this machine, in milliseconds."""
        found = {}
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.process.pid):
            try:
                with open(path, encoding="ascii") as file:
                    found[path] = int(file.read().split()[1]) / 1e6
            except (OSError, IndexError):
                continue  # a thread that has ended
        return found

    def starved_ms(self, before):
        """The time that a busy host took away from the guest since waits() were
        so: that of the thread that waited longest, since they wait at once."""
        return max((ms - before.get(path, 0)
                    for path, ms in self.waits().items()), default=0)

    def kernel_log(self):
        return self.run("dmesg")

    def close(self):
        """Ends QEMU, gracefully where it still listens."""
        if self.process and self.process.poll() is None:
            try:
                self.ask_monitor("quit")
                self.process.wait(10)
            except (MachineError, OSError, AttributeError,
                    subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
        for line in list(self.lines.values()) + [self.monitor]:
            if line:
                line.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


class Program:
    """A program in the guest whose stdin and stdout are one of the ports.
    It answers each line with one line."""

    def __init__(self, machine, port, command):
        self.machine = machine
        self.port = port
        self.line = machine.lines[port]
        self.line.forget()
        self.pid = int(machine.run(
            "%s 0<>/dev/ports/%s 1>&0 2>/tmp/%s.err & echo $!"
            % (command, port, port)))
        try:
            self.greeting = self.expect(self.line.line())
        except MachineError:
            self.kill()
            raise

    def expect(self, answer):
        """Answers start with ok or with no and the reason."""
        if not answer.startswith("ok"):
            raise MachineError("port %s: %s" % (self.port, answer))
        return answer[3:]

    def ask(self, text, limit=LIMIT):
        self.line.send(text)
        return self.expect(self.line.line(limit))

    def refused(self, text, limit=LIMIT):
        """The reason of a refusal; being served is the error."""
        self.line.send(text)
        answer = self.line.line(limit)
        if not answer.startswith("no "):
            raise MachineError("%r was served: %s" % (text, answer))
        return answer[3:]

    def wait(self):
        """Until it is gone and the port can be used again."""
        self.machine.run(
            "n=0; while kill -0 %d 2>/dev/null && [ $n -lt 100 ]; do "
            "sleep 0.1; n=$((n+1)); done; ! kill -0 %d 2>/dev/null"
            % (self.pid, self.pid))

    def end(self):
        self.line.send("quit")
        self.wait()

    def kill(self):
        self.machine.run("kill -9 %d" % self.pid, check=False)
        self.wait()
