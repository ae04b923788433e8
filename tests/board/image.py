# SPDX-License-Identifier: MIT
"""What the board boots: an initramfs and a devicetree.

The initramfs holds a static busybox, the project as `make install` leaves it,
the programs of tests/board/guest, the tests that need a real machine, the
shared libraries all of these name, and the few kernel modules that are needed,
in the order in which they must be loaded.  It is written here, entry by entry
in the newc form of cpio, so that neither root nor device nodes are needed on
the machine that makes it.

The devicetree is QEMU's own for the board with board.dts merged into it.
"""

import glob
import lzma
import os
import re
import stat
import subprocess

MODULES = ("vivid",)
LIBRARY_FOLDERS = ("usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "lib")


class ImageError(Exception):
    """What is missing, in words."""


class Cpio:
    """An archive in the newc form, in memory."""

    def __init__(self):
        self.parts = []
        self.folders = set()
        self.inode = 0

    def _entry(self, path, mode, data=b"", device=(0, 0)):
        name = path.encode() + b"\0"
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(name), 0)
        entry = b"070701" + b"".join(b"%08X" % field for field in fields)
        entry += name
        entry += bytes(-len(entry) % 4)
        self.parts.append(entry + data + bytes(-len(data) % 4))

    def folder(self, path, mode=0o755):
        path = path.strip("/")
        if not path or path in self.folders:
            return
        self.folder(os.path.dirname(path))
        self.folders.add(path)
        self._entry(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        path = path.strip("/")
        self.folder(os.path.dirname(path))
        if isinstance(data, str):
            data = data.encode()
        self._entry(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        path = path.strip("/")
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFCHR | mode, device=(major, minor))

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        with open(path, "wb") as file:
            file.writelines(self.parts)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def module_order(kernel, names):
    """The modules of those names and all that they depend on, as (name, code)
    in an order in which each finds what it needs."""
    paths = {}
    for path in glob.glob(os.path.join(kernel, "modules", "kernel", "**",
                                       "*.ko*"), recursive=True):
        name = os.path.basename(path).split(".ko")[0].replace("-", "_")
        paths[name] = path
    builtin = {os.path.basename(line).split(".ko")[0].replace("-", "_")
               for line in read(os.path.join(
                   kernel, "modules", "modules.builtin")).decode().split()}
    order = {}

    def add(name):
        if name in order or name in builtin:
            return
        if name not in paths:
            raise ImageError("the kernel has no module " + name)
        code = read(paths[name])
        if paths[name].endswith(".xz"):
            code = lzma.decompress(code)
        needs = re.search(rb"\0depends=([^\0]*)\0", code)
        for need in (needs.group(1).decode().split(",") if needs else []):
            if need:
                add(need.replace("-", "_"))
        order[name] = code

    for name in names:
        add(name)
    return list(order.items())


def output(args, text=""):
    """What a program prints that must succeed."""
    done = subprocess.run(args, input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise ImageError("%s: %s" % (args[0], done.stderr.strip()[-500:]))
    return done.stdout


def needed_libraries(path):
    """The names of shared libraries that a program or library asks for."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]",
                      output(["aarch64-linux-gnu-readelf", "-d", path]))


def built_program(folder, name):
    """A program of the build tree; libtool keeps the real one aside."""
    folder, name = os.path.split(os.path.join(folder, name))
    for path in (os.path.join(folder, ".libs", name),
                 os.path.join(folder, name)):
        if os.path.isfile(path):
            return path
    return None


def add_programs(cpio, build, sysroot, programs):
    """Programs, {path in the guest: path here}, and the libraries they need."""
    stage = os.path.join(build, "stage")
    folders = [os.path.join(stage, "usr", "lib")]
    folders += [os.path.join(sysroot, part) for part in LIBRARY_FOLDERS]
    libraries = {}
    ahead = list(programs.values())
    while ahead:
        for name in needed_libraries(ahead.pop()):
            if name in libraries:
                continue
            found = [os.path.join(folder, name) for folder in folders
                     if os.path.exists(os.path.join(folder, name))]
            if not found:
                raise ImageError("no library %s for the board" % name)
            libraries[name] = found[0]
            ahead.append(found[0])
    for target, path in programs.items():
        cpio.file(target, read(path), 0o755)
    for name, path in libraries.items():
        cpio.file("lib/" + name, read(path), 0o755)


def project_programs(build, guest):
    """What goes into the image of the project, {path in the guest: here}: what
    is installed, the guest's own programs and the unit tests that were built
    for the board."""
    programs = {}
    for part in ("sbin", "bin"):
        for path in glob.glob(os.path.join(build, "stage", "usr", part, "*")):
            programs["bin/" + os.path.basename(path)] = path
    for name in guest:
        path = built_program(build, "tests/board/guest/" + name)
        if not path:
            raise ImageError("the build has no tests/board/guest/" + name)
        programs["bin/board-" + name] = path
    for path in glob.glob(os.path.join(build, "tests", "check_*")):
        name = os.path.basename(path)
        if "." not in name and os.access(path, os.X_OK):
            programs["tests/" + name] = built_program(build, "tests/" + name)
    return programs


def make_initramfs(path, kernel, busybox, sysroot, build, programs, files):
    """files are {path in the guest: (text, mode)}."""
    cpio = Cpio()
    for folder in ("bin", "dev", "etc", "lib", "proc", "root", "run", "sys"):
        cpio.folder(folder)
    cpio.folder("tmp", 0o1777)
    cpio.link("sbin", "bin")
    cpio.folder("usr")
    cpio.link("usr/bin", "/bin")
    cpio.link("usr/sbin", "/bin")
    cpio.device("dev/console", 5, 1)
    cpio.device("dev/kmsg", 1, 11)
    cpio.file("bin/busybox", read(busybox), 0o755)
    add_programs(cpio, build, sysroot, programs)
    order = module_order(kernel, MODULES)
    for name, code in order:
        cpio.file("modules/%s.ko" % name, code)
    cpio.file("modules/order", "".join(name + "\n" for name, _ in order))
    for target, (text, mode) in files.items():
        cpio.file(target, text, mode)
    cpio.write(path)


def make_devicetree(path, addition, machine):
    """QEMU's tree for the machine, machine being its arguments, with a source
    file merged into it."""
    plain = path + ".plain"
    output(machine[:2] + [machine[2] + ",dumpdtb=" + plain] + machine[3:])
    source = output(["dtc", "-q", "-I", "dtb", "-O", "dts", plain])
    source += re.sub(r"/dts-v1/;", "", read(addition).decode())
    output(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path], source)
    os.unlink(plain)
