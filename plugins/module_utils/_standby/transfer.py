# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Bringing settings and files that WAL does not carry from one coordinator's host to the other's.

They are packed on the one and put in place on the other. What the engine there makes of them is asked before it is told: where it
cannot read them, or does not start with them, everything is put back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import stat
import tarfile
import time
import typing as t
import zlib

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.standby import wait_streaming

#: how often a file is read that changes meanwhile
_TRIES = 5

#: bytes of all files together that are brought at once
_MOST_IN_ALL = 4 * drift.MOST_BYTES

#: bytes of an archive of them: the headers, too
_MOST_UNPACKED = _MOST_IN_ALL + (16 << 20)


def pack(data_directory: str, names: t.Sequence[str]) -> tuple[bytes, list[str]]:
    """Pack files of a data directory.

    :param names: their paths relative to it; one that is gone is left out.
    :returns: a compressed archive, and the paths that are in it.
    :raises CoordinatorError: one cannot be read, is too large, or changes all the time.
    """
    packed = io.BytesIO()
    done: list[str] = []
    total = 0
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in names:
            found = _read(os.path.join(data_directory, _inside(name)))
            if found is None:
                continue
            content, status = found
            total += len(content)
            if total > _MOST_IN_ALL:
                raise CoordinatorError(
                    f"the files to be brought from {data_directory} have more than {_MOST_IN_ALL >> 20} MiB: copy {name}"
                )
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), stat.S_IMODE(status.st_mode), int(status.st_mtime)
            archive.addfile(entry, io.BytesIO(content))
            done.append(name)
    return packed.getvalue(), done


def _inside(name: str) -> str:
    """The path, if it stays in the directory that it is relative to.

    :raises CoordinatorError: it does not.
    """
    if os.path.isabs(name) or ".." in name.split("/"):
        raise CoordinatorError(f"{name} is not a path in a data directory")
    return name


def _read(path: str) -> tuple[bytes, os.stat_result] | None:
    """The content of a file as it was at one moment; None where there is none.

    :raises CoordinatorError: it cannot be read, is too large, or changes all the time.
    """
    try:
        for _dummy in range(_TRIES):
            with open(path, "rb") as file:
                before = os.fstat(file.fileno())
                if before.st_size > drift.MOST_BYTES:
                    raise CoordinatorError(f"{path} has more than {drift.MOST_BYTES >> 20} MiB: copy it by hand")
                content = file.read()
            after = os.stat(path)
            if (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, len(content), after.st_mtime_ns):
                return content, after
            time.sleep(0.05)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CoordinatorError(f"{path} cannot be read: {error.strerror}") from error
    raise CoordinatorError(f"{path} changes while it is read: run this again when that is over")


@dataclasses.dataclass(frozen=True)
class Packed:
    """A file of an archive.

    :param text: its content; bytes that are not UTF-8 are kept.
    :param mode: its mode.
    :param changed: when it changed, in seconds since the epoch.
    """

    text: str = dataclasses.field(repr=False)
    mode: int
    changed: float


def unpack(archive: bytes) -> dict[str, Packed]:
    """The files of an archive of :func:`pack`, by path.

    :raises CoordinatorError: it is none, or holds more than one may.
    """
    found: dict[str, Packed] = {}
    try:
        plain = zlib.decompressobj(wbits=31)
        unpacked = plain.decompress(archive, _MOST_UNPACKED)
        if not plain.eof:
            raise CoordinatorError(f"the archive of files is cut off, or has more than {_MOST_UNPACKED >> 20} MiB")
        left = _MOST_IN_ALL
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as opened:
            for entry in opened:
                content = opened.extractfile(entry) if entry.isreg() and not entry.issparse() else None
                if content is None or entry.name in found:
                    raise CoordinatorError(f"the archive holds {entry.name!r}, which is no file: it was not made by this collection")
                left -= entry.size
                if left < 0:
                    raise CoordinatorError(f"the archive of files holds more than {_MOST_IN_ALL >> 20} MiB")
                found[_inside(entry.name)] = Packed(content.read().decode("utf-8", "surrogateescape"), entry.mode & 0o777, entry.mtime)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise CoordinatorError(f"the archive of files cannot be read: {error}") from error
    return found


@dataclasses.dataclass(frozen=True)
class Receiver:
    """An instance that files are brought to.

    :param instance: the instance.
    :param texts: by path, the content of those files that it has; None where it has none.
    :param newer: paths of those that changed after the other's.
    :param restarting: names of settings that change by a restart only.
    """

    instance: Instance
    texts: t.Mapping[str, str | None] = dataclasses.field(repr=False)
    newer: frozenset[str] = frozenset()
    restarting: frozenset[str] = frozenset()


def observe(host: Host, data_directory: str, files: t.Mapping[str, Packed]) -> Receiver:
    """Observe the instance, and what it has of these files.

    :raises CoordinatorError: something cannot be read by this user.
    """
    found = read_instance(host, data_directory)
    if found.directory_state != "instance":
        raise CoordinatorError(f"{data_directory} holds no instance ({found.directory_state}): correct data_directory")
    texts, newer = {}, set()
    for name, file in files.items():
        path = os.path.join(found.data_directory, name)
        texts[name] = read_text(path)
        if texts[name] is not None and os.stat(path).st_mtime > file.changed + 1:
            newer.add(name)
    running = found.postmaster is not None and any(name in drift.SETTINGS for name in files)
    return Receiver(found, texts, frozenset(newer), restart_settings(host) if running else frozenset())


def restart_settings(host: Host) -> frozenset[str]:
    """Names of the settings that an instance takes when it starts, by the engine itself; it leaves out some that nobody changes."""
    lines = (line.split("\t") for line in host.run("postgres", "--describe-config").splitlines())
    return frozenset(fields[0].lower() for fields in lines if len(fields) > 1 and fields[1].lower() == "postmaster")


@dataclasses.dataclass(frozen=True)
class Change:
    """A file that is written.

    :param name: its path.
    :param text: its content.
    :param mode: its mode.
    :param changed: when it changed on the other host.
    :param before: what is there; None where nothing is.
    :param keep: whether that is kept aside.
    """

    name: str
    text: str = dataclasses.field(repr=False)
    mode: int
    changed: float
    before: str | None = dataclasses.field(repr=False)
    keep: bool


def changes(found: Receiver, files: t.Mapping[str, Packed], accepted: t.Sequence[str], keep: bool) -> list[Change]:
    """The files that have to be written.

    :param accepted: names of settings that keep their values, as patterns.
    :param keep: whether whatever is replaced is kept aside, if something of it is lost; else what is newer than the other's.
    """
    needed = []
    for name, file in files.items():
        before = found.texts[name]
        merged = name in drift.SETTINGS or name in drift.RECORDS
        text = drift.merge(name, file.text, before or "", accepted) if merged else file.text
        if before is None or not _same(name, before, text):
            lost = before is not None and (keep or name in found.newer) and (not merged or drift.loses(before, text))
            needed.append(Change(name, text, file.mode, file.changed, before, lost))
    return needed


def _same(name: str, one: str, other: str) -> bool:
    if name in drift.SETTINGS:
        return drift.read_meaning(one) == drift.read_meaning(other)
    if name in drift.RECORDS:
        return drift.records(one) == drift.records(other)
    return one == other


def plan(found: Receiver, needed: t.Sequence[Change], restart: bool) -> list[Step]:
    """The steps after which the instance has the files, and goes by them.

    :param restart: whether a standby may be restarted for a setting that changes by that only.
    """
    if not needed:
        return []
    keeping = [Step("keep")] if any(change.keep for change in needed) else []
    if found.instance.postmaster is None:
        return [*keeping, Step("write")]
    if restart and found.instance.role == "standby" and restarts(found, needed):
        return [*keeping, Step("write"), Step("restart")]
    return [*keeping, Step("write"), Step("reload")]


def restarts(found: Receiver, needed: t.Sequence[Change]) -> list[str]:
    """Names of the settings among the changes that a running instance takes by a restart only."""
    names = {
        name for change in needed if change.name in drift.SETTINGS for name in drift.changed_settings(change.before or "", change.text)
    }
    return sorted(names & found.restarting)


class Transfer:
    """The steps, carried out.

    :param host: this host.
    :param found: the instance, as it was observed.
    :param needed: the files to be written.
    :param timeout: seconds that a standby which streamed has to stream again.
    """

    def __init__(self, host: Host, found: Receiver, needed: t.Sequence[Change], timeout: float) -> None:
        self._host = host
        self._instance = found.instance
        self._needed = needed
        self._restarts = restarts(found, needed)
        self._timeout = timeout
        self._made: list[str] = []
        self._were: dict[str, os.stat_result] = {}

    def _path(self, name: str) -> str:
        return os.path.join(self._instance.data_directory, name)

    def keep(self) -> dict[str, t.Any]:
        """Keep what is replaced beside the data directory."""
        place = os.path.realpath(self._instance.data_directory) + aside.suffix("replaced", time.time())
        kept = []
        for change in self._needed:
            if change.keep:
                path = os.path.join(place, change.name)
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                self._host.write(path, change.before or "", stat.S_IMODE(os.stat(self._path(change.name)).st_mode))
                kept.append(path)
        return {"kept": kept}

    def write(self) -> dict[str, t.Any]:
        """Write the files, and ask the engine what it makes of them.

        :raises CoordinatorError: it can make nothing of them, or one cannot be written; all is as it was.
        """
        try:
            for change in self._needed:
                self._write(change)
            self._check()
        except (CoordinatorError, OSError) as error:
            self._put_back()
            why = error.message if isinstance(error, CoordinatorError) else str(error)
            raise CoordinatorError(
                f"what {self._instance.data_directory} was to get from the other coordinator could not be put in place: {why}. It has what "
                "it had; mend that on both hosts, or accept the difference by standby_accepted_drift"
            ) from error
        return {"brought": [change.name for change in self._needed], "restart_needed": []}

    def _write(self, change: Change) -> None:
        path = os.path.realpath(self._path(change.name))
        missing, parent = [], os.path.dirname(path)
        while not os.path.isdir(parent):
            missing.append(parent)
            parent = os.path.dirname(parent)
        for directory in reversed(missing):
            os.mkdir(directory, stat.S_IMODE(os.stat(self._instance.data_directory).st_mode))
            self._made.append(directory)
        if change.before is not None:
            self._were[change.name] = os.stat(path)
        self._host.write(path, change.text, change.mode)
        with contextlib.suppress(OSError):
            os.utime(path, (change.changed, change.changed))

    def _check(self) -> None:
        """See that the engine can read its settings, and the files that they name.

        :raises CoordinatorError: it cannot.
        """
        if not any(change.name in drift.SETTINGS or change.name.endswith(".conf") for change in self._needed):
            return
        if self._ask("ssl") != "on":
            return
        for setting in ("ssl_cert_file", "ssl_key_file"):
            path = os.path.join(self._instance.data_directory, self._ask(setting))
            if not os.access(path, os.R_OK):
                raise CoordinatorError(f"ssl is on, and {setting} names {path}, which is not there or cannot be read")

    def _ask(self, setting: str) -> str:
        return self._host.run("postgres", "-D", self._instance.data_directory, "-C", setting).strip()

    def _put_back(self) -> None:
        for change in self._needed:
            path = os.path.realpath(self._path(change.name))
            if change.before is not None:
                if change.name in self._were:
                    was = self._were[change.name]
                    self._host.write(path, change.before, stat.S_IMODE(was.st_mode))
                    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(directory)

    def reload(self) -> dict[str, t.Any]:
        """Let the running instance go by them."""
        instance.reload(self._instance.data_directory)
        return {"restart_needed": self._restarts}

    def restart(self) -> None:
        """Restart the standby, for what changes by that only.

        :raises CoordinatorError: it did not start with them; all is as it was, and it was started so.
        """
        where, port = self._instance.data_directory, self._instance.port or 0
        streamed = self._instance.postmaster is not None and bool(self._instance.postmaster.connected)
        instance.stop(self._host, where)
        try:
            instance.start(self._host, where, port)
        except CoordinatorError as error:
            self._put_back()
            instance.start(self._host, where, port)
            raise CoordinatorError(
                f"{error.message}: with what it was to get from the other coordinator ({', '.join(self._restarts)}). It was started with "
                "what it had; mend that on both hosts, or accept the difference by standby_accepted_drift"
            ) from error
        if streamed:
            wait_streaming(where, self._timeout)
