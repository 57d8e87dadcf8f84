# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of hosts and clusters, and paths, that mean something to a shell, a file system, a template or a page."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess

from ansible_collections.warehousepg.coordinator.plugins.action import coordinator_files
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import Holder, note_file
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import fits_file_names
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.locking import LOOK, RELEASE, RENEW, TAKE, Ask
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import metrics, nagios, page, report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import render
from hypothesis import example
from markupsafe import escape
from prometheus_client.parser import text_string_to_metric_families
from unit.plays import play_all
from unit.plugins.plugin_utils.observed import MIRRORED, VARIABLES, seen

from .fuzzing import fuzzed, tellable
from .test_hosts import NOON

#: names of files, which have no slash
names = tellable.map(lambda text: text.replace("/", "_")[:60]).filter(lambda name: name not in ("", ".", ".."))
#: of those that options let through
one_line = names.filter(str.isprintable)


def ran(ask, home):
    """What a shell prints for a command of the lock."""
    run = ["/bin/sh", "-c", ask.command]
    done = subprocess.run(run, env={**os.environ, "HOME": str(home)}, cwd=home, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), ask
    return locking.parse_seen(done.stdout.decode())


def tree(directory):
    return sorted(os.path.join(where, name) for where, directories, files in os.walk(directory) for name in (*directories, *files))


@fuzzed(one_line, one_line, tellable, tellable, tellable)
@example("$(touch evaluated)", "-rf", "'; touch evaluated; '", "`touch evaluated`", "%s%n\\x41")
def test_a_lock_is_one_file_and_all_else_is_data(tmp_path_factory, directory, name, user, purpose, begun):
    home = tmp_path_factory.mktemp("home", numbered=True)
    where = home / directory
    file = str(where / f"{name}.lock")
    own = Holder(user, "control", "b", "n", 1, "2")
    taken = ran(Ask(TAKE, file, own, purpose), home)
    assert (taken.file, taken.changed, taken.lock.holder, taken.lock.purpose) == (file, True, own, purpose)
    assert tree(home) == [str(where), file]
    with open(note_file(file), "w", encoding="utf-8", newline="") as note:
        note.write(begun)
    other = dataclasses.replace(own, pid=2)
    for what in (LOOK, TAKE, RENEW, RELEASE):
        assert ran(Ask(what, file, other, purpose, finished=(begun,)), home).lock == taken.lock
    assert not ran(Ask(RELEASE, f"~/{directory}/{name}.lock", own, finished=("something else",)), home).lock
    assert [path for path in tree(home) if path not in (str(where), note_file(file))] == []


@fuzzed(tellable, tellable)
def test_what_is_held_of_a_cluster_has_a_place_of_its_own(one, other):
    assert os.path.basename(coordinator_files.held(one)).replace("-", "").isalnum()
    assert (coordinator_files.held(one) == coordinator_files.held(other)) == (one == other)


@fuzzed(tellable.filter(bool), tellable.filter(bool))
@example('demo"} 1\nwhpg_coordinator_state{cluster="x', "<script>alert(1)</script>")
@example("{{ 7 * 7 }}", "'a|b=c'")
def test_names_are_shown_as_they_are_and_have_no_effect(cluster, host):
    pair = assess(cluster, {host if name == "sdw1" else name: of for name, of in VARIABLES.items()}, {**MIRRORED, host: MIRRORED["sdw1"]})
    assert bool(pair.problems) != fits_file_names(cluster)
    observations = {host if name == "sdw1" else name: found for name, found in seen(MIRRORED).items()}
    assert all(harmless(line).isprintable() for line in render(cluster, pair, observations))
    document = report.document({cluster: report.describe(pair, observations)}, NOON)
    json.dumps(report.plain(document), allow_nan=False)
    for family in text_string_to_metric_families(metrics.text(document)):
        assert {sample.labels["cluster"] for sample in family.samples} <= {harmless(cluster)}
    assert harmless(nagios.line({cluster: pair}, document["clusters"])).count("|") == 1
    shown = page.render(document, {}, "control")
    assert "<script>alert" not in shown
    assert str(escape(harmless(cluster))) in shown


#: what a template would leave behind, and a path that leads out of its directory
TOUCH = "{{{{ lookup('ansible.builtin.pipe', 'touch {0}/evaluated') }}}}"


CLUSTERS = ("../../escaped", "a b'; touch escaped; '", "<b>\x1b[2J\n")


def test_a_run_refuses_clusters_by_their_names_and_evaluates_and_touches_nothing(tmp_path):
    """As an operator runs it. The hosts of the inventory have hostile names, too, and tell hostile things of themselves."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    fake = work / "python"  # what answers for the hosts' Python
    told = json.dumps({"msg": TOUCH.format(tmp_path), "failed": True, "ansible_facts": {"whpg_role": TOUCH.format(tmp_path)}})
    fake.write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(told)}\nexit 1\n")
    fake.chmod(0o755)
    known = {"ansible_connection": "local", "ansible_python_interpreter": str(fake), "whpg_role": "coordinator"}
    hosts = {f"c{at}$(touch {tmp_path}/evaluated)'": {**known, "cluster_name": name} for at, name in enumerate(CLUSTERS)}
    hosts["list"] = {**known, "cluster_name": ["../x"]}
    inventory = {"whpg_clusters": {"hosts": hosts, "vars": {"whpg_data_directory": "/data", "discovery_become": False}}}
    files = {"status_file": "out.json", "status_html": "out.html", "status_metrics": "out.prom", "status_fail": False}
    play = {"hosts": "all", "gather_facts": False, "roles": [{"role": "warehousepg.coordinator.status", "vars": files}]}
    done = play_all(work, inventory, [play], HOME=str(home), ANSIBLE_LOCALHOST_WARNING="false", ANSIBLE_HOME=str(home / ".ansible"))
    said = done.stdout + done.stderr
    assert said.count("part of file names") >= len(CLUSTERS), said
    assert "list: cluster_name is ['../x']: give a text" in said, said
    assert sorted(path.name for path in work.iterdir()) == ["inventory.yml", "out.html", "out.json", "out.prom", "play.yml", "python"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "work"], said
    assert sorted(path.name for path in home.iterdir()) == [".ansible", ".whpg"]
    assert all(path.name.endswith(".samples.jsonl") and path.is_file() for path in (home / ".whpg").iterdir())
    assert json.loads((work / "out.json").read_text())["clusters"].keys() == {"", *CLUSTERS}
    assert "\x1b[2J" not in said
