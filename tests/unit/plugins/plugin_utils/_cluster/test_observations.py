# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import read
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen
from hypothesis import given
from hypothesis import strategies as st

from ..losses import BOTH_DOWN, DOWN, HUNG, PROMOTED
from ..observed import EMPTY, MIRRORED, UNMIRRORED, VARIABLES, changed


def wrong(result):
    """Why a host that told this was not observed; empty where it was."""
    found = read(result)
    return found.why if isinstance(found, Unseen) else ""


SESSION = {"address": "10.0.0.11", "port": 6000, "count": 2, "quiet_s": 0.5}


@pytest.mark.parametrize("found", [MIRRORED, UNMIRRORED, DOWN, BOTH_DOWN, HUNG, PROMOTED, {"scdw": EMPTY}])
def test_what_hosts_tell_is_of_its_form(found):
    assert [wrong(json.loads(json.dumps(told))) for told in found.values() if "segments" in told and wrong(told)] == []


def test_a_disk_that_is_damaged_does_not_make_its_host_unknown():
    """It is none that lies: what of it can be read is still seen."""
    assert wrong(changed(DOWN, ("cdw instance major", ""), ("cdw instance control", None), ("cdw wal", None))["cdw"]) == ""


WAYS = (
    "cdw hostname",
    "sdw1 addresses 0",
    "sdw1 clock",
    "sdw1 segments 0 port",
    "sdw1 segments 0 data_directory",
    *(f"sdw1 sessions 0 {name}" for name in SESSION),
    "cdw instance data_directory",
    "cdw instance port",
    "cdw instance control system_identifier",
    "cdw instance control timeline",
    "cdw instance control checkpoint",
    "scdw instance postmaster received",
    "cdw wal oldest_lsn",
    "scdw wal end_lsn",
    *(f"cdw primary registrations 1 {name}" for name in ("content", "port", "hostname", "address", "datadir")),
    "cdw primary standby port",
    "cdw primary walsender replay_lsn",
    "cdw primary lsn",
    "scdw standby end_lsn",
    "scdw standby removed_wal",
)
HOSTILE = st.one_of(
    st.sampled_from(["", "a\nb", "\x1b[2J", "/p\n", "0/1\n", float("nan"), float("-inf"), 1 << 80, True, {}, {"x": 1}, [[]]]),
    st.text(alphabet="\n\r\x00\x1b\x7f\u2028", min_size=1),
)


@given(st.sampled_from(WAYS), HOSTILE)
def test_a_host_that_tells_what_is_not_of_its_form_is_unknown(way, hostile):
    """Neither does it end the look at others."""
    found = changed(MIRRORED, ("sdw1 sessions", [SESSION]))
    assert not wrong(found[way.split()[0]])
    pair = assess("demo", VARIABLES, changed(found, (way, hostile)))
    host = way.split()[0]
    assert list(pair.unknown) == [host]
    assert "not of its form" in pair.unknown[host] and pair.unknown[host].isprintable()


@given(
    st.sampled_from(["hostname", "addresses", "segments", "sessions", "instance", "wal", "primary", "standby"]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
        max_leaves=5,
    ),
)
def test_nothing_that_a_host_tells_stops_the_look_at_it(name, told):
    assert isinstance(read({**MIRRORED["cdw"], name: told}), (Observation, Unseen))
