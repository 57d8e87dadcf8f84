# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import math
import os
import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from hypothesis import given
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
    ],
)
@given(value=ANY)
def test_a_value_is_of_its_form_or_refused(form, holds, value):
    try:
        found = form(value)
    except ValueError as error:
        assert len(str(error)) < 300
    else:
        assert holds(found) and found == value


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
        (border.optional(border.port), None),
        (border.many(border.port), [1, 2]),
    ],
)
def test_what_is_usual_is_taken(form, value):
    assert form(value) == value


def test_an_object_has_the_fields_that_are_asked_for():
    forms, further = {"a": border.number}, {"b": border.name}
    assert border.fields({"a": 1, "c": 2}, forms, further) == {"a": 1}
    assert border.fields({"a": 1, "b": "x"}, forms, further) == {"a": 1, "b": "x"}
    for wrong in ({"b": "x"}, {"a": "1"}, {"a": 1, "b": ""}, [], None, "a"):
        with pytest.raises(ValueError):
            border.fields(wrong, forms, further)
