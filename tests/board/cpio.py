# SPDX-License-Identifier: MIT
"""An archive in the newc form of cpio, which the kernel unpacks as its first
file system.

It is written here, entry by entry, so that neither root nor device nodes are
needed on the machine that makes it: everything in it belongs to root.  bin,
sbin and lib are links into usr, as on every Debian of today; what a package of
former days has below them goes where they point.
"""

import os
import stat

MERGED = ("bin", "sbin", "lib")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def merged(path):
    path = path.strip("/")
    return "usr/" + path if path.split("/")[0] in MERGED else path


class Cpio:
    """An archive in memory.  What is put at a path first is what is there."""

    def __init__(self):
        self.parts = []
        self.paths = set()
        self.inode = 0
        for name in MERGED:
            self.folder("usr/" + name)
            self.paths.add(name)
            self._entry(name, stat.S_IFLNK | 0o777, b"usr/" + name.encode())

    def _entry(self, path, mode, data=b"", device=(0, 0)):
        name = path.encode() + b"\0"
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(name), 0)
        entry = b"070701" + b"".join(b"%08X" % field for field in fields)
        entry += name
        entry += bytes(-len(entry) % 4)
        self.parts.append(entry + data + bytes(-len(data) % 4))

    def _claim(self, path):
        """The path as it is in the archive; None: something is there."""
        path = merged(path)
        if not path or path in self.paths:
            return None
        self.folder(os.path.dirname(path))
        self.paths.add(path)
        return path

    def folder(self, path, mode=0o755):
        path = self._claim(path)
        if path:
            self._entry(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        path = self._claim(path)
        if isinstance(data, str):
            data = data.encode()
        if path:
            self._entry(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        path = self._claim(path)
        if path:
            self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        path = self._claim(path)
        if path:
            self._entry(path, stat.S_IFCHR | mode, device=(major, minor))

    def tree(self, folder, omit=()):
        """All of a folder but the paths below it that begin with one of
        omit."""
        for at, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(folders + files):
                here = os.path.join(at, name)
                path = merged(os.path.relpath(here, folder))
                if path.startswith(tuple(omit)):
                    folders[:] = [one for one in folders if one != name]
                elif os.path.islink(here):
                    self.link(path, os.readlink(here))
                elif os.path.isdir(here):
                    self.folder(path, os.stat(here).st_mode & 0o7777)
                else:
                    self.file(path, read(here), os.stat(here).st_mode & 0o7777)

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        with open(path, "wb") as file:
            file.writelines(self.parts)
