# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import ipaddress
import json
import math
import os
import re
import shutil
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import Lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.maintenance import Mark
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import Loss
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.registry import FILTERS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.segment_fence import Fence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import Record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SAMPLES = [10**400, "/p", "/p\n", "0/1", "0/1\n", "0/1;x"]
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(SAMPLES)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(), inner, max_size=2)),
    max_leaves=3,
)


def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


@pytest.mark.parametrize(
    ("form", "holds"),
    [
        (border.name, lambda value: isinstance(value, str) and value.isprintable() and value != ""),
        (border.path, lambda value: os.path.isabs(value) and value.isprintable()),
        (border.lsn, lambda value: re.fullmatch(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}", value)),
        (border.address, lambda value: str(ipaddress.ip_address(value)) == value),
        (border.number, lambda value: is_number(value) and -(1 << 63) < value < 1 << 63),
        (border.port, lambda value: is_number(value) and 0 < value < 65536),
        (border.seconds, lambda value: isinstance(value, float) and math.isfinite(value) and value >= 0),
        (border.flag, lambda value: isinstance(value, bool)),
        (border.real, lambda value: isinstance(value, float) and math.isfinite(value)),
    ],
)
@given(value=ANY)
def test_a_value_is_of_its_form_or_refused(form, holds, value):
    try:
        found = form(value)
    except ValueError as error:
        assert len(str(error)) < 300
    else:
        assert holds(found) and found == type(found)(value)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (border.name, "cdw"),
        (border.path, "/data/my instance"),
        (border.lsn, "16/B374D848"),
        (border.number, -1),
        (border.port, 65535),
        (border.seconds, 0.0),
        (border.flag, False),
        (border.real, -0.5),
    ],
)
def test_what_is_usual_is_taken(form, value):
    assert form(value) == value


#: by the word of an annotation, what it may be
WORDS = {
    "Name": st.text("ab ü", min_size=1),
    "Path": st.text("ab ", min_size=1).map(lambda value: f"/{value}"),
    "Address": st.ip_addresses().map(lambda address: parse_address(str(address))),
    "Position": st.tuples(*[st.integers(0, 2**32 - 1)] * 2).map(lambda parts: "{:X}/{:X}".format(*parts)),
    "Positive": st.integers(1, 2**31),
    "Port": st.integers(1, 65535),
    "Seconds": st.floats(0, border.LATEST),
}
PLAIN = {
    str: st.text(),
    int: st.integers(-(1 << 63) + 1, (1 << 63) - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
    t.Any: st.none(),
}
#: fields that are narrower than their annotation
NARROWER = {(Fence, "tool"): st.sampled_from([*FILTERS])}


@functools.cache
def made(kind):
    """A strategy for a dataclass, by its annotations as Python itself reads them."""
    words = {word: t.Annotated[getattr(border, word), strategy] for word, strategy in WORDS.items()}
    hints = t.get_type_hints(kind, localns=words, include_extras=True)
    names = [field.name for field in dataclasses.fields(kind)]
    return st.builds(kind, **{name: NARROWER.get((kind, name)) or of_hint(hints[name]) for name in names})


def of_hint(hint):
    origin, arguments = t.get_origin(hint), t.get_args(hint)
    if origin is t.Annotated:
        return arguments[1]
    if origin is t.Literal:
        return st.sampled_from(arguments)
    if origin in (t.Union, types.UnionType):
        return st.one_of(map(of_hint, arguments))
    if origin is tuple:
        parts = [of_hint(argument) for argument in arguments if argument is not ...]
        return st.lists(parts[0], max_size=2).map(tuple) if ... in arguments else st.tuples(*parts)
    if origin is collections.abc.Mapping:
        return st.dictionaries(*map(of_hint, arguments), max_size=2)
    return made(hint) if dataclasses.is_dataclass(hint) else PLAIN[hint]


@pytest.mark.parametrize("kind", [Observation, Coordinator, Record, Lock, Mark, Loss])
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_is_read_again(kind, data):
    value = data.draw(made(kind))
    assert border.parse(kind, json.loads(json.dumps(dataclasses.asdict(value)))) == value


@pytest.mark.parametrize("kind", [Coordinator, Record, Loss])
@given(data=st.data(), hostile=ANY)
def test_whatever_stands_there_is_of_its_form_or_refused(kind, data, hostile):
    document = json.loads(json.dumps(dataclasses.asdict(data.draw(made(kind)))))
    document[data.draw(st.sampled_from(sorted(document)))] = hostile
    try:
        value = border.parse(kind, document)
    except ValueError:
        return
    assert border.parse(kind, json.loads(json.dumps(dataclasses.asdict(value)))) == value


@dataclasses.dataclass(frozen=True)
class Sample:
    number: int
    name: border.Name = "x"


def test_an_object_has_the_fields_that_are_asked_for():
    assert border.parse(Sample, {"number": 1, "unknown": 2}) == Sample(1)
    for wrong in ({"name": "x"}, {"number": "1"}, {"number": 1, "name": ""}, [], None, "a"):
        with pytest.raises(ValueError):
            border.parse(Sample, wrong)


#: each way to annotate a field that there is
EACH_WAY = """
from __future__ import annotations
import dataclasses, typing as t
from {border} import Address, Name, Position
import {border} as border

Kind = t.Literal["one", "other"]

@dataclasses.dataclass(frozen=True)
class Part:
    name: Name | None

@dataclasses.dataclass(frozen=True)
class Whole:
    kind: Kind
    several: tuple[Part, ...] | None
    pair: tuple[int, Position]
    pairs: tuple[tuple[int, border.Position], ...]
    by_name: t.Mapping[Name, tuple[Address, ...]]
    listed: list[str]
    anything: t.Mapping[str, t.Any]

whole = Whole("one", (Part("x"), Part(None)), (1, "0/1"), ((2, "0/2"),), {{"a": ("10.0.0.1",)}}, ["y"], {{"z": 1}})
import json
assert border.parse(Whole, json.loads(json.dumps(dataclasses.asdict(whole)))) == whole
"""


def pythons():
    """This Python, and the oldest one that targets may have where this machine has it."""
    found = [shutil.which("python3.8"), *map(str, sorted(Path.home().glob(".pyenv/versions/3.8*/bin/python")))]
    works = [path for path in found if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0]
    return [sys.executable, *works[:1]]


@pytest.mark.parametrize("python", pythons())
def test_each_way_to_annotate_a_field_is_read_by_the_oldest_python_as_well(python):
    """Its syntax trees are others."""
    collections = str(Path(border.__file__).parents[6])
    script = EACH_WAY.format(border=border.__name__)
    ran = subprocess.run([python, "-c", script], env={"PYTHONPATH": collections}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
