# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The engine's configuration files: lines of ``name = 'value'``."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import read_text

# as the engine reads a line (guc-file.l), which takes a carriage return for a blank
_SETTING = re.compile(
    r"""[ \t\r]* (?P<name>[A-Za-z_][\w.]*) (?:[ \t\r]*=[ \t\r]* | [ \t\r]+ | (?='))
    (?P<value>'(?:[^'\\\n]|''|\\[^\n])*' | [^ \t\r\n\v\f#']+) [ \t\r]* (?:\#[^\n]*)? \n?""",
    re.VERBOSE,
)
#: what letters behind a backslash stand for, beside themselves (GUC_scanstr)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPED = {"\\": "\\\\", "'": "''", "\n": "\\n", "\r": "\\r"}
_DIRECTIVES = frozenset({"include", "include_if_exists", "include_dir"})


def _unquote(value: str) -> str:
    if not value.startswith("'"):
        return value
    plain = re.sub(r"''|\\([0-7]{1,3}|.)", _unescaped, value[1:-1])
    return plain.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape is None:
        return "'"
    if escape[0] in "01234567":  # a byte, maybe only a part of a letter
        return bytes([int(escape, 8) & 0xFF]).decode("ascii", "surrogateescape")
    return _ESCAPES.get(escape, escape)


def _quote(value: str) -> str:
    if digits(value) is not None:
        return value
    return "'" + "".join(_ESCAPED.get(letter, letter) for letter in value) + "'"


def _setting(line: str) -> tuple[str, str] | None:
    match = _SETTING.fullmatch(line)
    if match is None or match.group("name").lower() in _DIRECTIVES:
        return None
    return match.group("name").lower(), _unquote(match.group("value"))


def read_settings(text: str) -> dict[str, str]:
    """The settings of a ``postgresql.conf``-like file; of several lines for one name the last counts, as for the engine.

    Included files are not followed.
    """
    return dict(found for found in map(_setting, marked.lines_of(text)) if found is not None)


def read_includes(text: str) -> list[tuple[str, str]]:
    """The directives of a ``postgresql.conf`` that include others, each with the file or directory that it names."""
    matches = filter(None, map(_SETTING.fullmatch, marked.lines_of(text)))
    found = ((match.group("name").lower(), _unquote(match.group("value"))) for match in matches)
    return [(directive, path) for directive, path in found if directive in _DIRECTIVES]


def change_settings(text: str, changes: t.Mapping[str, str | None]) -> str:
    """The text with those settings changed, every other line as it was.

    :param changes: by name the value desired; None removes the setting. A setting that is there keeps its last line's
        place, one that is not is added at the end.
    :raises CoordinatorError: a configuration file cannot hold a value.
    """
    for name, value in changes.items():
        if value is not None and not _can_be_held(value):
            raise CoordinatorError(f"the setting {name} is to be {value!r:.200}: give a text without null bytes and halves of characters")
    lines = marked.lines_of(text)
    missing = dict(changes)
    for index in reversed(range(len(lines))):
        found = _setting(lines[index])
        if found is None or found[0] not in changes:
            continue
        value = missing.pop(found[0], None)
        if value is None:
            del lines[index]
        elif found[1] != value:
            lines[index] = f"{found[0]} = {_quote(value)}\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join(lines) + "".join(f"{name} = {_quote(value)}\n" for name, value in missing.items() if value is not None)


def _can_be_held(value: str) -> bool:
    try:
        return b"\0" not in value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False


@dataclasses.dataclass(frozen=True)
class Setting:
    """A setting of a configuration file.

    :param value: its value.
    :param where: the file, relative to the data directory where it is in it, and the line.
    """

    value: str
    where: str


@dataclasses.dataclass(frozen=True)
class Include:
    """A file or directory that a configuration file includes.

    :param path: its path.
    :param kind: the directive.
    :param where: as of a :class:`Setting`.
    :param absolute: whether it is named by an absolute path.
    """

    path: str
    kind: str
    where: str
    absolute: bool = False


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What the configuration files of an instance say, those that they include too.

    :param settings: by name the line that counts.
    :param includes: what is included, whether it is there or not.
    """

    settings: t.Mapping[str, Setting]
    includes: tuple[Include, ...]


#: how deep the engine follows includes (guc-file.l)
_DEPTH = 10


def read_configuration(data_directory: str) -> Configuration:
    """The configuration of an instance by its files, as it will be when it starts; ``ALTER SYSTEM`` has the last word."""
    settings: dict[str, Setting] = {}
    includes: list[Include] = []

    def read(path: str, depth: int) -> None:
        try:
            text = read_text(path)
        except CoordinatorError:  # it is among the includes, and whoever starts the engine may see what it says
            return
        name = os.path.relpath(path, data_directory) if path.startswith(data_directory.rstrip("/") + "/") else path
        for number, line in enumerate(marked.lines_of(text or ""), 1):
            match = _SETTING.fullmatch(line)
            if match is None:
                continue
            word, value, where = match.group("name").lower(), _unquote(match.group("value")), f"{name}, line {number}"
            if word not in _DIRECTIVES:
                settings[word] = Setting(value, where)
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(path), value))
            includes.append(Include(target, word, where, os.path.isabs(value)))
            if depth < _DEPTH:
                for file in _files_of(target) if word == "include_dir" else [target]:
                    read(file, depth + 1)

    for name in ("postgresql.conf", "postgresql.auto.conf"):
        read(os.path.join(data_directory, name), 0)
    return Configuration(settings, tuple(includes))


def _files_of(directory: str) -> list[str]:
    """The files that ``include_dir`` reads, in its order."""
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".conf") and not name.startswith("."))
    except OSError:
        return []
    return [path for path in (os.path.join(directory, name) for name in names) if not os.path.isdir(path)]


_START_BLOCK = f"{marked.COLLECTION} fence"
_START_BLOCK_INCLUDE = re.compile(r"^include = '(FENCED_[^']+)'$", re.MULTILINE)


def include_name(new_primary: str) -> str:
    """The name of the file, FENCED_…, that a start-blocked configuration includes and that is never there: a start fails and shows it."""
    return f"FENCED_{re.sub(r'[^A-Za-z0-9.-]', '_', new_primary)}_is_primary.conf"


def start_block_of(text: str) -> str | None:
    """The name of the include that start-blocks the instance with this ``postgresql.conf``, None without one."""
    block = marked.find(text, _START_BLOCK)
    include = _START_BLOCK_INCLUDE.search("\n".join(block.lines)) if block else None
    return include.group(1) if include else None


def change_start_block(text: str, include: str | None) -> str:
    """The text of ``postgresql.conf`` start-blocked by that include, every other line as it was; None lifts the start block."""
    reason = "# The coordinator of this cluster is elsewhere now. A start of this one would make a second primary."
    return marked.change(text, _START_BLOCK, [reason, f"include = '{include}'"] if include else [], last=True)
