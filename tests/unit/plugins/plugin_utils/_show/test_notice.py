# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.notice import notice, unsent

STATUS = {
    "schema_version": 1,
    "clusters": {"demo": {"state": "mirrored", "primary": "scdw", "reasons": ["scdw takes writes", "it streams"]}},
}
ENDED = {"outcome": "switched", "failed": False, "message": "switched: scdw is primary", "acted": True}


def told(before, ended, playbook="switchover"):
    return notice(STATUS, "demo", before, playbook, ended)


def test_nothing_is_told_where_nothing_was_done_and_nothing_changed():
    assert told(None, None, "status") is None
    assert told(None, {**ENDED, "acted": False}) is None


def test_an_outcome_is_told_with_the_state_that_it_left():
    found = told(None, ENDED)
    assert found == {
        "schema_version": 1,
        "text": "demo: switched: scdw is primary; now mirrored: scdw takes writes; it streams",
        "cluster": "demo",
        "playbook": "switchover",
        "outcome": "switched",
        "failed": False,
        "message": "switched: scdw is primary",
        "state": "mirrored",
        "primary": "scdw",
        "changed": False,
        "before": None,
        "status": STATUS,
    }
    assert told(("degraded", "cdw"), {**ENDED, "failed": True})["failed"] is True


@pytest.mark.parametrize(
    ("before", "text", "was"),
    [
        (("", ""), "demo: mirrored: ", None),
        (("degraded", "scdw"), "demo: mirrored (before: degraded): ", {"state": "degraded", "primary": "scdw"}),
        (("mirrored", "cdw"), "demo: mirrored (before: mirrored, cdw primary): ", {"state": "mirrored", "primary": "cdw"}),
        (("primary_unknown", ""), "demo: mirrored (before: primary_unknown): ", {"state": "primary_unknown", "primary": None}),
    ],
)
def test_a_state_is_told_with_what_was_before(before, text, was):
    for ended in (None, {**ENDED, "acted": False}):
        found = told(before, ended, "status")
        assert found["text"].startswith(text)
        assert (found["before"], found["changed"], found["outcome"], found["message"], found["failed"]) == (was, True, None, None, None)


@pytest.mark.parametrize(
    ("way", "result", "said"),
    [
        ("url", {}, ""),
        ("url", {"skipped": True}, ""),
        ("url", {"status": 204, "msg": "OK (0 bytes)"}, ""),
        (
            "url",
            {"status": -1, "msg": "Request failed: https://h.example.com/secret\nis refused"},
            "the endpoint: Request failed: the address is refused",
        ),
        ("url", {"failed": True}, "the endpoint: it failed"),
        (
            "url",
            {"status": -1, "msg": "Status code was -1 and not [200, 201, 202]: Request failed: refused"},
            "the endpoint: Status code was -1: Request failed: refused",
        ),
        ("url", {"status": 302, "msg": "Found"}, "the endpoint: Found"),
        ("command", {"rc": 0, "stderr": "a word"}, ""),
        ("command", {"rc": 124, "stderr": ""}, "the command: it was not done in time"),
        ("command", {"rc": 137, "stderr": ""}, "the command: it was not done in time"),
        ("command", {"rc": 2, "stderr": "no\nway"}, "the command: it ended with 2: no way"),
        ("command", {"rc": 2}, "the command: it ended with 2"),
        ("command", {"msg": "no such file"}, "the command: no such file"),
    ],
)
def test_what_was_not_taken_is_told_without_its_address(way, result, said):
    assert unsent(f"coordinator_notice_{way}", result) == (f"no notice was taken by {said}" if said else "")
