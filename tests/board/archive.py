# SPDX-License-Identifier: MIT
"""Debian's archive, reached without touching the machine's own apt.

The board needs packages of a foreign architecture and of other suites than
the one that is installed.  Adding them to /etc/apt would change the machine of
whoever runs the tests, so this makes a private apt: state, lists and cache of
its own below the cache folder, an empty list of installed packages, and
sources derived from the machine's own.  Whatever mirror, proxy and keyring the
machine uses is used here too, signatures are checked as always, and no name of
a mirror is written down in the project or printed: messages of apt pass a
filter on their way out.

It runs as any user.  Only installing onto the machine needs root, and that
uses the machine's real list of installed packages with private lists.
"""

import contextlib
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys

RELEASES = ("bullseye", "bookworm", "trixie", "forky", "duke",
            "oldstable", "stable", "testing")
SUITES = ("bookworm", "bookworm-backports", "trixie", "trixie-backports")
CARRIED = ("signed-by", "check-valid-until", "trusted")


class ArchiveError(Exception):
    """What could not be had, in words."""


def say(text):
    print("packages: " + text, file=sys.stderr, flush=True)


def run(args, what, **more):
    """Runs a program that must succeed; its complaint is the reason."""
    done = subprocess.run(args, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **more)
    if done.returncode != 0:
        raise ArchiveError("%s failed: %s" % (what, complaint(done.stderr)))
    return done.stdout


def complaint(text):
    """apt's errors and warnings, without the names of hosts."""
    lines = [line for line in text.splitlines() if re.match(r"[EW]:", line)]
    text = "; ".join(lines or text.splitlines()[-3:]) or "no reason given"
    text = re.sub(r"\w+://\S+", "the mirror", text)
    return re.sub(r"\b(\w[\w-]*\.)+[a-z]{2,}(:\d+)?\b(?!/)", "the mirror",
                  text)


class Source:
    """One entry of the machine's apt sources."""

    def __init__(self, uris, suites, components, options):
        self.uris = uris
        self.suites = suites
        self.components = components
        self.options = options  # name in lower case -> text as it stands

    def is_debian(self):
        return "main" in self.components and any(
            suite in RELEASES for suite in self.suites)

    def stanza(self, suites, architecture=None):
        lines = ["Types: deb",
                 "URIs: " + " ".join(self.uris),
                 "Suites: " + " ".join(suites),
                 "Components: " + " ".join(self.components)]
        if architecture:
            lines.append("Architectures: " + architecture)
        for name in CARRIED:
            if name in self.options:
                lines.append("%s: %s" % (name.title(), self.options[name]))
        return "\n".join(lines) + "\n"


def parse_deb822(text):
    """Entries of a .sources file; disabled and source-only ones left out."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = {}
        name = None
        for line in stanza.splitlines():
            if line[:1].isspace() and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "uris" not in fields or "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        yield Source(fields["uris"].split(), fields.get("suites", "").split(),
                     fields.get("components", "").split(), fields)


def parse_list(text):
    """Entries of a one-line-style .list file."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)",
                         line)
        if not match:
            continue
        options = {}
        for option in (match.group(1) or "").split():
            name, _, value = option.partition("=")
            options[name.lower()] = value
        yield Source([match.group(2)], [match.group(3)],
                     match.group(4).split(), options)


def machine_sources(folder="/etc/apt"):
    found = []
    paths = [os.path.join(folder, "sources.list")]
    paths += sorted(glob.glob(os.path.join(folder, "sources.list.d", "*")))
    for path in paths:
        parse = {".list": parse_list, ".sources": parse_deb822}.get(
            os.path.splitext(path)[1])
        if parse and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                found += parse(file.read())
    return found


def derived_sources(sources, suites, architecture):
    """The Debian mirrors among them, with the suites that we want."""
    mirrors = {}
    for source in sources:
        if source.is_debian():
            mirrors.setdefault(tuple(source.uris), source)
    if not mirrors:
        raise ArchiveError(
            "no apt source of this machine is a Debian release with the "
            "component main; the other suites are derived from it")
    stanzas = []
    for source in mirrors.values():
        source.components = ["main"]
        stanzas.append(source.stanza(suites, architecture))
    return "\n".join(stanzas)


class Archive:
    """A private apt below FOLDER."""

    def __init__(self, folder):
        self.folder = os.path.join(os.path.abspath(folder), "apt")
        self.updated = False

    @contextlib.contextmanager
    def locked(self):
        """One at a time, also between processes that share the cache."""
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, "lock"), "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another fetch to end")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _acquire_settings(self):
        """Proxies and the like: how this machine reaches its mirrors."""
        lines = run(["apt-config", "dump"], "apt-config").splitlines()
        return [line for line in lines if line.startswith("Acquire::")]

    def _configuration(self, name, sources, settings):
        root = os.path.join(self.folder, name)
        for part in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(root, part), exist_ok=True)
        stem = name + "."
        listed = self._write(stem + "sources", sources)
        lines = self._acquire_settings() + settings + [
            'Dir::Etc::sourcelist "%s";' % listed,
            'Dir::Etc::sourceparts "/dev/null";',
            'Dir::Etc::main "/dev/null";',
            'Dir::Etc::parts "/dev/null";',
            'Dir::State::lists "%s/lists";' % root,
            'Dir::Cache "%s";' % root,
            'Dir::Cache::archives "%s/archives";' % root,
            'APT::Sandbox::User "";',
            'Acquire::Languages "none";',
            'Acquire::Retries "3";',
            'Acquire::PDiffs "false";',
        ]
        return self._write(stem + "conf", "\n".join(lines) + "\n")

    def foreign(self, architecture="arm64"):
        """Settings to look at another architecture with nothing installed."""
        return self._configuration(
            architecture,
            derived_sources(machine_sources(), SUITES, architecture),
            ['APT::Architecture "%s";' % architecture,
             'APT::Architectures { "%s"; };' % architecture,
             'APT::Install-Recommends "false";',
             'Dir::State "%s";' % os.path.join(self.folder, architecture),
             'Dir::State::status "%s";' % self._write("status", ""),
             'Dir::Etc::preferences "/dev/null";',
             'Dir::Etc::preferencesparts "/dev/null";'])

    def native(self, suite):
        """Settings to install onto this machine, with a suite added."""
        sources = machine_sources()
        own = [source.stanza(source.suites) for source in sources
               if any(name.split("-")[0] in RELEASES
                      for name in source.suites)]
        if suite:
            own.append(derived_sources(sources, (suite,), None))
        return self._configuration("native", "\n".join(own),
                                   ['APT::Install-Recommends "false";',
                                    'DPkg::Lock::Timeout "300";'])

    def environment(self, conf):
        return dict(os.environ, APT_CONFIG=conf, LC_ALL="C",
                    DEBIAN_FRONTEND="noninteractive")

    def update(self, conf):
        say("reading the lists of packages")
        done = subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update"],
            env=self.environment(conf), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            text = complaint(done.stderr)
            if "NO_PUBKEY" in done.stderr:
                text += ("; a newer debian-archive-keyring has the keys of "
                         "trixie")
            raise ArchiveError("reading the lists of packages failed: " + text)
        self.updated = True

    def records(self, conf, package):
        """What apt knows of every version of a package."""
        text = run(["apt-cache", "show", package], "apt-cache show " + package,
                   env=self.environment(conf))
        found = []
        for stanza in text.strip().split("\n\n"):
            record = dict(re.findall(r"(?m)^([\w-]+): (.*)$", stanza))
            if record.get("Package") == package:
                found.append(record)
        return found

    def download(self, conf, verb, wanted, folder):
        """Downloads into folder and returns the paths of the packages.

        verb is ("install",) for WANTED with all that they need, or
        ("download",) for WANTED alone; each is NAME or NAME=VERSION.  What an
        interrupted run left in folder is used again.
        """
        env = self.environment(conf)
        what = "resolving " + " ".join(wanted)
        partial = os.path.join(folder, "partial")
        nothing = os.path.join(folder, "nothing")
        for path in (partial, os.path.join(nothing, "partial")):
            os.makedirs(path, exist_ok=True)
        # Against an empty folder the list is complete, whatever is there.
        listed = run(["apt-get", "-qq", "--print-uris",
                      "-o", "Dir::Cache::archives=" + nothing, *verb, *wanted],
                     what, env=env, cwd=nothing)
        names = re.findall(r"(?m)^'[^']*' (\S+) \d+", listed)
        self._progress(["apt-get", "-y", "--download-only",
                        "-o", "Dir::Cache::archives=" + folder, *verb, *wanted],
                       env, folder)
        paths = [os.path.join(folder, name) for name in names]
        missing = [path for path in paths if not os.path.exists(path)]
        if missing or not paths:
            raise ArchiveError("%s: not downloaded: %s" % (what, " ".join(
                os.path.basename(path) for path in missing) or "anything"))
        return paths

    def _progress(self, args, env, folder):
        """Runs apt-get and tells how far it is, every few seconds."""
        read_fd, write_fd = os.pipe()
        child = subprocess.Popen(
            args[:1] + ["-qq", "-o", "APT::Status-Fd=%d" % write_fd] + args[1:],
            env=env, cwd=folder, stdin=subprocess.DEVNULL, text=True,
            pass_fds=(write_fd,), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        os.close(write_fd)
        told = -10
        with open(read_fd, encoding="utf-8", errors="replace") as status:
            for line in status:
                part = line.split(":")
                try:
                    percent = int(float(part[2]))
                except (IndexError, ValueError):
                    continue
                if part[0] == "dlstatus" and percent >= told + 10:
                    say("downloading: %3d %%" % percent)
                    told = percent
        errors = child.stderr.read()
        if child.wait() != 0:
            raise ArchiveError("download failed: " + complaint(errors))

    def install(self, packages, suite):
        """Installs onto this machine, as root or through sudo."""
        with self.locked():
            conf = self.native(suite)
            self.update(conf)
            command = ["apt-get", "-y", "-qq"]
            if suite:
                command += ["-t", suite]
            command += ["install", *packages]
            if os.geteuid() != 0:
                if not shutil.which("sudo"):
                    raise ArchiveError("installing %s needs root or sudo"
                                       % " ".join(packages))
                command = ["sudo", "env", "APT_CONFIG=" + conf,
                           "DEBIAN_FRONTEND=noninteractive", *command]
            say("installing " + " ".join(packages))
            run(command, "installing " + " ".join(packages),
                env=self.environment(conf))


def unpack(package, folder, patterns=()):
    """Unpacks a .deb without installing it; patterns keep only part of it."""
    os.makedirs(folder, exist_ok=True)
    if not patterns:
        run(["dpkg-deb", "-x", package, folder], "unpacking")
        return
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package],
                          stdout=subprocess.PIPE) as source:
        # tar's status says only that a pattern was not in this package
        subprocess.run(["tar", "-x", "-C", folder, "--no-same-owner",
                        "--wildcards", *patterns], stdin=source.stdout,
                       stderr=subprocess.DEVNULL, check=False)
        source.stdout.read()
    if source.returncode != 0:
        raise ArchiveError("unpacking %s failed" % os.path.basename(package))
