# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.nagios import STATUSES, line
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless
from hypothesis import given
from hypothesis import strategies as st

from ..described import OF_STATE, judged
from .test_report import LAG

#: as Nagios reads performance data: 'label'=value[unit][;warn[;crit[;min]]]
DATA = r"'[^'=]+'=(U|-?[0-9]+B?;;;0)"
FORM = re.compile(rf"WHPG ({'|'.join(STATUSES)}) - ([^|\n]+) \| ({DATA}( {DATA})*)")


def said(**clusters):
    """Status and text of the line on clusters, which has the form that Nagios reads."""
    found = line({name: pair for name, (pair, _told) in clusters.items()}, {name: told for name, (_pair, told) in clusters.items()})
    status, text = FORM.fullmatch(found).group(1, 2)
    return status, text


URGENT = {
    "mirrored": "OK",
    "degraded": "WARNING",
    "unmirrored": "WARNING",
    **dict.fromkeys(("primary_hung", "primary_down", "both_down", "primary_unknown", "split_brain"), "CRITICAL"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_status_of_each_state(state):
    status, text = said(demo=judged(*OF_STATE[state]))
    assert status == URGENT[state]
    assert text.startswith(f"demo: {state}")


@pytest.mark.parametrize(
    ("hosts", "more", "status"),
    [
        ((), {"warnings": ["drift"]}, "WARNING"),
        (("as it serves", "as it streams", ("cdw primary probe acknowledged", False)), {}, "CRITICAL"),
        (
            (
                "as it serves",
                "as it streams",
                ("cdw primary", None),
                ("cdw sql", {"answered": None, "refused": "starting_up", "error": "wait"}),
            ),
            {},
            "CRITICAL",
        ),
        (("read only",), {}, "OK"),
        (OF_STATE["unmirrored"], {"as_desired": True}, "OK"),
        ((), {"problems": ["whpg_role is missing"], "serves": False, "as_desired": False}, "UNKNOWN"),
    ],
)
def test_what_counts_beside_the_state(hosts, more, status):
    assert said(demo=judged(*hosts, **more))[0] == status


def test_the_worst_is_first():
    good, lost, worn = judged(), judged(*OF_STATE["primary_down"]), judged(warnings=["drift"])
    assert said(a=good, b=worn, c=lost, d=good)[0] == "CRITICAL"
    text = said(a=good, b=worn, c=lost, d=good)[1]
    assert re.fullmatch(r"c: primary_down: .*; b: mirrored: warning: drift; 2 clusters as desired", text)
    assert said(a=good, b=good) == ("OK", "2 clusters as desired")
    assert said(a=judged(problems=["no role"]), b=worn)[0] == "UNKNOWN"


def test_performance_data():
    pair, told = judged("as it serves", "as it streams", *LAG)
    assert line({"a'=|": pair}, {"a'=|": told}).endswith(
        " | 'a___ replay_lag'=16B;;;0 'a___ retained_wal'=0B;;;0 'a___ segments_down'=0;;;0 'a___ warnings'=0;;;0"
    )
    pair, told = judged("not seen")
    assert "'demo replay_lag'=U 'demo retained_wal'=U 'demo segments_down'=U" in line({"demo": pair}, {"demo": told})


@given(st.text(st.characters(codec=None), min_size=1))
def test_whatever_is_said_the_line_is_one(text):
    pair, told = judged(warnings=[text])
    assert FORM.fullmatch(harmless(line({"demo": pair}, {"demo": told})))
