# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three clusters of one inventory, each on its own: two share their hosts, and gamma has its segments beside its coordinator."""

from __future__ import annotations

import re

import pytest
from conftest import FLEET, PAIRS, PLAIN, Coordinator, Host, playbook, reset, statuses, unreachable, wait_in_sync
from conftest import enable as enable_some

PRIMARIES = {
    "demo": Coordinator("cdw", "/data/whpg/v7/coordinator/gpseg-1"),
    "beta": Coordinator("cdw", "/data/beta/v7/coordinator/gpseg-1", "beta"),
    "gamma": Coordinator("cdw2", "/data/gamma/v7/coordinator/gpseg-1", "gamma"),
}
STANDBYS = {
    "demo": Coordinator("scdw", "/data/whpg/v7/standby/gpseg-1"),
    "beta": Coordinator("scdw", "/data/beta/v7/standby/gpseg-1", "beta"),
    "gamma": Coordinator("scdw", "/data/gamma/v7/standby/gpseg-1", "gamma"),
}
SEGMENT_HOSTS = {"demo": "sdw1", "beta": "sdw1", "gamma": "cdw2"}
ALL_MIRRORED = {"demo": "mirrored", "beta": "mirrored", "gamma": "mirrored"}


def enable(*arguments, **variables):
    return enable_some(*arguments, inventory=FLEET, **variables)


def summary(done):
    """By cluster, what the end summary says of it."""
    said = re.findall(r"^(demo|beta|gamma): ((?:NOT )?mirrored.*)$", done.stdout, re.MULTILINE)
    assert len(said) == len(dict(said)), f"one line a cluster: {said}"
    return dict(said)


def block(host: str, directory: str) -> list[str]:
    """The rules that were put before those which the instance was made with."""
    on = Host(host)
    rules = on.run(f"cat {directory}/pg_hba.conf").splitlines()
    made_with = on.run(f"cat /data/pristine{directory}/pg_hba.conf").splitlines()
    assert rules[-len(made_with) :] == made_with, f"{host}:{directory}: rules of others stay as they were"
    return [" ".join(rule.replace('"', "").split()) for rule in rules[: -len(made_with)] if not rule.startswith("#")]


def segments(cluster: str) -> list[str]:
    """Data directories of the primaries and the mirrors."""
    found = Host(SEGMENT_HOSTS[cluster], cluster).run("ls -d $WHPG_DIRECTORY/primary/* $WHPG_DIRECTORY/mirror/*").split()
    assert len(found) == 4
    return found


def addresses(host: str) -> set[str]:
    """As rules name them, without those of a link."""
    words = Host(host).run("ip -brief address show scope global").split()
    return {re.sub("/64$", "/128", re.sub("/24$", "/32", word)) for word in words if "/" in word}


def address_of(rule: str) -> str:
    return rule.split()[3]


def server_starts() -> dict[str, str]:
    return {name: primary.sql("SELECT pg_postmaster_start_time()") for name, primary in PRIMARIES.items()}


@pytest.mark.parametrize("cluster", PRIMARIES)
def test_each_is_mirrored_by_its_own_standby(cluster):
    primary, standby = PRIMARIES[cluster], STANDBYS[cluster]
    columns = "application_name, state, sync_state"
    assert primary.sql(f"SELECT {columns} FROM pg_stat_replication") == "gp_walreceiver|streaming|sync"
    row = primary.sql("SELECT dbid, hostname, port, datadir FROM gp_segment_configuration WHERE content = -1 AND role = 'm'")
    dbid = standby.run(f"sed -n 's/^gp_dbid *= *//p' {standby.directory}/internal.auto.conf")
    assert row == f"{dbid}|scdw|{standby.run('echo $PGPORT')}|{standby.directory}"
    systems = {coordinator.run(f"pg_controldata {coordinator.directory} | grep 'system identifier'") for coordinator in (primary, standby)}
    assert len(systems) == 1


def table() -> tuple[list[list[str]], list[str], int]:
    """The words of the lines of the table that status shows, the lines below it, and the exit code."""
    done = playbook("warehousepg.coordinator.status", inventory=FLEET, environment=PLAIN)
    head, *lines = re.search(r"^cluster  .*\n(?:.+\n)+", done.stdout, re.MULTILINE)[0].splitlines()
    assert head.split() == ["cluster", "state", "primary", "standby", "lag", "retained", "WAL", "since", "(UTC)", "warnings"]
    assert all(len(line) <= 120 for line in (head, *lines[:3]))
    return [line.split() for line in lines[:3]], lines[3:], done.returncode


def test_status_shows_all_of_them():
    assert statuses(inventory=FLEET) == (ALL_MIRRORED, 0)
    lines, below, code = table()
    assert [line[:4] for line in lines] == [
        ["beta", "mirrored", "beta-cdw", "beta-scdw"],
        ["demo", "mirrored", "cdw", "scdw"],
        ["gamma", "mirrored", "gamma-cdw2", "gamma-scdw"],
    ]
    assert (below[-1], code) == ("3 clusters: 3 mirrored", 0)


def test_a_cluster_without_checksums_has_a_standby_without():
    for coordinator in (PRIMARIES["beta"], STANDBYS["beta"]):
        assert "page checksum version: 0" in " ".join(coordinator.run(f"pg_controldata {coordinator.directory}").split())


def test_passfiles_are_apart():
    kept = Host("scdw").run("cd ~/.whpg; md5sum *.pgpass").split()
    assert set(kept[1::2]) == {"demo.pgpass", "beta.pgpass", "gamma.pgpass"}
    assert len(set(kept[::2])) == 3


@pytest.mark.parametrize("cluster", PRIMARIES)
def test_segments_allow_access_to_both_coordinators_of_their_cluster_and_nobody_else(cluster):
    host = SEGMENT_HOSTS[cluster]
    desired = addresses(PRIMARIES[cluster].name) | addresses(STANDBYS[cluster].name)
    for directory in segments(cluster):
        rules = block(host, directory)
        assert rules, f"{directory} has no rules"
        assert all(rule.startswith("host all gpadmin ") for rule in rules), f"{directory}: {rules}"
        assert {address_of(rule) for rule in rules} == desired


@pytest.mark.parametrize("cluster", PRIMARIES)
def test_coordinators_allow_each_other_access_for_replication(cluster):
    primary, standby = PRIMARIES[cluster], STANDBYS[cluster]
    rules = [rule for rule in block(primary.name, primary.directory) if rule.split()[1] == "replication"]
    assert {address_of(rule) for rule in rules} == addresses(primary.name) | addresses(standby.name)
    files = {coordinator.run(f"md5sum < {coordinator.directory}/pg_hba.conf") for coordinator in (primary, standby)}
    assert len(files) == 1, "either may be primary later"


def test_a_cluster_whose_coordinator_is_cut_off_does_not_stop_the_others(unconnected):
    reset()
    with unreachable("cdw2"):
        done = enable(environment={**unconnected, **PAIRS})
    assert done.returncode == 2
    *_steps, demo, beta, gamma = lines = done.stdout.splitlines()
    assert demo.startswith("demo: mirrored: ") and beta.startswith("beta: mirrored: ")
    assert gamma.startswith("FAILED: gamma: NOT mirrored: ") and "gamma-cdw2" in gamma
    assert len(lines) <= 3 * len(PRIMARIES)
    verdicts, code = statuses(inventory=FLEET)
    assert (verdicts, code) == ({**ALL_MIRRORED, "gamma": "unmirrored"}, 2)
    lines, below, code = table()
    assert ([line[:2] for line in lines], code) == ([["gamma", "unmirrored"], ["beta", "mirrored"], ["demo", "mirrored"]], 2)
    assert below[0].startswith("gamma: unmirrored: ") and below[-1] == "3 clusters: 1 unmirrored, 2 mirrored"


def test_a_run_for_one_cluster_leaves_the_others_alone():
    # gamma is left unmirrored by the test before
    before = server_starts()
    PRIMARIES["beta"].sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    done = enable(whpg_hosts="gamma")
    assert done.returncode == 0
    assert set(summary(done)) == {"gamma"}
    wait_in_sync(PRIMARIES["beta"])  # which its standby sees to, within wal_retrieve_retry_interval
    assert statuses(inventory=FLEET) == (ALL_MIRRORED, 0)
    done = enable(whpg_hosts="beta")
    assert done.returncode == 0
    assert set(summary(done)) == {"beta"}
    assert not re.search(r"^(\S*cdw2|cdw|scdw|sdw1) +: ", done.stdout, re.MULTILINE), "only hosts of beta took part"
    assert server_starts() == before


def test_a_cluster_whose_standby_is_cut_off_is_named_and_its_primary_serves(unconnected):
    before = server_starts()
    with unreachable("scdw"):
        done = enable(environment=unconnected)
        assert done.returncode == 2
        said = summary(done)
        assert all(said[cluster].startswith("NOT mirrored") and "scdw" in said[cluster] for cluster in PRIMARIES)
    assert server_starts() == before
    assert statuses(inventory=FLEET) == (ALL_MIRRORED, 0)
