# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's configuration files: lines of ``name = 'value'``."""

from __future__ import annotations

import re
import typing as t

_SETTING = re.compile(
    r"""^[ \t]*(?P<name>[A-Za-z_][\w.]*)[ \t]*(?:=[ \t]*|[ \t])(?P<value>'(?:[^'\\]|''|\\.)*'|[^\s#']+)[ \t]*(?:\#.*)?$"""
)
_DIRECTIVES = frozenset({"include", "include_if_exists", "include_dir"})


def _unquote(value: str) -> str:
    if not value.startswith("'"):
        return value
    return re.sub(r"''|\\(.)", lambda match: match.group(1) or "'", value[1:-1])


def _quote(value: str) -> str:
    if value.isdigit():
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _setting(line: str) -> tuple[str, str] | None:
    match = _SETTING.match(line)
    if match is None or match.group("name").lower() in _DIRECTIVES:
        return None
    return match.group("name").lower(), _unquote(match.group("value"))


def read_settings(text: str) -> dict[str, str]:
    """The settings of a ``postgresql.conf``-like file; of several lines for one name the last counts, as for the engine.

    Included files are not followed.
    """
    return dict(found for found in map(_setting, text.splitlines()) if found is not None)


def read_includes(text: str) -> list[tuple[str, str]]:
    """The directives of a ``postgresql.conf`` that include others, each with the file or directory that it names."""
    matches = filter(None, map(_SETTING.match, text.splitlines()))
    found = ((match.group("name").lower(), _unquote(match.group("value"))) for match in matches)
    return [(directive, path) for directive, path in found if directive in _DIRECTIVES]


def change_settings(text: str, changes: t.Mapping[str, str | None]) -> str:
    """The text with those settings changed, every other line as it was.

    :param changes: by name the value wanted; None removes the setting. A setting that is there keeps its last line's
        place, one that is not is added at the end.
    """
    lines = text.splitlines(keepends=True)
    missing = dict(changes)
    for index in reversed(range(len(lines))):
        found = _setting(lines[index].rstrip("\r\n"))
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


_BEGIN, _END = "# BEGIN warehousepg.coordinator fence", "# END warehousepg.coordinator fence"
_FENCE = re.compile(rf"^{_BEGIN}\n.*?^{_END}\n?", re.MULTILINE | re.DOTALL)
_FENCE_INCLUDE = re.compile(r"^include = '(FENCED_[^']+)'$", re.MULTILINE)


def include_name(new_primary: str) -> str:
    """The name of the file that a fenced configuration includes and that is never there: whoever starts the instance reads it."""
    return f"FENCED_{re.sub(r'[^A-Za-z0-9.-]', '_', new_primary)}_is_primary.conf"


def fenced_by(text: str) -> str | None:
    """The name of the include that fences the instance with this ``postgresql.conf``, None without a fence."""
    block = _FENCE.search(text)
    include = _FENCE_INCLUDE.search(block.group()) if block else None
    return include.group(1) if include else None


def change_fence(text: str, include: str | None) -> str:
    """The text of ``postgresql.conf`` fenced by that include, every other line as it was; None lifts the fence."""
    bare = _FENCE.sub("", text)
    if include is None:
        return bare
    newline = "" if bare.endswith("\n") or not bare else "\n"
    reason = "# The coordinator of this cluster is elsewhere now. A start of this one would make a second primary."
    return f"{bare}{newline}{_BEGIN}\n{reason}\ninclude = '{include}'\n{_END}\n"
