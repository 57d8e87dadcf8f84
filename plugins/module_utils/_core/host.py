# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The host a module runs on: its addresses, files and commands."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import glob
import json
import os
import pwd
import re
import stat
import sys
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError

#: what the names of files begin with that are being written
TEMPORARY = ".coordinator_write-"

#: the oldest Python that all this is written for
_OLDEST = (3, 8)


def require_python(module: AnsibleModule) -> None:
    """End the module where Python is too old for what follows; one that is older still does not come that far."""
    if sys.version_info[:2] < _OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        module.fail_json(msg=f"this collection needs Python {'.'.join(map(str, _OLDEST))} or newer, {sys.executable} is {found}")


class Host:
    """Commands and files of this host, through the Ansible module.

    :param module: the running module.
    :param greenplum_path: ``greenplum_path.sh`` of the installation, whose directory is ``$GPHOME``; not needed where no
        program of the installation is run.
    """

    def __init__(self, module: AnsibleModule, greenplum_path: str = "") -> None:
        self._module = module
        self._greenplum_path = greenplum_path
        self.gphome = os.path.dirname(greenplum_path)
        for name in [name for name in os.environ if name.startswith("PG") or name in ("BASH_ENV", "ENV")]:
            del os.environ[name]  # PGHOST, PGOPTIONS and their like would mislead every client of the engine
        self._environment = {
            "LC_ALL": "C",
            "GPHOME": self.gphome,
            "LD_LIBRARY_PATH": os.path.join(self.gphome, "lib"),
            "PATH": os.pathsep.join((self.bin(), "/usr/local/bin", "/usr/bin", "/bin")),
        }

    def bin(self, program: str = "") -> str:
        """Path of a program of the installation."""
        return os.path.join(self.gphome, "bin", program)

    def run(
        self,
        program: str,
        *arguments: str,
        environment: t.Mapping[str, str] | None = None,
        accept: t.Container[int] = (0,),
        login: bool = False,
        output: str | None = None,
        long: bool = False,
    ) -> str:
        """Run a program of the installation and return what it printed.

        :param environment: further environment variables.
        :param accept: exit codes that are no failure.
        :param login: with everything that ``greenplum_path.sh`` exports, as the engine's own utilities start instances.
        :param output: file that it prints to meanwhile, its standard error, too; that is returned.
        :param long: whether it takes long, and is ended where the work is given up.
        :raises CoordinatorError: it cannot be run or ended with another exit code.
        :raises Cancelled: the work was given up.
        """
        path = self.bin(program)
        if not os.access(path, os.X_OK):
            raise CoordinatorError(f"{path} is not there or cannot be run: set greenplum_path to the greenplum_path.sh of the installation")
        command = [path, *arguments]
        if login:
            command = ["/bin/bash", "--noprofile", "--norc", "-c", '. "$0" && unset LC_ALL && exec "$@"', self._greenplum_path, *command]
        if output:
            command = ["/bin/sh", "-c", 'exec "$@" > "$0" 2>&1', output, *command]
        with work.cancellable() if long else contextlib.nullcontext() as begun:
            code, stdout, stderr = self._module.run_command(
                command, environ_update=dict(self._environment, **(environment or {})), before_communicate_callback=begun
            )
        if output:
            stdout = read_text(output) or ""
        if code not in accept:
            output = "\n".join(part.strip() for part in (stderr, stdout) if part.strip())
            raise CoordinatorError(f"{program} failed with exit code {code}: {output}", command=program, rc=code)
        return t.cast(str, stdout)

    def command(self, program: str, *arguments: str) -> tuple[int, str]:
        """Run a program of the operating system; its exit code, 127 where it is missing, and what it printed."""
        path = program if os.path.isabs(program) else self._module.get_bin_path(program, opt_dirs=["/sbin", "/usr/sbin"])
        if not path:
            return 127, ""
        code, stdout, stderr = self._module.run_command([path, *arguments], environ_update={"LC_ALL": "C"})
        return code, stdout if code == 0 else "\n".join(part.strip() for part in (stderr, stdout) if part.strip())

    def write(self, path: str, text: str, mode: int) -> None:
        """Write a file whole: beside it first, then in its place by rename. Both outlast a power failure."""
        try:
            handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=os.path.dirname(path))
            self._module.add_cleanup_file(temporary)
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                os.fchmod(handle, mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # atomic_move would give a new file the mode that the umask allows
            sync_directory(os.path.dirname(path))
        except OSError as error:
            raise CoordinatorError(
                f"{path} cannot be written: {error.strerror}; see to the file system that it is on, and run this again"
            ) from error

    def locales(self) -> list[str] | None:
        """The locales that the operating system has, None where it does not tell."""
        said = self.ask("locale", "-a")
        return None if said is None else said.split()

    def ask(self, name: str, *arguments: str) -> str | None:
        """What a program of the operating system says, None where it is not there or fails."""
        code, said = self.command(name, *arguments)
        return said if code == 0 else None

    def addresses(self) -> list[str]:
        """The host's own addresses that others can reach, IPv4 before IPv6."""
        code, stdout, _dummy = self._module.run_command(
            [self._module.get_bin_path("ip", required=True, opt_dirs=["/sbin", "/usr/sbin"]), "-json", "address"]
        )
        if code != 0:
            return []
        entries = [info for link in json.loads(stdout) for info in link.get("addr_info", ()) if info.get("scope") == "global"]
        return [entry["local"] for entry in sorted(entries, key=lambda entry: entry["family"])]


def newest_first(directories: t.Iterable[str], newer_than: float = 0.0) -> list[str]:
    """Paths of the files in directories by their times of modification; one that goes meanwhile, as logs do, is left out.

    :param newer_than: modification time, in seconds since the epoch, before which a file does not count.
    """
    found = []
    for path in (path for directory in directories for path in glob.glob(os.path.join(glob.escape(directory), "*"))):
        with contextlib.suppress(OSError):
            found.append((os.path.getmtime(path), path))
    return [path for changed, path in sorted(found, reverse=True) if changed >= newer_than]


def sync_directory(path: str) -> None:
    """Make the names in a directory outlast a power failure."""
    _sync(path)


def sync_tree(directory: str) -> None:
    """Make a directory and what is below it outlast a power failure, links not followed.

    :raises OSError: it cannot be written.
    """
    for top, _names, files in os.walk(directory):
        for path in [*(os.path.join(top, name) for name in files), top]:
            if os.path.islink(path):
                continue
            try:
                _sync(path)
            except OSError as error:
                if error.errno != errno.EINVAL:  # what is no file
                    raise


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def mount_points() -> frozenset[str]:
    """Where file systems are mounted, bind mounts included; empty where the kernel does not tell."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
            # fifth field: the mount point, blanks and backslashes as octal numbers
            fields = [line.split(" ")[4] for line in mounts]
    except OSError:
        return frozenset()
    return frozenset(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), field) for field in fields)


def is_mount(path: str) -> bool:
    """Whether a directory, or what a link leads to, is a mount point or the root: it cannot be renamed."""
    place = os.path.realpath(path)
    return os.path.ismount(place) or place in mount_points()


def mounts_below(path: str) -> list[str]:
    """Mount points within a directory."""
    place = os.path.realpath(path).rstrip("/") + "/"
    return sorted(mount for mount in mount_points() if mount.startswith(place) and mount != place)


#: what names of this collection within a data directory begin with
OWN = ".coordinator_"

#: what is added to the name of a directory within a mount point while what is in it comes to the mount point
ARRIVING = "_arriving"

#: what a file system has in its root
LOST_AND_FOUND = "lost+found"

#: names without which no instance starts
_LAST = ("global", "PG_VERSION")


def rename(old: str, new: str) -> None:
    """Give a directory another name, for good.

    Where one lies in the other, because a mount point cannot be renamed, what is in it is moved, so that a part of an instance never
    counts as one: ``PG_VERSION`` is the first to leave a place, and the last to come to one.

    :raises CoordinatorError: something is there already, or the place cannot be written to.
    """
    try:
        if new.startswith(old.rstrip("/") + "/"):
            os.makedirs(new, mode=stat.S_IMODE(os.stat(old).st_mode) & 0o750, exist_ok=True)
            for name in reversed(_in_order(old)):
                os.rename(os.path.join(old, name), os.path.join(new, name))
            sync_directory(new)
            sync_directory(old)
        elif old.startswith(new.rstrip("/") + "/"):
            os.chmod(new, stat.S_IMODE(os.stat(old).st_mode))
            os.rename(old, old + ARRIVING)  # from now on what is in the mount point is a part of it
            for name in _in_order(old + ARRIVING):
                if name in _LAST:
                    sync_directory(new)
                os.rename(os.path.join(old + ARRIVING, name), os.path.join(new, name))
            os.rmdir(old + ARRIVING)
            sync_directory(new)
        else:
            os.rename(old, new)
            sync_directory(os.path.dirname(new))
    except OSError as error:
        raise CoordinatorError(
            f"{old} cannot be renamed to {new}: {error.strerror}; see what is there and that neither is a mount point, and run this again"
        ) from error


def _in_order(directory: str) -> list[str]:
    """The names in a directory that are not this collection's nor the file system's, those last without which no instance starts."""
    names = [name for name in os.listdir(directory) if not name.startswith(OWN) and name != LOST_AND_FOUND]
    return sorted(names, key=lambda name: (_LAST.index(name) if name in _LAST else -1, name))


def read_text(path: str) -> str | None:
    """The content of a file, None where there is none.

    Bytes that are not UTF-8 survive being written back.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> CoordinatorError:
    """The error that says that a file or directory cannot be read by this user."""
    return CoordinatorError(
        f"{path} cannot be read: {error.strerror}; run as the owner of the instance, or let {user_name(os.getuid())} read it"
    )


def user_name(uid: int) -> str:
    """Name of a user, the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@dataclasses.dataclass(frozen=True)
class Files:
    """What is below a directory.

    :param bytes: that it takes, links not followed.
    :param unreadable: files and directories that this user cannot read, the first ones.
    """

    bytes: int
    unreadable: tuple[str, ...]


def read_tree(directory: str, without: t.Container[str] = (), count: int = 5) -> Files:
    """Observe what is below a directory.

    :param without: names of entries directly below the directory to leave out.
    :param count: how many that cannot be read are named.
    """
    total, unreadable, own = 0, [], os.getuid()

    def note(error: OSError) -> None:
        if isinstance(error, PermissionError):
            unreadable.append(error.filename)

    for top, names, files in os.walk(directory, onerror=note):
        if top == directory:
            names[:] = [name for name in names if name not in without]
            files = [name for name in files if name not in without]
        for name in files:
            path = os.path.join(top, name)
            try:
                seen = os.lstat(path)
            except FileNotFoundError:
                continue
            except PermissionError as error:
                note(error)
                continue
            total += seen.st_blocks * 512
            if not (seen.st_uid == own and seen.st_mode & stat.S_IRUSR) and stat.S_ISREG(seen.st_mode) and not os.access(path, os.R_OK):
                unreadable.append(path)
    return Files(total, tuple(unreadable[:count]))


def used_bytes(directory: str, without: t.Container[str] = ()) -> int:
    """Bytes that the files below a directory take, links not followed.

    :param without: names of entries directly below the directory to leave out.
    """
    return read_tree(directory, without).bytes


def free_bytes(directory: str) -> int:
    """Bytes that an unprivileged user can still write on the file system of a directory."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize
