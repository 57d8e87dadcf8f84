# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's own tasks before and after what changes who serves clients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from activating import ACTIVATE, SWITCH, Operator, check_untouched, hanging_later
from clients import (
    BOUNCER,
    EXAMPLES,
    PAUSE,
    RESUME,
    bring_dnsmasq,
    bring_pgbouncer,
    check_no_error,
    is_paused,
    keepalived,
    named_in_dns,
    through_pgbouncer,
)
from conftest import CLIENT, NET, PAIRS, Host, left_of_runs, playbook

FLOATING = f"{NET}.60"
NO_MODULE = """
- name: A module that is nowhere
  no_such_module:
"""
NOBODY_AGREES = """
- name: Have clients wait
  ansible.builtin.include_tasks: {examples}/pgbouncer_pause.yml

- name: Ask somebody
  ansible.builtin.fail:
    msg: nobody agrees to {{{{ coordinator_hook.playbook }}}} from {{{{ coordinator_hook.primary.host }}}}
"""
LOST = """
- name: Ask a host that is not there
  ansible.builtin.command: "true"
  delegate_to: nowhere.invalid
"""
TOLD = """
- name: Tell what is known
  ansible.builtin.debug:
    msg: "{{ coordinator_hook.outcome }} with {{ coordinator_hook.primary.host }} port {{ coordinator_hook.primary.port }}"

- name: Do something that cannot be done
  ansible.builtin.fail:
    msg: it cannot be done
"""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def tasks(directory: Path, content: str) -> str:
    """A file of the operator's with tasks."""
    path = directory / "tasks.yml"
    path.write_text(content)
    return str(path)


def test_clients_of_pgbouncer_see_one_gap_and_no_error(primary, standby, converged):
    client = through_pgbouncer("converge")
    client.wait_for(CLIENT)
    check_no_error(client)
    assert "\ndemo: switched: scdw is primary on timeline 2" in converged
    moments = [commit.returned for commit in client.commits()]
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
    assert len([gap for gap in gaps if gap > max(gaps) / 2]) == 1
    there = set(map(int, standby.sql(f"SELECT DISTINCT number FROM written_by_{client.called}", role="dispatch").split()))
    assert {commit.number for commit in client.commits()} == there
    assert not is_paused()
    assert "scdw" in Host(CLIENT).run("cat /tmp/pgbouncer/databases.ini")


@pytest.mark.usefixtures("mirrored")
def test_clients_go_on_where_nothing_was_begun_and_where_all_was_rolled_back(primary, standby, operator):
    bring_pgbouncer()
    client = through_pgbouncer("back").start()
    started = primary.run(f"stat -c %Y {primary.directory}/postmaster.pid")

    def refused(*arguments: str, code: int = 2, **own: str) -> str:
        done = operator.switch(*arguments, variables={**BOUNCER, **RESUME}, **own)
        assert done.code == code and done.line.startswith("NOT switched: nothing was changed: ")
        assert primary.run(f"stat -c %Y {primary.directory}/postmaster.pid") == started, "it was not stopped"
        assert left_of_runs(primary, standby) == ""
        check_untouched(standby)
        assert not is_paused()
        return done.line

    assert "switchover_pre_tasks is /nowhere.yml: " in refused(pre_tasks="/nowhere.yml")
    wrong = tasks(operator.home, NO_MODULE)
    for arguments in ((), ("--check",)):
        said = refused(*arguments, post_tasks=wrong)
        assert f"switchover_post_tasks is {wrong}: " in said and "no_such_module" in said and "give a file with a list of tasks" in said
    assert "tasks.yml: it is no list: " in refused(pre_tasks=tasks(operator.home, "name: no list"))
    said = refused(pre_tasks=tasks(operator.home, NOBODY_AGREES.format(examples=EXAMPLES)))
    assert said.endswith(f"the operator's tasks in {operator.home}/tasks.yml: Ask somebody: nobody agrees to switchover from cdw")
    assert "did not come to their end" in refused(code=4, pre_tasks=tasks(operator.home, LOST)), "as of any host that is lost"

    with hanging_later(primary):
        done = operator.switch(max_gap=15, variables={**BOUNCER, **PAUSE, **RESUME})
    assert done.code == 2
    assert done.line.startswith("NOT switched") and "cdw serves, as before" in done.line
    assert "stop" in done.result["seconds"], "it was begun"
    assert not is_paused()
    client.wait_for(CLIENT)
    check_no_error(client)

    foretold = operator.switch("--check", variables={**BOUNCER, **PAUSE, **RESUME})
    assert foretold.code == 0
    assert f"not run in check mode: {EXAMPLES}/pgbouncer_pause.yml before, {EXAMPLES}/pgbouncer_resume.yml after" in foretold.output
    assert not is_paused()


@pytest.mark.usefixtures("mirrored")
def test_tasks_that_fail_after_it_are_told_and_undo_nothing(operator, unconnected):
    bring_pgbouncer()
    file = tasks(operator.home, TOLD)
    given = {**BOUNCER, **PAUSE, "switchover_post_tasks": file}
    done = playbook(SWITCH, environment={**unconnected, **PAIRS, "HOME": str(operator.home)}, **given)
    assert done.returncode == 2
    assert "demo: switched with scdw port 5432\n" in done.stdout
    assert re.search(r"^demo: Have clients of PgBouncer wait \(.* s\)$", done.stdout, re.MULTILINE), "as a task of anybody's"
    said = f"the operator's tasks in {file}: Do something that cannot be done: it cannot be done"
    assert re.search(rf"^demo: switched: scdw is primary .*; {said}$", done.stdout, re.MULTILINE)
    (line,) = operator.audit()
    assert (line["outcome"], line["new_primary"], line["reason"]) == ("switched", "scdw", said)


@pytest.mark.usefixtures("mirrored")
def test_an_activation_points_pgbouncer_a_name_and_an_address_to_the_new_primary(primary, standby, operator):
    bring_pgbouncer()
    bring_dnsmasq()
    client = through_pgbouncer("lost").start()
    names = ("pgbouncer_resume", "dns", "keepalived")
    file = tasks(operator.home, "".join(f"- ansible.builtin.include_tasks: {EXAMPLES}/{name}.yml\n" for name in names))
    given = {
        **BOUNCER,
        "dns_host": CLIENT,
        "dns_file": "/tmp/dnsmasq.coordinators",
        "dns_reload": "pkill -HUP -x dnsmasq",
        "keepalived_file": "/tmp/keepalived.primary",
        "activate_standby_post_tasks": file,
    }
    with keepalived(FLOATING, primary, standby) as holds:
        holds(primary)
        primary.signal("KILL")
        done = operator.run(ACTIVATE, "activation", "activated", (), given)
        assert (done.code, done.result["outcome"]) == (0, "activated")
        holds(standby)
    assert named_in_dns("demo.example.com") == f"{NET}.12"
    before = len(client.commits())
    client.wait_for(CLIENT)
    client.stop()
    numbers = set(map(int, standby.sql(f"SELECT number FROM written_by_{client.called}", role="dispatch").split()))
    assert {commit.number for commit in client.commits()[before:]} <= numbers
    assert "scdw" in Host(CLIENT).run("cat /tmp/pgbouncer/databases.ini")
