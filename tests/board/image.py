# SPDX-License-Identifier: MIT
"""What the board boots: an initramfs and a devicetree.

The initramfs is a small Debian: systemd and what it needs, as their packages
are but for documentation and the like, the project as `make install` leaves it,
the programs and units of tests/board/guest, the tests that need a real machine,
a static busybox as the shell, and the few kernel modules that are needed, in the
order in which they must be loaded.  systemd is the first process and stays on
this file system: nothing has to be mounted or switched to.

The devicetree is QEMU's own for the board with board.dts merged into it.
"""

import glob
import lzma
import os
import re
import subprocess

from cpio import Cpio, read

MODULES = ("vivid", "vgem")
LIBRARY_FOLDERS = ("usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu",
                   "usr/lib", "lib")

# Parts of the packages that the board has no use for.  What generators find
# would be fstab, disks, consoles to log in on and scripts of System V.
OMITTED = ("usr/share/", "usr/lib/locale/", "usr/lib/systemd/system-generators/",
           "usr/lib/aarch64-linux-gnu/gconv/", "usr/include/", "PACKAGES")

# Units that log users in, keep what no disk keeps, or look for what is not here.
MASKED = (
    "getty.target", "systemd-logind.service", "systemd-user-sessions.service",
    "systemd-journal-catalog-update.service", "systemd-random-seed.service",
    "systemd-update-done.service", "systemd-update-utmp.service", "tmp.mount",
    "systemd-modules-load.service", "ldconfig.service", "dev-mqueue.mount",
    "proc-sys-fs-binfmt_misc.automount", "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount", "systemd-hostnamed.socket")
UNITS = "etc/systemd/system/"


class ImageError(Exception):
    """What is missing, in words."""


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


def add_programs(cpio, folders, programs):
    """Programs, {path in the guest: path here}, and the libraries they need, of
    the first of the folders that has each."""
    libraries = {}
    ahead = list(programs.values())
    while ahead:
        for name in needed_libraries(ahead.pop()):
            if name in libraries:
                continue
            found = [path for folder in folders for path in (
                os.path.join(folder, part, name) for part in LIBRARY_FOLDERS)
                     if os.path.exists(path)]
            if not found:
                raise ImageError("no library %s for the board" % name)
            libraries[name] = found[0]
            ahead.append(found[0])
    for target, path in programs.items():
        cpio.file(target, read(path), 0o755)
    for name, path in libraries.items():
        cpio.file("usr/lib/aarch64-linux-gnu/" + name, read(path), 0o755)


def guest_programs(build, names):
    """The guest's own programs, {name: name in the build}, and the unit tests
    that were built for the board, as {path in the guest: path here}."""
    programs = {}
    for name, source in names.items():
        path = built_program(build, source)
        if not path:
            raise ImageError("the build has no " + source)
        programs["usr/bin/board-" + name] = path
    for path in glob.glob(os.path.join(build, "tests", "check_*")):
        name = os.path.basename(path)
        if "." not in name and os.access(path, os.X_OK):
            programs["tests/" + name] = built_program(build, "tests/" + name)
    return programs


def installed_programs(stage):
    """What needs libraries of what is installed, {path in the guest: here}."""
    return {os.path.relpath(path, stage): path for part in ("sbin", "bin", "lib")
            for path in glob.glob(os.path.join(stage, "usr", part, "*"))
            if os.path.isfile(path) and read(path)[:4] == b"\x7fELF"}


def make_initramfs(path, parts, names, files):
    """parts are folders: kernel, system, sysroot, build, and the file busybox;
    files are {path in the guest: (text, mode)}."""
    cpio = Cpio()
    for folder in ("dev", "proc", "root", "run", "sys", "var"):
        cpio.folder(folder)
    cpio.folder("tmp", 0o1777)
    cpio.device("dev/console", 5, 1)
    cpio.link("init", "/usr/lib/systemd/systemd")
    for target, (text, mode) in files.items():
        cpio.file(target, text, mode)
    cpio.link(UNITS + "default.target",
              "/usr/lib/systemd/system/multi-user.target")
    cpio.link(UNITS + "multi-user.target.wants/board.service",
              "../board.service")
    for unit in MASKED:
        cpio.link(UNITS + unit, "/dev/null")
    stage = os.path.join(parts["build"], "stage")
    folders = [stage, parts["system"], parts["sysroot"]]
    for folder in folders[:2]:
        cpio.tree(folder, OMITTED)
    add_programs(cpio, folders, {**installed_programs(stage),
                                 **guest_programs(parts["build"], names)})
    cpio.file("usr/bin/busybox", read(parts["busybox"]), 0o755)
    order = module_order(parts["kernel"], MODULES)
    for name, code in order:
        cpio.file("modules/%s.ko" % name, code)
    cpio.file("modules/order", "".join(name + "\n" for name, _ in order))
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
