# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import segment_fence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.packet_filter import identifier
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.registry import FILTERS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.segment_fence import Fence, FenceOnHost, State, fence_of
from hypothesis import given
from hypothesis import strategies as st

BOTH = Fence(cluster="demo", addresses=("10.0.0.11", "fd00::11"), ports=(6000, 7000), tool="nft")
OLD = Fence(cluster="demo", addresses=("10.0.0.11",), ports=(6000, 7000), tool="nft")
PATHS = segment_fence.paths_of("demo")
TEXTS = segment_fence.texts_of(OLD, PATHS)
UP = State(described=dataclasses.replace(OLD, since=5.0), tool="nft", rules=OLD.rules, leftover=True, texts=TEXTS, enabled=True)
NOTHING = State(described=None, tool="nft", rules=frozenset(), leftover=False, texts={}, enabled=False)
ALL = ["describe", "keep", "reject", "end_sessions", "confirm", "tell_systemd"]


@pytest.mark.parametrize(
    ("state", "desired", "steps"),
    [
        (NOTHING, OLD, ALL),
        (UP, OLD, []),
        (dataclasses.replace(UP, described=OLD), OLD, ["describe", "confirm"]),
        (dataclasses.replace(UP, sessions=1), OLD, ["describe", "end_sessions", "confirm"]),
        (dataclasses.replace(UP, rules=frozenset()), OLD, ["describe", "reject", "end_sessions", "confirm"]),
        (dataclasses.replace(UP, enabled=False), OLD, ["keep", "tell_systemd"]),
        (dataclasses.replace(UP, texts={**TEXTS, PATHS.script: "old"}), OLD, ["keep", "tell_systemd"]),
        (dataclasses.replace(UP, described=None), OLD, ["describe", "confirm"]),
        (UP, BOTH, ALL),
        (UP, None, ["remove_rules", "remove_files", "tell_systemd"]),
        (dataclasses.replace(UP, leftover=False), None, ["remove_files", "tell_systemd"]),
        (dataclasses.replace(NOTHING, leftover=True), None, ["remove_rules"]),
        (dataclasses.replace(NOTHING, texts={PATHS.unit: "unit"}), None, ["remove_files", "tell_systemd"]),
        (NOTHING, None, []),
    ],
)
def test_plans_what_is_missing(state, desired, steps):
    assert [step.name for step in segment_fence.plan(state, desired, PATHS)] == steps


states = st.builds(
    State,
    described=st.sampled_from([None, OLD, BOTH, UP.described]),
    tool=st.just("nft"),
    rules=st.sampled_from([frozenset(), OLD.rules, BOTH.rules]),
    leftover=st.booleans(),
    texts=st.sampled_from([{}, TEXTS, {PATHS.script: "other"}]),
    enabled=st.booleans(),
    sessions=st.integers(0, 2),
)


@given(states, st.sampled_from([OLD, BOTH]))
def test_what_is_not_whole_is_put_up_and_confirmed_last(state, desired):
    names = [step.name for step in segment_fence.plan(state, desired, PATHS)]
    assert names == [name for name in ALL if name in names]
    if state.rules != desired.rules or state.sessions:
        assert {"describe", "end_sessions", "confirm"} <= set(names)
    assert ("reject" in names) == (state.rules != desired.rules)


def test_wants_each_address_once_and_in_one_form():
    fence = fence_of("demo", ["FD00:0::11", "10.0.0.11", "10.0.0.11"], [7000, 6000, 7000], "nft", ["10.0.0.21"])
    assert fence == BOTH
    assert fence.rules == {(address, port) for address in ("10.0.0.11", "fd00::11") for port in (6000, 7000)}


@pytest.mark.parametrize(
    ("addresses", "ports", "tool", "message"),
    [
        (["cdw"], [6000], "nft", "addresses has 'cdw', which is no address: give IPv4 or IPv6 addresses, no names"),
        (["10.0.0.0/24"], [6000], "nft", "which is no address"),
        (["10.0.0.11", "10.0.0.21"], [6000], "nft", "addresses has 10.0.0.21, this host's own"),
        (["::1"], [6000], "nft", "addresses has ::1, this host's own"),
        (["0.0.0.0"], [6000], "nft", "addresses has 0.0.0.0, this host's own"),
        (["10.0.0.11"], [65536], "nft", "ports has 65536: give ports, 1 to 65535"),
        (["10.0.0.11"], [], "nft", "nothing is to be fenced"),
        ([], [6000], "nft", "nothing is to be fenced"),
        (["10.0.0.11"], [6000], None, "neither nft nor iptables works on this host"),
    ],
)
def test_refuses_what_would_fence_nothing_or_too_much(addresses, ports, tool, message):
    with pytest.raises(CoordinatorError, match=re.escape(message)):
        fence_of("demo", addresses, ports, tool, ["10.0.0.21"])


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True), st.sampled_from([17, 48]))
def test_each_cluster_has_its_own_identifier(clusters, longest):
    names = [identifier(cluster, longest) for cluster in clusters]
    assert len({name.upper() for name in names}) == 2
    assert all(re.fullmatch(r"[a-z0-9_]+", name) and len(name) <= longest for name in names)


def test_the_identifier_is_the_name_where_that_can_be():
    assert identifier("demo") == "demo"
    assert identifier("Demo 1").startswith("demo_1_")


@pytest.mark.parametrize("fence", [BOTH, dataclasses.replace(BOTH, tool="iptables"), dataclasses.replace(OLD, tool="iptables")])
def test_the_script_is_one_of_the_shell(fence):
    subprocess.run(["sh", "-n"], input=segment_fence.script(fence), text=True, check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-"], input=segment_fence.script(fence), text=True, check=True)


HOSTILE = ["fe80::1%$(touch /tmp/x)", "fe80::1%\nreboot\n", "fe80::1%eth0", "10.0.0.1; reboot", "10.0.0.1\n", "$(id)", "", 5]
addresses = st.text() | st.sampled_from(HOSTILE) | st.ip_addresses().map(str) | st.text().map(lambda text: f"fe80::1%{text}")


@given(st.lists(addresses, max_size=3), st.sampled_from(sorted(FILTERS)))
def test_what_root_runs_holds_nothing_but_addresses_and_ports(given_addresses, tool):
    scripts = {segment_fence.script(Fence(cluster="demo", addresses=(), ports=(), tool=tool))}
    try:
        fence = fence_of("demo", given_addresses, [6000], tool, [])
    except CoordinatorError:
        with pytest.raises(ValueError):
            segment_fence.rules_of(Fence(cluster="demo", addresses=("fe80::1%$(id)",), ports=(6000,), tool=tool))
        return
    assert {segment_fence.script(fence)} == scripts
    for text in segment_fence.rules_of(fence).values():
        found = re.findall(r'(?:"saddr"}}, "right": "|-s )([0-9a-f.:]+)(?:"}}, |/32 |/128 )', text)
        assert len(found) == sum("dport" in line for line in text.splitlines())
        assert set(found) <= {str(ipaddress.ip_address(address)) for address in fence.addresses}


@pytest.mark.parametrize("address", HOSTILE)
def test_what_is_no_address_of_one_host_is_refused(address):
    with pytest.raises(CoordinatorError, match="which is no address"):
        fence_of("demo", ["10.0.0.11", address], [6000], "nft", [])


def test_an_address_of_ipv4_is_one_also_in_the_form_of_ipv6():
    assert fence_of("demo", ["::ffff:10.0.0.11"], [6000], "nft", []).addresses == ("10.0.0.11",)


def test_the_unit_runs_the_script_after_the_firewalls():
    text = segment_fence.unit(OLD, PATHS.script)
    assert "ExecStart=/bin/sh /etc/warehousepg-coordinator/fence-demo\n" in text
    assert re.search("^After=.*nftables.service.*firewalld.service", text, re.MULTILINE)
    # else it would come after sysinit.target, and with cloud-init in a circle
    assert "DefaultDependencies=no\n" in text


@given(st.sampled_from([BOTH, OLD, UP.described]))
def test_a_description_is_read_as_written(fence):
    assert segment_fence.parse_description(json.dumps(dataclasses.asdict(fence))) == fence


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"cluster": "demo"}', json.dumps({**dataclasses.asdict(OLD), "addresses": ["fe80::1%x"]})],
)
def test_what_is_no_description_tells_of_no_fence(text):
    assert segment_fence.parse_description(text) is None


NFT = """\
case "$*" in
  '-j list tables') echo '{"nftables": []}' ;;
  '-j -f '*)
    while IFS= read -r line; do
      case $line in '{"add": {"chain"'*|'{"add": {"rule"'*) printf '%s\\n' "$line" ;; esac
    done < "$3" > "$0.rules" ;;
  '-j -n list table inet whpg_fence_demo')
    [ -f "$0.rules" ] || exit 1
    echo '{"nftables": ['
    sed 's/^{"add": //; s/,$//; s/}$//; $!s/$/,/' "$0.rules"
    echo ']}' ;;
  'delete table inet whpg_fence_demo') rm "$0.rules" ;;
  *) exit 2 ;;
esac
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A directory of programs that comes first on the path."""
    directory = tmp_path / "tools"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")

    def make(name, script):
        (directory / name).write_text(f"#!/bin/sh\n{script}")
        (directory / name).chmod(0o755)
        return directory / name

    return make


@pytest.fixture
def paths(tmp_path):
    return segment_fence.paths_of("demo", str(tmp_path / "etc"), str(tmp_path / "units"))


def carry_out(here, steps, sessions):
    actions = {
        "describe": here.describe,
        "keep": here.keep,
        "reject": here.reject,
        "end_sessions": lambda fence: sessions.clear(),
        "confirm": lambda fence: here.confirm(fence, lambda: len(sessions)),
        "remove_rules": here.remove_rules,
        "remove_files": here.remove_files,
        "tell_systemd": lambda there: None,
    }
    for step in steps:
        actions[step.name](**step.arguments)


def test_puts_a_fence_up_and_takes_it_down(host, tools, paths, tmp_path):
    program = tools("nft", NFT)
    here = FenceOnHost(host, "demo", paths)
    sessions = ["one"]
    before = here.read(lambda: len(sessions))
    assert before == dataclasses.replace(NOTHING, sessions=1)
    carry_out(here, segment_fence.plan(before, BOTH, paths), sessions)
    state = here.read()
    assert segment_fence.plan(state, BOTH, paths) == []
    assert segment_fence.is_kept(state, BOTH, paths)
    (about,) = segment_fence.described(str(tmp_path / "etc"))
    assert abs(about.since - time.time()) < 60
    assert dataclasses.replace(about, since=None) == BOTH
    assert os.stat(paths.description).st_mode & 0o777 == 0o644
    (program.parent / "nft.rules").unlink()
    subprocess.run(["sh", paths.script], check=True)
    assert here.read() == state
    carry_out(here, segment_fence.plan(state, None, paths), sessions)
    assert here.read() == NOTHING
    assert segment_fence.described(str(tmp_path / "etc")) == []
    assert not (tmp_path / "etc").exists()
    assert os.listdir(tmp_path / "units") == ["multi-user.target.wants"]
    assert os.listdir(tmp_path / "units" / "multi-user.target.wants") == []


@pytest.mark.parametrize(("runs", "answer", "starts"), [(True, "enabled", True), (True, "masked", False), (False, "enabled", False)])
def test_whether_a_fence_outlasts_a_restart_is_what_systemd_says(host, tools, paths, tmp_path, monkeypatch, runs, answer, starts):
    tools("nft", NFT)
    tools("systemctl", f'[ "$*" = "is-enabled whpg-fence-demo.service" ] && echo {answer}\n')
    monkeypatch.setattr(segment_fence, "SYSTEMD", str(tmp_path if runs else tmp_path / "none"))
    here = FenceOnHost(host, "demo", paths)
    carry_out(here, segment_fence.plan(here.read(), OLD, paths), [])
    state = here.read()
    assert segment_fence.is_kept(state, OLD, paths)
    assert segment_fence.is_persistent(state, OLD, paths) is starts
    assert segment_fence.plan(state, OLD, paths) == []


def test_a_fence_that_is_cut_off_is_described_and_finished(host, tools, paths):
    tools("nft", NFT)
    here = FenceOnHost(host, "demo", paths)
    steps = segment_fence.plan(here.read(), OLD, paths)
    for count in range(len(steps)):
        carry_out(here, steps[:count], [])
        state = here.read()
        assert count == 0 or state.described is not None
        assert (state.described is not None and state.described.since is not None) == (count > 4)
        carry_out(here, segment_fence.plan(state, OLD, paths), [])
        assert segment_fence.plan(here.read(), OLD, paths) == []
        carry_out(here, segment_fence.plan(here.read(), None, paths), [])


@pytest.mark.parametrize(("loses", "sessions"), [("7000", 0), ("nothing", 2)])
def test_what_is_not_complete_is_not_confirmed(host, tools, paths, loses, sessions):
    tools("nft", NFT.replace("case $line in ", f"case $line in *'right\": {loses}'*) ;; "))
    here = FenceOnHost(host, "demo", paths)
    here.describe(OLD)
    here.keep(OLD)
    here.reject()
    with pytest.raises(CoordinatorError, match="10.0.0.11 on port 7000; sessions left: 0" if loses == "7000" else "none; sessions left: 2"):
        here.confirm(OLD, lambda: sessions)
    assert here.read().described == OLD


def test_a_script_that_fails_tells_why(host, tools, paths):
    tools("nft", "echo 'Operation not permitted' >&2; exit 1\n")
    here = FenceOnHost(host, "demo", paths)
    here.describe(OLD)
    here.keep(OLD)
    with pytest.raises(CoordinatorError, match=r"fence-demo failed with exit code 1: Operation not permitted"):
        here.reject()


IPTABLES_TOOL = """\
case "$*" in
  '-w 10 -S INPUT') grep 'A INPUT' "$0.rules" || true ;;
  '-w 10 -S') cat "$0.rules" ;;
  "-w 10 -D INPUT -j WHPG_FENCE_DEMO") sed -i '/^-A INPUT -j WHPG_FENCE_DEMO$/d' "$0.rules" ;;
  "-w 10 -F WHPG_FENCE_DEMO") sed -i '/^-A WHPG_FENCE_DEMO /d' "$0.rules" ;;
  "-w 10 -X WHPG_FENCE_DEMO") sed -i '/^-N WHPG_FENCE_DEMO$/d' "$0.rules" ;;
  *) exit 2 ;;
esac
"""
IPTABLES_RESTORE = """\
rules="${0%-restore}.rules"
sed -n 's/^:\\(WHPG[^ ]*\\) .*/-N \\1/p; s/^-I INPUT 1/-A INPUT/; /^-A/p' > "$rules.new"
grep -v 'WHPG' "$rules" >> "$rules.new" || true
mv "$rules.new" "$rules"
"""


def test_iptables_where_nftables_does_not_work(host, tools, paths):
    tools("nft", "exit 1\n")
    for name in ("iptables", "ip6tables"):
        program = tools(name, IPTABLES_TOOL)
        (program.parent / f"{name}.rules").write_text("-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 6000 -j ACCEPT\n")
        tools(f"{name}-restore", IPTABLES_RESTORE)
    here = FenceOnHost(host, "demo", paths)
    for desired in (dataclasses.replace(fence, tool="iptables") for fence in (BOTH, OLD)):
        state = here.read()
        assert state.tool == "iptables"
        carry_out(here, segment_fence.plan(state, desired, paths), [])
        assert segment_fence.plan(here.read(), desired, paths) == []
    carry_out(here, segment_fence.plan(here.read(), None, paths), [])
    for name in ("iptables", "ip6tables"):
        left = (program.parent / f"{name}.rules").read_text()
        assert left == "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 6000 -j ACCEPT\n"


def test_a_fence_is_lifted_by_an_nft_that_knows_no_json(host, tools, paths):
    """It was made by one that did, or by text."""
    program = tools("nft", NFT)
    here = FenceOnHost(host, "demo", paths)
    carry_out(here, segment_fence.plan(here.read(), OLD, paths), [])
    tools("nft", f"case $1 in -j) exit 1 ;; list) [ -f {program}.rules ] ;; *) rm {program}.rules ;; esac\n")
    state = here.read()
    assert (state.tool, state.rules, state.leftover) == ("nft", frozenset(), True)
    carry_out(here, segment_fence.plan(state, None, paths), [])
    assert here.read().leftover is False


def test_a_packet_filter_that_is_gone_is_not_used_again(host, tools, paths):
    program = tools("nft", NFT)
    here = FenceOnHost(host, "demo", paths)
    carry_out(here, segment_fence.plan(here.read(), OLD, paths), [])
    (program.parent / "nft.rules").unlink()
    tools("nft", "exit 1\n")
    tools("iptables", IPTABLES_TOOL)
    (program.parent / "iptables.rules").write_text("-P INPUT ACCEPT\n")
    assert here.read().tool == "iptables"


def test_a_host_without_packet_filter(host, tools, paths):
    for name in ("nft", "iptables", "ip6tables"):
        tools(name, "exit 1\n")
    state = FenceOnHost(host, "demo", paths).read()
    assert state == dataclasses.replace(NOTHING, tool=None)
    assert segment_fence.plan(state, None, paths) == []


def test_what_programs_are_told_of_a_status_has_all_packet_filters():
    schema = json.loads((Path(__file__).parents[5] / "roles/status/files/status.schema.json").read_text())
    assert schema["$defs"]["fence"]["properties"]["tool"]["enum"] == list(FILTERS)


@pytest.mark.parametrize("kind", FILTERS.values())
def test_the_unit_comes_after_the_services_of_each_packet_filter(kind):
    text = segment_fence.unit(OLD, PATHS.script)
    assert kind.services
    for service in kind.services:
        for setting in ("After", "PartOf", "ReloadPropagatedFrom"):
            assert re.search(rf"^{setting}=.*\b{re.escape(service)}\b", text, re.MULTILINE)
