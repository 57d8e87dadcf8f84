# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Values that a file or another host tells, as they enter: each is of the form that is asked for, or refused by a ValueError.

No code behind takes a number that is none, such as NaN, which compares with nothing, or a name with a line break in it.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn

#: the last time that can be told, in seconds since the epoch: before the year 9000, so that it can be shown as a date
LATEST = 220e9

#: characters that a name or a path has at most
_LONGEST = 4096


def text(value: t.Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.200} is no text")
    return value


def name(value: t.Any) -> str:
    """A name or a word: text of one line that can be printed."""
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > _LONGEST:
        raise ValueError(f"{value!r:.200} is no name")
    return value


def path(value: t.Any) -> str:
    """An absolute path."""
    if not os.path.isabs(name(value)):
        raise ValueError(f"{value!r:.200} is no absolute path")
    return str(value)


def address(value: t.Any) -> str:
    """An address of one host, in the one way to write it."""
    try:
        return parse_address(name(value))
    except ValueError as error:
        raise ValueError(f"{value!r:.200} is no address of one host") from error


def number(value: t.Any) -> int:
    """A whole number of 64 bits; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >> 63:
        raise ValueError(f"{value!r:.200} is no whole number")
    return value


def positive(value: t.Any) -> int:
    """A whole number from 1 on."""
    if number(value) < 1:
        raise ValueError(f"{value!r:.200} is not positive")
    return int(value)


def port(value: t.Any) -> int:
    """A port of TCP."""
    if not 0 < number(value) < 65536:
        raise ValueError(f"{value!r:.200} is no port")
    return int(value)


def seconds(value: t.Any) -> float:
    """A time, or how long something takes."""
    # NaN is within nothing, and a large whole number no float
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LATEST:
        raise ValueError(f"{value!r:.200} is no time in seconds")
    return float(value)


def lsn(value: t.Any) -> str:
    """A position in the write-ahead log."""
    try:
        Lsn.parse(name(value))
    except CoordinatorError as error:
        raise ValueError(error.message) from error
    return str(value)


Form = t.Callable[[t.Any], t.Any]


def fields(value: t.Any, forms: t.Mapping[str, Form], further: t.Mapping[str, Form] | None = None) -> dict[str, t.Any]:
    """The fields of an object, each of its form; all others are left out.

    :param forms: by name, what makes a field's value of what is told.
    :param further: the same of fields that may be missing.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.200} is no object")
    missing = [known for known in forms if known not in value]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    return {known: _field(known, form, value[known]) for known, form in {**forms, **(further or {})}.items() if known in value}


def _field(known: str, form: Form, value: t.Any) -> t.Any:
    try:
        return form(value)
    except ValueError as error:
        raise ValueError(f"{known}: {error}") from error


def flag(value: t.Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r:.200} is neither true nor false")
    return value


def optional(form: Form) -> Form:
    """The form of a value that may be None."""
    return lambda value: None if value is None else form(value)


def one_of(*words: str) -> Form:
    """The form of a word of which there are some only."""

    def word(value: t.Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r:.200} is none of {', '.join(words)}")
        return str(value)

    return word


def many(form: Form) -> Form:
    """The form of a list of values."""

    def values(value: t.Any) -> list[t.Any]:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{value!r:.200} is no list")
        return [form(one) for one in value]

    return values
