# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import sys

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster import stages as discovery
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import OBSERVATION, Task
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._status import stages as status

from ..observed import MIRRORED, UNMIRRORED, VARIABLES


class Name(str):
    """A name that is compared in Python, where that is counted."""

    def __eq__(self, other):
        return str.__eq__(self, other)

    def __hash__(self):
        return str.__hash__(self)


def fleet(directory, **clusters):
    """The task that judges, of clusters that showed this."""
    hosts = {}
    for cluster, found in clusters.items():
        for host, seen in found.items():
            of_host = {"cluster_name": cluster, "discovery_role": "status", **VARIABLES[host]}
            desired = options.read({**of_host, "status_audit_file": str(directory / f"{cluster}.jsonl")}, lambda value: value)
            observation = {OBSERVATION: {**seen, "options": desired.options, "wrong": {}}} if seen is not None else {}
            hosts[Name(f"{host}-{cluster}")] = {**of_host, **observation}
    first = next(iter(hosts))
    known = {"groups": {"whpg_clusters": list(hosts)}, "hostvars": hosts, "inventory_hostname": first, **hosts[first]}
    known.update({name: list(hosts) for name in ("ansible_play_hosts_all", "ansible_play_hosts", "ansible_play_batch")})
    return known


def show(known, check_mode=False, of=status, **desired):
    """What is returned, with options of the first host."""
    seen = known[OBSERVATION]
    known = {**known, OBSERVATION: {**seen, "options": {**seen["options"], **desired}}}
    return of.STAGES["judge"].do(Task(known, lambda value: value, check_mode), {})


@pytest.fixture
def printed(monkeypatch):
    lines = []
    for of in (discovery, status):
        monkeypatch.setattr(of, "tell", lambda *said, colors=(): lines.extend(zip(said, colors or [None] * len(said))))
    return lines


def test_one_cluster_has_a_screen_and_many_have_a_table(printed, tmp_path):
    show(fleet(tmp_path, alpha=MIRRORED))
    assert [line for line, _color in printed][:2] == ["", "Cluster alpha: mirrored"]
    printed.clear()
    show(fleet(tmp_path, alpha=MIRRORED, beta=UNMIRRORED))
    _blank, (head, none), (first, bad), (second, _color), (said, plain), (last, _plain), _end = printed
    assert (head.split()[0], first.split()[0], second.split()[0]) == ("cluster", "beta", "alpha")
    assert (none, bad, plain) == (None, "red", None)
    assert said.startswith("beta: unmirrored: ")
    assert last == "2 clusters: 1 unmirrored, 1 mirrored"


def test_what_looks_like_options_is_warned_of_once_a_cluster(printed, tmp_path):
    misspelt = {"strangers": ["standby_prot is no option"]}
    shown = show(fleet(tmp_path, alpha={host: {**seen, **misspelt} for host, seen in MIRRORED.items()}, beta=MIRRORED))
    assert shown["clusters"]["alpha"]["warnings"].count("standby_prot is no option") == 1
    assert "standby_prot is no option" not in shown["clusters"]["beta"]["warnings"]
    assert "warnings" not in shown


def test_what_looks_like_options_is_warned_of_by_roles_that_show_no_state(printed, tmp_path):
    known = fleet(tmp_path, alpha={host: {**seen, "strangers": ["standby_prot is no option"]} for host, seen in MIRRORED.items()})
    assert show(known, of=discovery, discovery_display=None)["warnings"] == ["standby_prot is no option"]


@pytest.mark.parametrize(
    ("display", "heads"),
    [("screen", ["Cluster alpha: mirrored", "Cluster beta: unmirrored"]), ("table", ["cluster"]), ("quiet", []), ("none", [])],
)
def test_what_is_asked_for_is_shown(printed, tmp_path, display, heads):
    show(fleet(tmp_path, alpha=MIRRORED, beta=UNMIRRORED), discovery_display=display)
    assert [line for line, _color in printed if line.startswith("Cluster ")] == (heads if display == "screen" else [])
    assert any(line.startswith("cluster ") for line, _color in printed) is (display == "table")
    assert any(line.startswith("beta: unmirrored: ") for line, _color in printed) is (display in ("table", "quiet"))


def since(directory, known, **arguments):
    path = directory / "status.json"
    show(known, discovery_report_file=str(path), **arguments)
    return {cluster: told["since"] for cluster, told in json.loads(path.read_text())["clusters"].items()}


def lines(directory):
    return {path.stem: len(path.read_text().splitlines()) for path in directory.glob("*.jsonl")}


def test_a_state_is_noted_when_it_is_first_seen(printed, tmp_path):
    first = since(tmp_path, fleet(tmp_path, alpha=MIRRORED, beta=UNMIRRORED))
    assert all(first.values()) and lines(tmp_path) == {"alpha": 1, "beta": 1}
    assert since(tmp_path, fleet(tmp_path, alpha=MIRRORED, beta=UNMIRRORED)) == first
    assert lines(tmp_path) == {"alpha": 1, "beta": 1}
    assert since(tmp_path, fleet(tmp_path, alpha=UNMIRRORED, beta=UNMIRRORED), check_mode=True)["beta"] == first["beta"]
    assert lines(tmp_path) == {"alpha": 1, "beta": 1}
    since(tmp_path, fleet(tmp_path, alpha=UNMIRRORED, beta=UNMIRRORED))
    assert lines(tmp_path) == {"alpha": 2, "beta": 1}


def test_what_was_not_looked_at_has_no_state_of_its_own(printed, tmp_path):
    known = fleet(tmp_path, beta=MIRRORED, alpha={**MIRRORED, "cdw": None})
    assert since(tmp_path, known)["alpha"] is None
    assert lines(tmp_path) == {"beta": 1}


def test_discovery_writes_a_document_and_keeps_nothing(printed, tmp_path):
    report = tmp_path / "report.json"
    show(fleet(tmp_path, alpha=MIRRORED), of=discovery, discovery_report_file=str(report), status_html=str(tmp_path / "page.html"))
    told = json.loads(report.read_text())["clusters"]["alpha"]
    assert (told["state"], told["since"]) == ("mirrored", None)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_an_audit_trail_that_cannot_be_used_is_a_warning(printed, tmp_path):
    (tmp_path / "file").touch()
    returned = show(fleet(tmp_path / "file", alpha=MIRRORED))
    assert returned["warnings"] == [f"{tmp_path}/file/alpha.jsonl cannot be read on the controller: Not a directory"]
    assert returned["clusters"]["alpha"]["state"] == "mirrored"


def work(directory, count):
    """Lines of Python that it takes to judge and show so many clusters."""
    known = fleet(directory, **{f"c{number}": UNMIRRORED if number % 5 == 0 else MIRRORED for number in range(count)})
    show(known)  # what is done once is done
    done = 0

    def trace(_frame, event, _argument):
        nonlocal done
        done += event == "line"
        return trace

    sys.settrace(trace)
    try:
        show(known)
    finally:
        sys.settrace(None)
    return done


@pytest.mark.filterwarnings("ignore")
def test_ten_times_the_clusters_are_ten_times_the_work(printed, tmp_path):
    few, more, many = (work(tmp_path, count) for count in (5, 10, 50))
    each = (more - few) / 5
    assert (many - more) / 40 <= each * 1.1, "each further one takes what the one before took"


def told(directory, found, after="status", ended=None, host="cdw-alpha", check_mode=False, **desired):
    """What a notice tells of a cluster that showed this, on a host of it."""
    known = fleet(directory, alpha=found)
    for of_host in known["hostvars"].values():
        of_host[OBSERVATION]["options"].update({"coordinator_notice_command": True, "discovery_display": "none", **desired})
    known["hostvars"]["scdw-alpha"]["__standby_ended"] = {"ended": ended} if ended else {}
    looking = status if after == "status" else discovery
    known["discovery_verdict"] = looking.STAGES["judge"].do(Task(known, lambda value: value, check_mode), {})
    known.update(known["hostvars"][host], inventory_hostname=host)
    return discovery.STAGES["tell"].do(Task(known, lambda value: value, check_mode), {"after": after})["content"]


def test_a_state_is_told_when_it_is_first_seen(printed, tmp_path):
    first = told(tmp_path, MIRRORED)
    assert (first["playbook"], first["state"], first["before"], list(first["status"]["clusters"])) == (
        "status",
        "mirrored",
        None,
        ["alpha"],
    )
    assert told(tmp_path, MIRRORED) == {}
    assert told(tmp_path, UNMIRRORED, check_mode=True) == {}
    assert told(tmp_path, UNMIRRORED, coordinator_notice_command=False) == {}
    assert told(tmp_path, MIRRORED)["before"]["state"] == "unmirrored"
    said = told(tmp_path, UNMIRRORED, coordinator_notice_format="text")
    assert set(said) == {"text"} and said["text"].startswith("alpha: unmirrored (before: mirrored")


def test_one_host_tells_of_how_its_own_role_ended(printed, tmp_path):
    ended = {"outcome": "mirrored", "failed": False, "message": "mirrored: it streams", "acted": True}
    looks = {"discovery_role": "discovery", "discovery_keeps": True, "standby_rejoins": True}
    first = told(tmp_path, MIRRORED, "standby", ended, **looks)
    assert (first["playbook"], first["outcome"], first["changed"]) == ("rejoin", "mirrored", True)
    assert told(tmp_path, MIRRORED, "standby", ended, **looks)["changed"] is False
    assert told(tmp_path, MIRRORED, "standby", ended, host="scdw-alpha", **looks) == {}
    assert told(tmp_path, MIRRORED, "release", ended, **looks) == {}, "what another role said before"


def test_notices_that_were_not_taken_are_warned_of():
    known = {OBSERVATION: {"options": {"cluster_name": "alpha"}}, "_coordinator_notice_url": {"status": 500, "msg": "no"}}
    found = discovery.STAGES["warn"].do(Task({**known, "_coordinator_notice_command": {"rc": 0}}, str), {})
    assert found == {"warnings": ["alpha: no notice was taken by the endpoint: no"]}
    assert discovery.STAGES["warn"].do(Task({**known, "_coordinator_notice_url": {"skipped": True}}, str), {}) == {}
