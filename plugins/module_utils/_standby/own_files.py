# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a data directory holds beside what the engine keeps there by itself.

WAL does not carry it: a rewind removes what the source does not have, and a copy has the source's only. So it is taken out before, and
comes back: in its place where nothing of that name is there, set aside where something else is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import filecmp
import hashlib
import os
import shutil
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.file_kinds import ENGINES, OWN, classify

#: what an entry may be, see :class:`Entry`
FILE, LINK, FOLDER, CLOSED = "file", "link", "directory", "closed"

#: bytes up to which a file is copied where it is needed twice, and compared as a whole
SMALL = 1 << 20

#: bytes of each end of a file that are looked at to compare it with one of another host
LOOKED = 1 << 20


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file, a link, or a directory with nothing in it.

    :param kind: ``file``, ``link``, ``directory``, or ``closed`` for a directory that this user may not look into.
    :param size: bytes of a file.
    :param check: of a file, six hexadecimal digits to compare it by, of a large one of its ends; of a link, where it leads.
    """

    kind: str
    size: int = 0
    check: str = ""


_DIRECTORY = Entry(FOLDER)


def entries(directory: str, most: int | None = None) -> tuple[dict[str, Entry], list[str]]:
    """What a directory holds that is not the engine's own, files without their checks; sockets and the like are left out.

    :param most: entries that there may be directly in the directory, or below one in it; None: any number.
    :returns: by path relative to it; and what was not looked at, for there is more.
    """
    found: dict[str, Entry] = {}
    left_out: list[str] = []
    for number, top in enumerate(_names(directory) or ()):
        below = _look(directory, top, most) if most is None or number < most else None
        if below is None:
            left_out.append(top)
        else:
            found.update(below)
    return found, left_out


def _names(directory: str) -> list[str] | None:
    try:
        return sorted(name for name in os.listdir(directory) if classify(name).fate != ENGINES)
    except OSError:
        return None


def _look(directory: str, top: str, most: int | None) -> dict[str, Entry] | None:
    """An entry, and what is below it; None where that is too much."""
    found: dict[str, Entry] = {}
    waiting, seen = [top], 0
    while waiting:
        path = waiting.pop()
        place = os.path.join(directory, path)
        try:
            status = os.lstat(place)
            if stat.S_ISDIR(status.st_mode):
                names = sorted(os.listdir(place), reverse=True)
                seen += len(names)
                if most is not None and seen > most:
                    return None
                if not names:
                    found[path] = _DIRECTORY
                waiting += [os.path.join(path, name) for name in names]
            elif stat.S_ISLNK(status.st_mode):
                found[path] = Entry(LINK, 0, os.readlink(place))
            elif stat.S_ISREG(status.st_mode):
                found[path] = Entry(FILE, status.st_size)
        except FileNotFoundError:
            continue  # it went just now
        except OSError:
            found[path] = Entry(CLOSED)
    return found


def listing(directory: str) -> dict[str, Entry]:
    """What a directory holds that is not the engine's own, by path relative to it."""
    return {
        path: dataclasses.replace(entry, check=_check(os.path.join(directory, path))) if entry.kind == FILE else entry
        for path, entry in entries(directory)[0].items()
    }


def _check(path: str) -> str:
    """As of :func:`check_file`; empty where this user may not read it."""
    try:
        return check_file(path)
    except OSError:
        return ""


def check_of(*parts: bytes) -> str:
    """Six hexadecimal digits to compare something by: enough to see that it differs, too little to find out what it is."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:6]


def check_file(path: str) -> str:
    """The same of a file, of a large one of its ends.

    :raises OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(LOOKED)
        file.seek(max(len(head), os.fstat(file.fileno()).st_size - LOOKED))
        return check_of(head, file.read(LOOKED))


@dataclasses.dataclass(frozen=True)
class Fate:
    """What becomes of the files of a directory whose place is taken by what another one holds.

    :param kept: those that come into it: it has nothing of that name.
    :param differing: those that it has otherwise.
    """

    kept: list[str]
    differing: list[str]


def compare(own: t.Mapping[str, Entry], other: t.Mapping[str, Entry], same: t.Callable[[str], bool] = lambda path: True) -> Fate:
    """What becomes of the files of one directory beside those of another.

    :param own: the files in question.
    :param other: those that are there then.
    :param same: tells of two files that look alike whether they are.
    """
    kept: list[str] = []
    differing: list[str] = []
    directories = {parent for path in other for parent in _parents(path)}
    for path in sorted(own):
        entry, there = own[path], other.get(path, _DIRECTORY if path in directories else None)
        if there is None:
            blocked = any(other.get(parent, _DIRECTORY).kind != "directory" for parent in _parents(path))
            (differing if blocked else kept).append(path)
        elif entry.kind != "directory" and (entry != there or not same(path)):
            differing.append(path)
    return Fate(kept, differing)


def _parents(path: str) -> list[str]:
    """The directories that a path leads through, outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]


def foresee(own: t.Mapping[str, Entry], other: t.Mapping[str, Entry], rewound: bool) -> Fate:
    """What will become of the files of a standby that is to be, by what both hosts show.

    :param own: its files.
    :param other: the primary's.
    :param rewound: whether it keeps its configuration, as over a rewind; else it gets the primary's.
    """
    found = compare(own, other)
    if rewound:
        return Fate(found.kept, [path for path in found.differing if classify(path).fate != OWN])
    return found


def lost(own: t.Mapping[str, Entry], other: t.Mapping[str, Entry]) -> list[str]:
    """Files that would be gone with a standby: that only it has, or has otherwise than the primary, its configuration apart.

    :param own: its files.
    :param other: the primary's.
    """
    fate = foresee(own, other, rewound=True)
    return sorted(fate.kept + fate.differing)


def named(paths: t.Sequence[str], most: int = 20) -> str:
    """Paths for people: each one, or, of many, what is in a directory together."""
    if len(paths) <= most:
        return ", ".join(paths)
    together: dict[str, int] = {}
    for path in paths:
        top = path.split("/")[0] + ("/" if "/" in path else "")
        together[top] = together.get(top, 0) + 1
    said = [f"{top} ({number} files)" if top.endswith("/") else top for top, number in together.items()]
    return ", ".join([*said[:most], *([f"and {len(said) - most} more"] if len(said) > most else [])])


def _same(first: str, second: str) -> t.Callable[[str], bool]:
    """Whether files of two directories are alike, byte for byte."""

    def same(path: str) -> bool:
        one, other = os.path.join(first, path), os.path.join(second, path)
        try:
            return not os.path.isfile(one) or filecmp.cmp(one, other, shallow=False)
        except OSError:
            return False

    return same


def differing(own: str, other: str) -> Fate:
    """What becomes of the files of a directory beside those of another one on this host."""
    return compare(listing(own), listing(other), _same(own, other))


def _make_parents(old: str, new: str, path: str) -> None:
    """Make the directories that a path leads through, as they are below the old one."""
    for parent in _parents(path):
        place = os.path.join(new, parent)
        if not os.path.isdir(place):
            os.mkdir(place, stat.S_IMODE(os.stat(os.path.join(old, parent)).st_mode))


def _is_small(path: str) -> bool:
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and status.st_size <= SMALL


def carry(old: str, new: str) -> dict[str, list[str]]:
    """Let a copy of the primary have what only the instance has whose place it takes; both are on one file system.

    Small files are copied. A large one is linked: then it takes no space, and the copying can be begun again.

    :param old: its data directory.
    :param new: the copy's.
    :returns: ``kept``, the paths that the copy has now, and ``differing``, those that stay in the old one alone.
    """
    own = listing(old)
    fate = compare(own, listing(new), _same(old, new))
    kept, left = [], list(fate.differing)
    for path in fate.kept:
        try:
            _make_parents(old, new, path)
            _double(own[path].kind, os.path.join(old, path), os.path.join(new, path))
        except OSError:  # what cannot be read is kept where it is
            left.append(path)
        else:
            kept.append(path)
    return {"kept": kept, "differing": sorted(left)}


def _double(kind: str, source: str, target: str) -> None:
    """Let a file, a link or an empty directory be in a second place.

    :raises OSError: it cannot be read.
    """
    if kind == "closed":
        raise PermissionError(source)
    if kind == "link":
        os.symlink(os.readlink(source), target)
    elif kind == "directory":
        os.mkdir(target, stat.S_IMODE(os.stat(source).st_mode))
    elif _is_small(source):
        _copy(source, target)
    else:
        try:
            os.link(source, target)
        except OSError:
            _copy(source, target)


def _copy(source: str, target: str) -> None:
    try:
        shutil.copy2(source, target)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        raise


def take_out(directory: str, kept: str) -> None:
    """Take what is not the engine's own out of a data directory.

    What is small stays there too, as a copy: the engine reads its configuration, and what that includes, when it recovers.

    :param kept: where it is put, on the same file system.
    :raises OSError: something cannot be moved.
    """
    os.mkdir(kept, 0o700)
    for path, entry in listing(directory).items():
        source, target = os.path.join(directory, path), os.path.join(kept, path)
        _make_parents(directory, kept, path)
        if entry.kind == "directory":
            os.mkdir(target, stat.S_IMODE(os.stat(source).st_mode))
        elif _is_small(source) and os.access(source, os.R_OK):
            shutil.copy2(source, target)
        else:
            os.rename(source, target)


def give_back(kept: str, directory: str, aside: str) -> dict[str, t.Any]:
    """Give what was taken out back to a directory that was rewound: its configuration is its own, whatever the source has.

    :param kept: where it was put.
    :param aside: directory for what is there otherwise now.
    :returns: ``kept``, those that only it had, ``set_aside``, those that were there otherwise, and ``set_aside_in``, the directory where
        they are, None without any.
    """
    fate = differing(kept, directory)
    moved = []
    for path in listing(kept):
        source, target = os.path.join(kept, path), os.path.join(directory, path)
        if path in fate.kept or (path in fate.differing and classify(path).fate == OWN and _is_plain(directory, path)):
            _make_parents(kept, directory, path)
            if os.path.isdir(source) and not os.path.islink(source):
                os.mkdir(target, stat.S_IMODE(os.stat(source).st_mode))
            else:
                os.replace(source, target)
        elif path in fate.differing:
            os.makedirs(aside, mode=0o700, exist_ok=True)
            _make_parents(kept, aside, path)
            os.rename(source, os.path.join(aside, path))
            moved.append(path)
    _remove_rest(kept)
    return {"kept": fate.kept, "set_aside": moved, "set_aside_in": aside if moved else None}


def _is_plain(directory: str, path: str) -> bool:
    """Whether a file or link can take the place of what is there."""
    parents = [os.path.join(directory, parent) for parent in _parents(path)]
    place = os.path.join(directory, path)
    return all(os.path.isdir(parent) and not os.path.islink(parent) for parent in parents) and (
        os.path.islink(place) or not os.path.isdir(place)
    )


def put_back(kept: str, directory: str) -> None:
    """Put everything that was taken out back, as it was; what is in its way keeps its name with an addition.

    :param kept: where it was put; nothing is done where it is not there.
    :raises CoordinatorError: that cannot be done; what was not put back is still there.
    """
    if not os.path.isdir(kept):
        return
    try:
        for path, entry in listing(kept).items():
            target = os.path.join(directory, path)
            for step in [*_parents(path), *([] if entry.kind != "directory" else [path])]:
                _clear(os.path.join(directory, step), directory=True)
            _make_parents(kept, directory, path)
            if entry.kind == "directory":
                with contextlib.suppress(FileExistsError):
                    os.mkdir(target)
            else:
                _clear(target, directory=False)
                os.replace(os.path.join(kept, path), target)
    except OSError as error:
        raise CoordinatorError(f"what is in {kept} belongs into {directory} and cannot be put there: {error}; do it by hand") from error
    _remove_rest(kept)


def _clear(path: str, directory: bool) -> None:
    """Move away what the source had under a name, where that is no directory and one is to be there, or the other way round."""
    is_directory = os.path.isdir(path) and not os.path.islink(path)
    if os.path.lexists(path) and is_directory != directory and (directory or is_directory):
        os.rename(path, f"{path}.of_the_primary")


def _remove_rest(kept: str) -> None:
    """Remove what is left of a directory of what was taken out: what is elsewhere by now; what was not looked at stays."""
    for path, entry in listing(kept).items():
        if entry.kind != "directory":
            os.unlink(os.path.join(kept, path))
    for top, _names, _files in os.walk(kept, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(top)
