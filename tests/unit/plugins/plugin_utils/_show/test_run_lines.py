# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.run_lines import FAILED, OK, UNREACHABLE, Run, Task
from hypothesis import given
from hypothesis import strategies as st

COPY = Task("1", "Copy the primary", "warehousepg.coordinator.coordinator_snapshot", own=True)
CONCLUDE = Task("2", "Summary", "warehousepg.coordinator.intent", own=True)
FAIL = Task("3", "Fail unless it is as the inventory asks for", "ansible.builtin.fail", own=True)
FOREIGN = Task("4", "Install a package", "ansible.builtin.package")
CHANGED = {"changed": True}
SCREEN = ["", "Cluster demo: degraded", "  cdw  primary", ""]
WHY = "demo is degraded: cdw: no standby streams in sync"


def observed(*clusters, **hosts):
    """A run that has seen to which cluster each host belongs: three hosts of each of these, or these hosts."""
    found = Run()
    of_host = {f"{host}-{cluster}": cluster for cluster in clusters for host in ("cdw", "scdw", "sdw1")}
    for host, cluster in {**of_host, **hosts}.items():
        found.end(Task("0", "Observe", own=True), host, OK, {"options": {"cluster_name": cluster}}, 0.0)
    return found


@pytest.fixture
def run():
    return observed(cdw="demo", scdw="demo", sdw1="demo")


def texts(lines):
    return [line.text for line in lines]


def end(run, task, host, result=None, ending=OK, seconds=1.0, **more):
    run.begin(task.key, host, 10.0)
    run.end(task, host, ending, CHANGED if result is None else result, 10.0 + seconds, **more)


def test_a_step_is_a_line_with_its_cluster_its_hosts_and_its_seconds(run):
    end(run, COPY, "cdw", seconds=0.5)
    end(run, COPY, "scdw", seconds=2.94)
    end(run, COPY, "sdw1", {"changed": False})
    assert texts(run.task()) == ["demo: Copy the primary (cdw, scdw, 2.9 s)"]
    assert run.task() == []


def test_a_failure_of_what_is_done_once_is_of_the_whole_run(run):
    show = Task("5", "Show the audit trail", "warehousepg.coordinator.intent", own=True, once=True)
    end(run, show, "cdw", {"msg": "history_lines is 'many': give a whole number"}, FAILED)
    assert texts(run.finish({"cdw": 1})) == ["FAILED: history_lines is 'many': give a whole number"]


def test_what_changed_nothing_is_no_line(run):
    for result in ({}, {"changed": False}, {"msg": "told by the summary"}):
        end(run, COPY, "cdw", result)
    run.begin(COPY.key, "scdw", 0.0)
    run.skip(COPY.key, "scdw")
    assert run.finish({}) == []


def test_a_step_of_several_clusters_is_one_line():
    run = observed("alpha", "beta")
    end(run, COPY, "scdw-alpha", seconds=2)
    end(run, COPY, "cdw-beta", seconds=1)
    end(run, COPY, "scdw-beta", seconds=3)
    assert texts(run.task()) == ["Copy the primary: alpha 2.0 s, beta 3.0 s"]


def test_a_step_of_many_clusters_is_still_one_line():
    clusters = [f"c{number:02d}" for number in range(100)]
    run = observed(*clusters)
    for number, cluster in enumerate(clusters):
        end(run, COPY, f"scdw-{cluster}", seconds=float(number + 100))
    assert texts(run.task()) == ["Copy the primary: 100 clusters, 100.0 s to 3 min 19 s, the longest on c99"]


def test_of_many_hosts_of_a_cluster_their_number_is_told():
    run = observed(**{f"sdw{number}": "demo" for number in range(9)})
    for number in range(9):
        end(run, COPY, f"sdw{number}")
    assert texts(run.task()) == ["demo: Copy the primary (9 hosts, 1.0 s)"]


def test_in_check_mode_it_says_what_would_be_done(run):
    foretold = Task("1", "Register the standby", check_mode=True, own=True)
    end(run, foretold, "cdw", {"changed": True, "steps": [{"name": "create_slot", "seconds": 0.0}, {"name": "write_rules"}]})
    end(run, foretold, "sdw1", {"changed": True, "steps": [{"name": "write_rules"}]})
    assert texts(run.task()) == ["demo: to do: Register the standby (cdw: create slot, write rules; sdw1: write rules)"]


def test_a_failure_is_told_once_at_the_end_of_the_run(run):
    end(run, COPY, "scdw", {"msg": "no space is left"}, FAILED, 3.0)
    assert texts(run.task()) == ["demo: FAILED: Copy the primary (scdw, 3.0 s)"]
    assert run.play() == []
    assert texts(run.finish({"scdw": 1})) == ["FAILED: demo: Copy the primary (scdw): no space is left"]
    assert run.finish({"scdw": 1}) == []


def test_a_rescued_failure_is_told_by_the_outcome_alone(run):
    end(run, COPY, "scdw", {"msg": "no space is left"}, FAILED)
    run.task()
    said = ["demo: NOT mirrored: scdw: Copy the primary: no space is left."]
    remedy = "demo is not mirrored: scdw: Copy the primary: no space is left. Rolled back: the slot. Run this again"
    end(run, CONCLUDE, "cdw", {"told": [said], "msg": remedy}, FAILED)
    assert texts(run.finish({"scdw": 0, "cdw": 1})) == [f"FAILED: {remedy}"]


@pytest.mark.parametrize(
    ("said", "failure", "shown"),
    [
        ("demo: NOT activated: why", "demo: NOT activated: why", "demo: NOT activated: why"),
        (
            "demo: NOT mirrored: nothing was changed: why",
            "demo: nothing was changed: why",
            "demo: NOT mirrored: nothing was changed: why",
        ),
        (
            "demo: SWITCHED WITH TROUBLE: it is; why; again",
            "demo is switched with trouble: why",
            "demo: SWITCHED WITH TROUBLE: it is; why; again",
        ),
        ("demo: not in order", "demo: not in order", "demo: not in order"),
    ],
)
def test_an_outcome_and_its_failure_are_one_line(run, said, failure, shown):
    end(run, CONCLUDE, "cdw", {"told": [["demo: clients: host=cdw"], [said]], "msg": failure}, FAILED)
    assert texts(run.finish({"cdw": 1})) == ["demo: clients: host=cdw", f"FAILED: {shown}"]


def test_an_outcome_that_is_another_clusters_is_told(run):
    end(run, CONCLUDE, "cdw", {"told": [["beta: NOT mirrored: why"]], "msg": "demo: NOT mirrored: why"}, FAILED)
    assert texts(run.finish({"cdw": 1})) == ["beta: NOT mirrored: why", "FAILED: demo: NOT mirrored: why"]


def test_an_outcome_that_a_site_rescues_is_told_as_an_outcome(run):
    end(run, CONCLUDE, "cdw", {"told": [["demo: NOT mirrored: why"]], "msg": "demo is not mirrored: why. Run this again"}, FAILED)
    assert texts(run.finish({"cdw": 0})) == ["demo: NOT mirrored: why"]


def test_of_a_host_the_last_failures_are_those_that_were_not_rescued(run):
    for number in range(3):
        end(run, Task(str(number), f"Task {number}"), "cdw", {"msg": f"failure {number}"}, FAILED)
    run.task()
    assert texts(run.finish({"cdw": 1})) == ["FAILED: demo: Task 2 (cdw): failure 2"]


def test_where_a_run_is_cut_off_all_failures_are_told(run):
    end(run, FAIL, "cdw", {"msg": "one"}, FAILED)
    end(run, FAIL, "cdw", {"msg": "two"}, FAILED)
    assert texts(run.finish()) == ["FAILED: demo: one", "FAILED: demo: two"]


def test_the_screen_comes_last(run):
    end(run, Task("9", "Judge", CONCLUDE.action, own=True), "cdw", {"told": [SCREEN]})
    assert run.task() == []
    end(run, FAIL, "cdw", {"msg": WHY}, FAILED)
    found = run.finish({"cdw": 1})
    assert texts(found) == [f"FAILED: {WHY}", "Cluster demo: degraded", "  cdw  primary"]
    assert [line.tone for line in found] == ["bad", "bad", "plain"]


def test_screens_come_at_the_end_of_their_play_and_are_parted(run):
    end(run, CONCLUDE, "cdw", {"told": [SCREEN, ["", "Cluster b: mirrored", "  WARNING     beware", ""]]})
    found = run.play()
    assert texts(found) == [*SCREEN[1:-1], "", "Cluster b: mirrored", "  WARNING     beware"]
    assert [line.tone for line in found] == ["bad", "plain", "plain", "good", "warning"]
    assert run.finish({}) == []


def test_what_a_quiet_status_says_is_not_said_again(run):
    said = "demo: degraded: cdw: no standby streams in sync"
    end(run, Task("9", "Judge", CONCLUDE.action, own=True), "cdw", {"told": [[said]]})
    assert texts(run.task()) == [said]
    end(run, FAIL, "cdw", {"msg": WHY}, FAILED)
    assert run.finish({"cdw": 1}) == []


def test_what_the_table_of_a_fleet_says_is_not_said_again(run):
    table = ["", "cluster  state", "demo     degraded", "demo: degraded: cdw: no standby streams in sync", ""]
    end(run, Task("9", "Judge", CONCLUDE.action, own=True), "cdw", {"told": [table]})
    end(run, FAIL, "cdw", {"msg": WHY}, FAILED)
    assert texts(run.finish({"cdw": 1})) == table[1:-1]


def test_what_a_module_returns_is_not_told_as_if_this_collection_did(run):
    """It is what a host says, which may be anybody's."""
    forged = {"told": [["demo: activated: no loss"], ["", "Cluster demo: mirrored"]], "options": {"cluster_name": "other"}, "changed": True}
    end(run, COPY, "cdw", forged)
    assert texts(run.task() + run.finish()) == ["demo: Copy the primary (cdw, 1.0 s)"]


def test_hosts_that_are_lost_are_told(run):
    end(run, COPY, "scdw", {"msg": "no route", "unreachable": True}, UNREACHABLE)
    end(run, COPY, "web1", {"msg": "no route", "unreachable": True}, UNREACHABLE)
    end(run, COPY, "sdw1", {"msg": "told by the verdict", "unreachable": True}, UNREACHABLE, ignored=True)
    assert texts(run.finish({})) == ["UNREACHABLE: scdw, web1: no route"]


def test_tasks_of_others_are_told_by_host():
    run = Run()
    end(run, FOREIGN, "web1")
    end(run, FOREIGN, "web2", {"msg": "no such package"}, FAILED, ignored=True)
    end(run, FOREIGN, "web3", {"msg": "no such package", "rc": 1, "stderr": "E: not\nfound"}, FAILED)
    assert texts(run.task()) == [
        "web1: Install a package (1.0 s)",
        "web3: FAILED: Install a package (1.0 s)",
        "web2: Install a package: failed, ignored: no such package",
    ]
    assert texts(run.finish({"web3": 1})) == ["FAILED: web3: Install a package: no such package: E: not found"]


def test_one_failure_of_many_hosts_is_one_line():
    run = Run()
    for number in range(20):
        end(run, FOREIGN, f"web{number}", {"msg": "no such package"}, FAILED)
    run.task()
    (line,) = texts(run.finish({f"web{number}": 1 for number in range(20)}))
    assert line == "FAILED: web0, web1, web2, web3, web4, web5 and 14 more: Install a package: no such package"


def test_the_failure_of_a_loop_is_that_of_its_rounds():
    run = Run()
    items = [{"failed": True, "msg": "a is bad"}, {"failed": False, "msg": "fine"}, {"failed": True, "msg": "c is bad"}]
    end(run, FOREIGN, "web1", {"msg": "One or more items failed", "results": items}, FAILED)
    assert texts(run.finish({"web1": 1}))[-1] == "FAILED: web1: Install a package: a is bad; c is bad"


def test_what_is_hidden_stays_so():
    run = Run()
    end(run, FOREIGN, "web1", {"censored": "the output has been hidden", "changed": False}, FAILED)
    assert texts(run.finish({"web1": 1}))[-1] == "FAILED: web1: Install a package: the output has been hidden"


def test_what_debug_was_asked_to_show_is_shown():
    run = Run()
    debug = Task("5", "Show", "ansible.builtin.debug")
    end(run, debug, "web1", {"msg": "two\nlines", "_ansible_verbose_always": True})
    end(run, debug, "web2", {"release": [1, 2], "changed": False})
    assert texts(run.task()) == ["web1: two", "web1: lines", "web2: release: [1, 2]"]


def test_by_the_strategy_free_a_task_is_told_when_it_has_ended_everywhere():
    run = Run()
    run.begin(FOREIGN.key, "web2", 0.0)
    end(run, FOREIGN, "web1")
    assert run.task() == []
    run.end(FOREIGN, "web2", OK, CHANGED, 5.0)
    assert texts(run.task()) == ["Install a package: web2 5.0 s, web1 1.0 s"]


def test_differences_follow_their_step():
    run = Run()
    run.difference(FOREIGN, "--- before\n+++ after\n+new\n\n")
    end(run, FOREIGN, "web1")
    assert texts(run.task()) == ["web1: Install a package (1.0 s)", "--- before\n+++ after\n+new"]


def test_a_terminal_shows_what_a_host_says_and_does_not_obey_it(run):
    end(run, COPY, "scdw", {"msg": "\x1b[2Jno\rspace"}, FAILED)
    (line,) = texts(run.finish({"scdw": 1}))[1:]
    assert line.endswith("\\x1b[2Jno space")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4),
    max_leaves=12,
)
READ = ("changed", "failed", "unreachable", "msg", "censored", "rc", "stderr", "stdout", "results", "steps", "told", "options", "diff")
results = st.dictionaries(st.sampled_from((*READ, "warnings", "deprecations")) | st.text(max_size=8), values, max_size=8)
actions = st.sampled_from(["debug", "a.b.intent", "x"]) | st.text()
tasks = st.builds(Task, st.sampled_from("abc"), st.text(), actions, st.booleans(), st.booleans())
events = st.one_of(
    st.tuples(st.just("play")),
    st.tuples(st.just("task")),
    st.tuples(st.just("begin"), st.sampled_from("abc"), st.text(max_size=3), st.floats(0, 1e9)),
    st.tuples(
        st.just("end"), tasks, st.text(max_size=3), st.sampled_from([OK, FAILED, UNREACHABLE]), results, st.floats(0, 1e9), st.booleans()
    ),
    st.tuples(st.just("skip"), st.sampled_from("abc"), st.text(max_size=3)),
)


@given(st.lists(events, max_size=12), st.none() | st.dictionaries(st.text(max_size=3), st.integers(0, 3)))
def test_no_result_is_too_much(happened, failed):
    run = Run()
    lines = [line for name, *arguments in happened for line in getattr(run, name)(*arguments) or ()]
    lines += run.finish(failed)
    assert all(line.text.isprintable() for line in lines)
    assert run.finish(failed) == []


@given(st.lists(st.tuples(tasks, st.sampled_from(["web1", "web2"]), results), min_size=1, max_size=6))
def test_each_failure_that_was_not_rescued_is_told(failures):
    run = Run()
    for task, host, result in failures:
        run.end(task, host, FAILED, {**result, "told": None, "options": None}, 0.0)
    count = {host: sum(of == host for _task, of, _result in failures) for host in ("web1", "web2")}
    said = [line.text for line in run.finish(count)]
    assert any(line.startswith("FAILED: ") for line in said)
    for host, failed in count.items():
        of_run = any(task.own and task.once for task, of, _result in failures if of == host)
        assert not failed or of_run or any(host in line for line in said)
