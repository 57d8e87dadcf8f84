# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Values that a file or another host tells, as they enter: each is of the form that is asked for, or refused by a ValueError.

A dataclass is written by :func:`dataclasses.asdict`, and read again by :func:`parse`, by its annotations. No code behind takes a number
that is none, such as NaN, which compares with nothing, or a name with a line break in it.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import os
import re
import sys
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


def flag(value: t.Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r:.200} is neither true nor false")
    return value


def real(value: t.Any) -> float:
    """A number that JSON can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{value!r:.200} is no number")
    return float(value)


def digits(text: str) -> int | None:
    """The number that a text says by digits alone; None where it is anything else.

    Python takes the digits of all scripts for digits, some that are no numbers among them.
    """
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def port_in(text: str) -> int | None:
    """The port that a text says; None where it says none."""
    found = digits(text)
    return found if found is not None and 0 < found < 65536 else None


Form = t.Callable[[t.Any], t.Any]
T = t.TypeVar("T")

# What annotations of dataclasses say beside the types that they are for all others.
Name = str
Path = str
Address = str
Position = str
Positive = int
Port = int
Seconds = float

_FORMS: dict[str, Form] = {
    "Any": lambda value: value,
    "str": text,
    "int": number,
    "float": real,
    "bool": flag,
    "Name": name,
    "Path": path,
    "Address": address,
    "Position": lsn,
    "Positive": positive,
    "Port": port,
    "Seconds": seconds,
}


def parse(kind: type[T], value: t.Any) -> T:
    """The dataclass that an object of JSON was made from. Fields with a default may be missing, unknown ones are left out.

    :raises ValueError: a value in it is not of its form.
    """
    return t.cast(T, form_of(t.cast(t.Hashable, kind))(value))


@functools.lru_cache(maxsize=None)
def form_of(kind: t.Any) -> Form:
    """The form of a dataclass."""
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    bases = [base for base in reversed(kind.__mro__) if dataclasses.is_dataclass(base)]
    owners = {known: next(base for base in bases if known in base.__dataclass_fields__) for known in fields}
    forms = {known: _of_annotation(str(field.type), owners[known].__module__) for known, field in fields.items()}
    required = [known for known, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING]

    def read(value: t.Any) -> t.Any:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r:.200} is no object")
        missing = [known for known in required if known not in value]
        if missing:
            raise ValueError(f"{', '.join(missing)} is missing")
        return kind(**{known: _field(known, form, value[known]) for known, form in forms.items() if known in value})

    return read


def _field(known: str, form: Form, value: t.Any) -> t.Any:
    try:
        return form(value)
    except ValueError as error:
        raise ValueError(f"{known if known.isprintable() else repr(known):.200}: {error}") from error


def _of_annotation(annotation: str, module: str) -> Form:
    """The form that an annotation says, as the module has its names. Python before 3.10 cannot evaluate all of them."""
    return _of_node(ast.parse(annotation, mode="eval").body, vars(sys.modules[module]))


def _of_node(node: t.Any, names: t.Mapping[str, t.Any]) -> Form:
    if isinstance(node, ast.BinOp):  # always "… | None"
        return _optional(_of_node(node.left, names))
    if isinstance(node, ast.Subscript):
        inner = getattr(node.slice, "value", node.slice) if type(node.slice).__name__ == "Index" else node.slice  # Python 3.8 wraps it
        parts = [_of_node(part, names) for part in getattr(inner, "elts", [inner]) if getattr(part, "value", None) is not ...]
        container = getattr(node.value, "attr", getattr(node.value, "id", ""))
        if container in ("Mapping", "dict"):
            return _mapping(*parts)
        return _several(parts) if container == "tuple" and len(parts) == len(getattr(inner, "elts", ())) else _many(parts[0], container)
    word = getattr(node, "attr", getattr(node, "id", ""))
    if word in _FORMS:
        return _FORMS[word]
    known = names[word] if isinstance(node, ast.Name) else getattr(names[node.value.id], word)
    return form_of(t.cast(t.Hashable, known)) if dataclasses.is_dataclass(known) else _one_of(t.get_args(known))


def _optional(form: Form) -> Form:
    return lambda value: None if value is None else form(value)


def _one_of(words: tuple[str, ...]) -> Form:
    def word(value: t.Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r:.200} is none of {', '.join(words)}")
        return str(value)

    return word


def _list(value: t.Any) -> t.Sequence[t.Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{value!r:.200} is no list")
    return value


def _many(form: Form, container: str) -> Form:
    made = tuple if container == "tuple" else list
    return lambda value: made(form(one) for one in _list(value))


def _several(forms: t.Sequence[Form]) -> Form:
    def values(value: t.Any) -> tuple[t.Any, ...]:
        if len(_list(value)) != len(forms):
            raise ValueError(f"{value!r:.200} has not {len(forms)} values")
        return tuple(form(one) for form, one in zip(forms, value))

    return values


def _mapping(key: Form, form: Form) -> Form:
    def values(value: t.Any) -> dict[t.Any, t.Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r:.200} is no object")
        return {key(known): _field(known, form, one) for known, one in value.items()}

    return values
