# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each option by its spec: what is taken is of its type, and what is not is refused by its name, with the value and what to give."""

from __future__ import annotations

import math
import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import SPEC
from hypothesis import example
from hypothesis import strategies as st

from .fuzzing import fuzzed, hostile_texts, hostile_values

HOST = {"cluster_name": "demo", "whpg_role": "coordinator", "whpg_data_directory": "/data/whpg"}
PUBLIC = [name for name, spec in SPEC.items() if not spec.get("no_log")]
SECRET = [name for name, spec in SPEC.items() if spec.get("no_log")]
TYPES = {"bool": bool, "int": int, "float": float, "list": list, "dict": dict, "str": str, "path": str}
#: words of refusals that say what to do
REMEDIES = ("give ", "there can be ", "make it", "choose another", "install ", "correct ", "name a")

#: by type, what is close to values of it
LIKELY = {
    "bool": st.one_of(st.booleans(), st.sampled_from(["yes", "no", "on", "1", 0, 2, "y", " true ", "True\n"])),
    "int": st.one_of(st.integers(), st.integers().map(str), st.floats(), st.sampled_from([" 7 ", "7.0", "0x7", "1e3", "7_000", "٣", "²"])),
    "float": st.one_of(st.floats(), st.floats().map(str), st.integers(), st.sampled_from(["1e-400", "1_0", "٣", "0", "-0.0", "inf"])),
    "list": st.one_of(st.lists(hostile_texts, max_size=3), hostile_texts, st.lists(hostile_values, max_size=2)),
    "dict": st.dictionaries(hostile_texts, hostile_values, max_size=3),
    "str": hostile_texts,
    "path": hostile_texts.map(lambda text: f"/tmp/{text}"),
}


def likely(name):
    """What a user may give for an option, rightly or not."""
    spec = SPEC[name]
    choices = [st.sampled_from(spec["choices"])] if spec.get("choices") else []
    return st.one_of(LIKELY[spec.get("type", "str")], hostile_values, *choices)


def texts_in(value):
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts_in(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


@fuzzed(st.data())
def test_a_value_is_typed_or_refused(data):
    name = data.draw(st.sampled_from(PUBLIC))
    value = data.draw(likely(name))
    check(name, value)


@fuzzed(st.sampled_from([name for name in PUBLIC if SPEC[name].get("type", "str") in ("str", "path")]), hostile_texts)
@example("discovery_lock_file", "/a\nb")
@example("discovery_data_directory", "/")
@example("discovery_data_directory", "//")
@example("discovery_data_directory", "/data/\x1b[2J")
@example("whpg_data_directory", "/a\nb")
@example("cluster_name", "../../tmp/evaluated")
@example("cluster_name", "a\n")
@example("cluster_name", "x" * 5000)
@example("standby_replication_user", "a\x00b")
def test_a_text_is_one_that_can_be_told_or_refused(name, value):
    check(name, value)


def check(name, value):
    spec = SPEC[name]
    found = options.read({**HOST, name: value}, lambda given: given)
    told, wrong = found.options[name], found.wrong.get(name)
    if wrong is not None:
        assert wrong.startswith(name) and len(wrong) < 12000
        assert any(remedy in wrong for remedy in REMEDIES), wrong
        return
    if name == "cluster_name":  # which is refused as a whole, and is in no name of a file before
        return
    assert told is None or told.__class__ is TYPES[spec.get("type", "str")]
    assert all(text.isprintable() and len(text) <= 4096 for text in texts_in(told)), (name, told)
    if spec.get("choices") and told is not None:
        assert set(told if isinstance(told, list) else [told]) <= set(spec["choices"])
    if isinstance(told, float):
        assert math.isfinite(told) and told >= 0
    if isinstance(told, int):
        assert abs(told) < 1 << 53
    if name == "discovery_data_directory" and told:
        assert os.path.normpath(told) not in ("/", "//")


@pytest.mark.parametrize("name", SECRET)
@fuzzed(hostile_values)
def test_a_secret_is_only_told_to_be_there(name, value):
    found = options.read({**HOST, name: value}, lambda given: given)
    if isinstance(value, (list, dict)) and not isinstance(value, {"dict": dict}.get(options.SPEC[name]["type"], ())):
        assert name in found.wrong and found.options[name] is None
        return
    assert found.options[name] is bool(value)
    assert name not in found.wrong


@fuzzed(hostile_texts)
def test_files_on_the_controller_are_in_their_directory_whatever_a_cluster_is_called(name):
    found = options.read({**HOST, "cluster_name": name}, lambda given: given).options
    for option, suffix in options._FILES.items():
        directory, file = os.path.split(os.path.expanduser(found[option]))
        assert directory == os.path.expanduser("~/.whpg") and file.endswith(f".{suffix}") and len(file) < 256, option
