# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress as run
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import Moving, StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress

SKIPPED = {"skipped": True, "changed": False}
FAILED = {"failed": True, "msg": "no"}
REGISTERED = {"dbid": 8, "failed": False}
CONFIGURED = {"settings": {}}
UNREACHABLE = {"unreachable": True, "msg": "no answer"}


def steps(*names):
    return {"steps": [{"name": name, "seconds": 0.1} for name in names]}


def progress(cdw=None, scdw=None, sdw1=None, lost=(), check_mode=False, **plan):
    """By what was registered on its hosts, names without their prefix."""
    hosts = {"cdw": cdw or {}, "scdw": scdw or {}, "sdw1": sdw1 or {}}
    registered = {host: {f"__standby_{name}": result for name, result in known.items()} for host, known in hosts.items()}
    return Progress(cluster="demo", plan=StandbyPlan("", "cdw", "scdw", **plan), hosts=registered, lost=lost, check_mode=check_mode)


def everywhere(name, result=None, **of_host):
    return {host: {name: of_host.get(host, result or SKIPPED)} for host in ("cdw", "scdw", "sdw1")}


def answers(found):
    """What holds of it, by name."""
    return {name for name, answer in run.answers(found).items() if answer}


def moving(kind="host", renames=False, stops=True):
    return Moving(kind=kind, renames=renames, stops=stops)


def test_before_anything_was_done_nothing_is():
    assert answers(Progress("", StandbyPlan("nothing was planned"), {})) == answers(progress()) == {"knows_password", "prepared"}
    assert answers(progress(move=moving())) == {"knows_password"}


@pytest.mark.parametrize(
    ("results", "lost", "has_access"),
    [
        (everywhere("registration", cdw=REGISTERED), (), True),
        (everywhere("registration", cdw=REGISTERED, sdw1=FAILED), (), False),
        (everywhere("registration", cdw=REGISTERED), ("sdw1",), False),
        (everywhere("registration", cdw=FAILED), (), False),
        ({"cdw": {"registration": REGISTERED}, "scdw": {"registration": SKIPPED}}, (), False),
    ],
)
def test_a_standby_has_access_when_each_host_allows_it(results, lost, has_access):
    assert progress(**results, lost=lost).has_access is has_access


@pytest.mark.parametrize(
    ("result", "started", "configured"), [(None, False, False), (SKIPPED, False, False), (FAILED, True, False), (CONFIGURED, True, True)]
)
def test_a_failed_start_is_a_start(result, started, configured):
    found = progress(scdw={"configuration": result})
    assert (found.started, found.configured) == (started, configured)


@pytest.mark.parametrize(
    ("seen", "check_mode", "verified"),
    [
        ({"primary": {"probe": {"replayed": True}}}, False, True),
        ({"primary": {"probe": {"replayed": False}}}, False, False),
        ({"primary": {"probe": None}}, False, False),
        ({"primary": None}, False, False),
        (SKIPPED, False, False),
        (SKIPPED, True, True),
    ],
)
def test_it_is_verified_by_a_write_that_it_replayed_and_in_check_mode_by_what_can_be_done(seen, check_mode, verified):
    assert progress(cdw={"verification": seen}, scdw={"configuration": CONFIGURED}, check_mode=check_mode).verified is verified
    assert not progress(scdw={"configuration": SKIPPED}, check_mode=True).verified
    copied = {"configuration": SKIPPED, "copy": {"directory_state": "absent"}}
    assert progress(scdw=copied, check_mode=True).verified and not progress(scdw=copied).verified


def test_a_host_that_was_lost_or_remembers_a_failure_is_one():
    assert progress(lost=["sdw1"]).failed
    assert progress(sdw1={"failure": "Copy: no"}).failed
    assert not progress(sdw1={"failure": ""}).failed


@pytest.mark.parametrize(
    ("begins", "lost", "finished"),
    [("rejoin", (), ["move the standby", "rejoin"]), ("rejoin", ("sdw1",), []), ("", (), [])],
)
def test_what_was_begun_is_finished_when_no_host_was_lost(begins, lost, finished):
    assert progress(begins=begins, lost=lost).finished() == finished


@pytest.mark.parametrize(
    ("done", "created"),
    [
        (["create_role", "add_row", "create_slot"], ["role", "row", "slot"]),
        (["remove_row", "add_row"], []),
        (["change_role", "write_rules"], []),
    ],
)
def test_what_was_created_is_known_also_of_a_task_that_failed(done, created):
    assert progress(cdw={"registration": {**FAILED, **steps(*done)}}).created == created
    assert progress(cdw={"registration": FAILED}).created == []


@pytest.mark.parametrize(
    ("made", "copied_in"),
    [(steps("copy", "swap_in"), True), ({**steps("swap_in"), "set_aside_as": "/s.set_aside-1"}, False), (steps("start"), False)],
)
def test_only_a_copy_where_nothing_was_is_removed_again(made, copied_in):
    assert progress(cdw={"registration": steps("add_row")}, scdw={"copy": made}).copied_in is copied_in
    assert not progress(scdw={"copy": made}).copied_in, "it was registered before"


@pytest.mark.parametrize(("told", "knows"), [(None, True), (SKIPPED, True), (FAILED, False), (UNREACHABLE, False)])
def test_the_present_one_has_to_know_the_password(told, knows):
    found = progress(scdw={"told": told}, move=moving())
    assert (found.knows_password, found.former_lost) == (knows, told is UNREACHABLE)


COPY = {"directory_state": "absent", **steps("copy", "swap_in")}
LEFT = {"directory_state": "absent", "set_aside_as": ["/s.set_aside-1"]}


@pytest.mark.parametrize(
    ("move", "cdw", "scdw", "holds"),
    [
        (moving(), {"preparation": REGISTERED}, {}, {"prepared", "both_have_access"}),
        (moving(), {"preparation": REGISTERED}, {"copy": COPY}, {"prepared", "both_have_access", "copied", "has_copy"}),
        (
            moving(),
            {"preparation": REGISTERED},
            {"copy": COPY, "leaving": LEFT},
            {"prepared", "both_have_access", "copied", "has_copy", "left_place", "must_restore_former"},
        ),
        (
            moving(),
            {"preparation": REGISTERED},
            {"copy": COPY, "leaving": FAILED},
            {"prepared", "both_have_access", "copied", "has_copy", "must_restore_former"},
        ),
        (
            moving(stops=False),
            {"preparation": REGISTERED},
            {"copy": COPY},
            {"prepared", "both_have_access", "copied", "has_copy", "left_place"},
        ),
        (moving(), {"preparation": FAILED}, {"copy": COPY}, {"has_copy"}),
        (moving(renames=True), {}, {}, {"prepared", "both_have_access", "left_place"}),
        (
            moving(renames=True),
            {},
            {"configuration": FAILED},
            {"prepared", "both_have_access", "left_place", "started", "must_restore_former"},
        ),
        (moving("name"), {}, {"configuration": FAILED}, {"prepared", "both_have_access", "left_place", "started", "must_restore_former"}),
        (moving("name"), {}, {}, {"prepared", "both_have_access", "left_place"}),
        (moving("rest"), {}, {"configuration": FAILED}, {"prepared", "both_have_access", "left_place", "started"}),
    ],
)
def test_a_standby_comes_to_another_place(move, cdw, scdw, holds):
    allowed = everywhere("access")
    found = progress({**allowed["cdw"], **cdw}, {**allowed["scdw"], **scdw}, allowed["sdw1"], move=move)
    assert answers(found) == holds | {"knows_password"}
    lost = progress({**allowed["cdw"], **cdw}, {**allowed["scdw"], **scdw}, allowed["sdw1"], lost=["sdw1"], move=move)
    assert not (lost.both_have_access or lost.copied or lost.left_place)
