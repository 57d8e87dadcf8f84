# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import Progress

ALLOWED = {"allowed": True, "state": "primary_down", "reason": "", "archive": "/s/wal.tar.gz", "drift": ["pg_hba.conf"]}
PROMOTED = {"promoted": True, "failed": False}
SKIPPED = {"skipped": True, "changed": False}


def progress(cdw=None, scdw=None, sdw1=None, done=""):
    """By what was registered on its hosts, names without their prefix."""
    hosts = {"cdw": cdw or {}, "scdw": scdw or {}, "sdw1": sdw1 or {}}
    registered = {host: {f"__activate_standby_{name}": result for name, result in known.items()} for host, known in hosts.items()}
    return Progress("demo", ActivationPlan("", "cdw", "scdw", done=done), registered)


@pytest.mark.parametrize(
    ("verdict", "allowed", "lacks_wal", "brings"),
    [
        (None, False, False, False),
        ({"failed": True, "msg": "no"}, False, False, False),
        ({**ALLOWED, "allowed": False}, False, False, False),
        ({**ALLOWED, "archive": None, "drift": []}, True, False, False),
        (ALLOWED, True, True, True),
    ],
)
def test_what_is_brought_to_the_standby_follows_from_the_verdict(verdict, allowed, lacks_wal, brings):
    found = progress(scdw={"verdict": verdict})
    assert (found.allowed, found.lacks_wal, found.salvaged, found.brings) == (allowed, lacks_wal, lacks_wal, brings)
    assert not progress(scdw={"verdict": verdict, "unsalvaged": True}).salvaged


@pytest.mark.parametrize(
    ("start_block", "packed"),
    [(None, False), ({"wal": None}, False), ({"wal": {"archive": None}}, False), ({"wal": {"archive": "/p"}}, True)],
)
def test_wal_that_was_packed_is_known_whatever_the_verdict(start_block, packed):
    assert progress(cdw={"start_block": start_block}).packed_wal is packed


@pytest.mark.parametrize(
    ("activation", "is_primary", "promoted", "not_promoted"),
    [
        (None, False, False, True),
        (SKIPPED, False, False, True),
        ({"failed": True, "promoted": False, "msg": "no"}, False, False, True),
        ({"unreachable": True, "msg": "no answer"}, False, False, False),
        ({"failed": True, "msg": "killed"}, False, False, False),
        ({"failed": True, "promoted": True, "msg": "no slot"}, True, False, False),
        (PROMOTED, True, True, False),
    ],
)
def test_a_promotion_is_unknown_where_nothing_was_heard_of_it(activation, is_primary, promoted, not_promoted):
    found = progress(scdw={"activation": activation})
    assert (found.is_primary, found.promoted, found.not_promoted) == (is_primary, promoted, not_promoted)
    known = ("activated", "scdw") if is_primary else ("not_activated", "cdw") if not_promoted else ("unconfirmed", None)
    assert (found.ended(), found.serving()) == known


@pytest.mark.parametrize(
    ("done", "activation", "failure", "finished"),
    [
        ("", PROMOTED, "", True),
        ("", PROMOTED, "Gather the statistics of all databases: no", False),
        ("", {"unreachable": True}, "", False),
        ("", None, "Keep the former primary from starting: no", True),
        ("scdw", None, "", False),
    ],
)
def test_an_activation_is_finished_with_all_that_follows_or_where_nothing_was_promoted(done, activation, failure, finished):
    found = progress(scdw={"activation": activation}, sdw1={"failure": failure} if failure else {}, done=done)
    assert found.finished() == (["activate_standby"] if finished else [])


def test_nothing_is_finished_that_was_not_planned():
    assert Progress("", ActivationPlan("nothing was planned"), {}).finished() == []
