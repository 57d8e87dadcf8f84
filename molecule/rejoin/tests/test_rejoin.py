# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of a former primary comes back as the standby, by the cheapest way that is safe."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, NamedTuple

import pytest
from activating import Operator
from conftest import NET, Coordinator, Host, changes, playbook, podman, stopped, unreachable, wait_in_sync

REJOIN = "warehousepg.coordinator.rejoin"
SEGMENTS = Host("sdw1")
PLACE = "/data/whpg/v7/coordinator"
APART = "/data/whpg/tablespaces/apart"


class Rejoined(NamedTuple):
    code: int
    line: str  # the last word about the cluster
    changes: int


def rejoin(*arguments: str, **variables: Any) -> Rejoined:
    """Run the playbook; the names of variables are given without the role's prefix."""
    done = playbook(REJOIN, *arguments, **{f"rejoin_{name}": value for name, value in variables.items()})
    return Rejoined(done.returncode, re.findall(r"^demo: (.*)$", done.stdout, re.MULTILINE)[-1], changes(done))


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


@pytest.fixture
def in_mount(mirrored, primary, mount) -> str:
    """The primary's data directory is a mount point, to which a link leads."""
    with stopped(primary):
        primary.run(f"cp -a {primary.quoted}/. {mount}; rm -r {primary.quoted}; ln -s {mount} {primary.quoted}")
    wait_in_sync(primary)
    return mount


@pytest.fixture
def diverged(mirrored, primary, standby, operator) -> None:
    """Commits that the standby never got, and that could not be brought to it, are on the disk of the former primary."""
    primary.sql("CREATE TABLE kept (number int)")
    primary.run(f"echo '# of this host' | tee -a {primary.directory}/postgresql.conf >> {primary.directory}/pg_hba.conf")
    primary.sql("SELECT pg_switch_wal()")  # so that both have a whole segment alike
    wait_in_sync(primary)
    standby.stop()
    for number in range(5):
        primary.sql(f"INSERT INTO kept SELECT {number}")
    primary.sql("CREATE TABLE discarded AS SELECT generate_series(1, 1000) AS number")
    lose(primary)
    promote(operator, primary)
    standby.sql("INSERT INTO kept SELECT generate_series(100, 109)")


def lose(primary: Coordinator) -> None:
    primary.signal("KILL")


def promote(operator: Operator, primary: Coordinator) -> None:
    """Activate the standby while the WAL of the former primary cannot be read."""
    primary.run(f"mv {primary.quoted}/pg_wal {primary.quoted}.wal; mkdir -m 700 {primary.quoted}/pg_wal")
    assert operator.activate(both_down=True, accept_loss=True).code == 0
    primary.run(f"rmdir {primary.quoted}/pg_wal; mv {primary.quoted}.wal {primary.quoted}/pg_wal")


def beside(primary: Coordinator) -> list[str]:
    """What is beside the data directory."""
    return [name for name in primary.run(f"ls -A {PLACE}").split() if name != "gpseg-1"]


def check_standby(primary: Coordinator, former: Coordinator) -> None:
    """The former primary is the standby, under a number of its own, and nothing of the way there is left."""
    assert former.host.file(f"{former.directory}/standby.signal").exists
    registered = primary.sql("SELECT dbid FROM gp_segment_configuration WHERE content = -1 AND role = 'm'")
    assert former.run(f"cat {former.directory}/internal.auto.conf").replace(" ", "") == f"gp_dbid={registered}"
    assert "FENCED" not in former.run(f"cat {former.directory}/postgresql.conf")
    for coordinator in (primary, former):
        assert "rewind" not in coordinator.run(f"cat {coordinator.directory}/pg_hba.conf")
    rights = "SELECT has_function_privilege('standby_replicator', 'pg_read_binary_file(text)', 'EXECUTE')"
    assert primary.sql(rights) == "f"


def check_settled() -> None:
    again = rejoin()
    assert (again.code, again.changes) == (0, 0)
    assert again.line.startswith("mirrored")


def oldest_wal(coordinator: Coordinator) -> str:
    """Name of its oldest WAL segment."""
    return coordinator.run(f"ls {coordinator.quoted}/pg_wal | grep -E '^[0-9A-F]{{24}}$' | head -n 1")


def file_number(coordinator: Coordinator, segment: str) -> str:
    """What a copy of the segment would have another of."""
    return coordinator.run(f"stat -c %i {coordinator.quoted}/pg_wal/{segment}")


def digest(coordinator: Coordinator, segment: str) -> str:
    return coordinator.run(f"md5sum < {coordinator.quoted}/pg_wal/{segment}")


def check_pages(primary: Coordinator) -> None:
    """Every page of it is whole; it is stopped for that, which cannot be done with a standby."""
    primary.stop()
    primary.run(f"pg_controldata {primary.quoted} | grep -q 'checksum version: *0' || pg_checksums --check -D {primary.quoted}")


def fail_back(operator: Operator, primary: Coordinator, former: Coordinator, query: str) -> str:
    """What the former primary answers once it is primary again."""
    wait_in_sync(primary)
    primary.signal("KILL")
    done = operator.activate()
    assert done.code == 0, done.line
    assert done.result["loss"]["known"] == "none"
    return former.sql(query)


def test_one_that_has_nothing_of_its_own_is_started_as_it_is(primary, standby, operator, converged):
    (line,) = re.findall(r"^demo: (.*)$", converged, re.MULTILINE)
    assert line.startswith("mirrored: cdw streams in sync from scdw")
    assert "it rejoined as it is: it has nothing of its own" in line
    assert beside(primary) == []
    check_standby(standby, primary)

    # And back again, each host the other's standby.
    assert fail_back(operator, standby, primary, "SELECT count(*) FROM kept") == "100"
    files = standby.run(f"find {standby.directory} -type f | sort | xargs md5sum")
    foretold = rejoin("--check")
    assert foretold.code == 0
    assert "can be mirrored: scdw can be the standby of cdw as it is" in foretold.line
    assert standby.run(f"find {standby.directory} -type f | sort | xargs md5sum") == files
    assert "as it is" in rejoin().line
    check_standby(primary, standby)


@pytest.mark.usefixtures("diverged")
def test_one_that_diverged_is_rewound_and_says_what_it_had(primary, standby, operator):
    log = primary.run(f"ls {primary.directory}/log").split()
    segment = oldest_wal(standby)
    file = file_number(primary, segment)
    assert "by pg_rewind: its WAL goes on to" in rejoin("--check").line

    done = rejoin()
    assert done.code == 0
    assert "it rejoined by pg_rewind" in done.line
    assert re.search(r"only it had \S+ to \S+ on timeline 1, with [67] commits, the last at 20\d\d-", done.line)
    report = [json.loads(line) for line in primary.run("cat ~/.whpg/demo.discarded.jsonl").splitlines()]
    assert [entry["method"] for entry in report] == ["rewind"]
    assert report[0]["from"] in done.line and report[0]["last_commit"] in done.line
    assert beside(primary) == []
    for name in ("postgresql.conf", "pg_hba.conf"):
        assert "# of this host" in primary.run(f"cat {primary.directory}/{name}")
    assert set(log) <= set(primary.run(f"ls {primary.directory}/log").split())
    assert file_number(primary, segment) == file, "WAL that both have is not copied"
    assert "MiB were copied;" in done.line, "and nothing is said of why it would be"
    check_standby(standby, primary)
    check_settled()
    assert digest(primary, segment) == digest(standby, segment)

    assert fail_back(operator, standby, primary, "SELECT count(*) FROM kept") == "10"
    assert primary.sql("SELECT count(*) FROM pg_class WHERE relname = 'discarded'") == "0"
    check_pages(primary)


OWN = {
    "gpbackup_history.db": "of cdw",
    "gpbackup_history.yaml": "of cdw",
    "gpmetrics/1": "of cdw",
    "backups/x/report": "of cdw",
    "gpssl/server.key": "of cdw",
}
# On the primary there is another one of that name.
BOTH = "pgbouncer/users"


def add_files(primary: Coordinator, standby: Coordinator) -> None:
    """Files that WAL does not carry: some only the former primary has, one the present one has otherwise."""
    for path, content in {**OWN, BOTH: "of cdw"}.items():
        primary.run(f"mkdir -p $(dirname {primary.quoted}/{path}); echo {content} > {primary.quoted}/{path}")
    standby.run(f"mkdir -p {standby.quoted}/$(dirname {BOTH}); echo of scdw > {standby.quoted}/{BOTH}")


def check_files(primary: Coordinator, line: str) -> str:
    """Those files are kept, or set aside, and named; returns where the latter are."""
    for path, content in OWN.items():
        assert primary.run(f"cat {primary.quoted}/{path}") == content
    assert f"only it had {', '.join(sorted(OWN))}, kept in place" in line
    assert primary.run(f"cat {primary.quoted}/{BOTH}") == "of scdw"
    found = re.search(rf"the primary has otherwise ([^;]*{BOTH}[^;]*), its own are in (\S+?)(?:;|$)", line)
    assert found
    for name in found[1].split(", "):
        assert primary.host.file(f"{found[2]}/{name}").exists
    assert primary.run(f"cat {found[2]}/{BOTH}") == "of cdw"
    return found[2]


@pytest.mark.usefixtures("diverged")
def test_files_that_only_it_has_are_kept_by_a_rewind(primary, standby):
    add_files(primary, standby)
    foretold = rejoin("--check").line
    assert f"only it has {', '.join(sorted(OWN))}, which it keeps" in foretold
    assert f"the primary has otherwise {BOTH}, of which its own are set aside" in foretold
    done = rejoin()
    assert done.code == 0
    assert "it rejoined by pg_rewind" in done.line
    aside = check_files(primary, done.line)
    assert beside(primary) == [aside.rsplit("/", 1)[1]]
    assert primary.run(f"find {aside} -type f") == f"{aside}/{BOTH}"
    check_standby(standby, primary)
    check_settled()


@pytest.fixture
def disk(primary):
    """Another file system, as far as pg_wal and the logs are concerned."""
    podman("exec", primary.name, "sh", "-c", "rm -rf /data/disk; mkdir /data/disk; chown gpadmin: /data/disk")
    yield "/data/disk"
    podman("exec", primary.name, "rm", "-rf", "/data/disk")


@pytest.mark.drawn
@pytest.mark.parametrize("remove", [True, False])
@pytest.mark.usefixtures("diverged")
def test_links_stay_links_and_files_are_kept_by_a_copy(primary, standby, disk, remove):
    add_files(primary, standby)
    for name, place in (("pg_wal", "wal"), ("log", "logs")):
        primary.run(f"mv {primary.quoted}/{name} {disk}/{place}; ln -s {disk}/{place} {primary.quoted}/{name}")
    logs = primary.run(f"ls {disk}/logs").split()
    before = primary.run(f"find {primary.quoted} {disk} ! -name '*.log' ! -name '*.csv' | sort")
    foretold = rejoin("--check", method="basebackup", remove_set_aside=remove).line
    assert f"only it has {', '.join(sorted(OWN))}, which it keeps" in foretold
    assert f"pg_wal stays a link to {disk}/wal" in foretold
    assert primary.run(f"find {primary.quoted} {disk} ! -name '*.log' ! -name '*.csv' | sort") == before

    done = rejoin(method="basebackup", remove_set_aside=remove)
    assert done.code == 0
    assert f"pg_wal stays a link to {disk}/wal" in done.line
    for name, place in (("pg_wal", "wal"), ("log", "logs")):
        assert primary.run(f"realpath {primary.quoted}/{name}") == f"{disk}/{place}"
    assert set(logs) <= set(primary.run(f"ls {disk}/logs").split())
    if remove:
        assert f"the former WAL in {disk}/wal.set_aside-" in done.line and "was removed" in done.line
        assert re.search(rf"was removed with the former directory, as desired: [^;]*{BOTH}", done.line)
        assert primary.run(f"ls -A {disk}") == "logs\nwal"
        assert beside(primary) == []
    else:
        (aside,) = beside(primary)
        assert check_files(primary, done.line) == f"{PLACE}/{aside}"
        old = primary.run(f"realpath {PLACE}/{aside}/pg_wal")
        assert f"the former WAL is in {old}" in done.line and old.startswith(f"{disk}/wal.set_aside-")
        assert primary.run(f"pg_controldata {PLACE}/{aside} | grep -c 'cluster state'") == "1"
    check_standby(standby, primary)
    check_settled()


@pytest.mark.drawn
@pytest.mark.usefixtures("diverged")
def test_where_the_copy_fails_what_was_there_stays_and_nothing_else(primary, standby, disk):
    add_files(primary, standby)
    primary.run(f"mv {primary.quoted}/pg_wal {disk}/wal; ln -s {disk}/wal {primary.quoted}/pg_wal")
    before = primary.run(f"find {primary.quoted} {disk} ! -path '*/log/*' | sort")
    # a file of the primary that it may not send
    podman("exec", standby.name, "sh", "-c", f"echo 1 > {standby.quoted}/unreadable; chmod 0 {standby.quoted}/unreadable")
    try:
        failed = rejoin(method="basebackup")
    finally:
        podman("exec", standby.name, "rm", f"{standby.directory}/unreadable")
    assert failed.code == 2
    assert set(beside(primary)) <= {".gpseg-1.coordinator_snapshot"}, "what the next copy goes on from may stay"
    assert primary.run(f"find {primary.quoted} {disk} ! -path '*/log/*' | sort") == before
    assert rejoin().code == 0
    check_standby(standby, primary)


@pytest.mark.drawn
@pytest.mark.usefixtures("diverged")
def test_what_cannot_be_rewound_is_copied_and_kept(primary, standby):
    add_files(primary, standby)
    # a file that pg_rewind has to remove and may not
    primary.run(f"mkdir {primary.directory}/base/odd; touch {primary.directory}/base/odd/1; chmod 500 {primary.directory}/base/odd")
    done = rejoin()
    assert done.code == 0
    assert "it rejoined by a copy of the blocks that differ: it could not be rewound: pg_rewind failed" in done.line
    assert re.search(r"with [67] commits", done.line)
    (aside,) = beside(primary)
    assert f"what was there is in {PLACE}/{aside}" in done.line
    assert check_files(primary, done.line) == f"{PLACE}/{aside}"
    assert "FENCED_scdw" in primary.run(f"cat {PLACE}/{aside}/postgresql.conf")
    assert primary.run(f"cat {PLACE}/{aside}/base/odd/1") == ""
    check_standby(standby, primary)
    primary.run(f"chmod 700 {PLACE}/{aside}/base/odd")


@pytest.mark.drawn
@pytest.mark.parametrize("remove", [True, False])
@pytest.mark.usefixtures("in_mount", "diverged")
def test_one_in_a_mount_point_is_copied_within_it(primary, standby, mount, remove):
    add_files(primary, standby)
    before = primary.run(f"find {mount} /mnt/whpg {PLACE} ! -path '*/log/*' | sort")
    foretold = rejoin("--check", remove_set_aside=remove)
    assert foretold.code == 0
    assert (
        "by a copy of the blocks that differ" in foretold.line
        and "its data directory is a mount point, which cannot be renamed" in foretold.line
    )
    assert primary.run(f"find {mount} /mnt/whpg {PLACE} ! -path '*/log/*' | sort") == before

    done = rejoin(remove_set_aside=remove)
    assert done.code == 0
    assert "it rejoined by a copy of the blocks that differ" in done.line
    assert primary.run(f"realpath {primary.quoted}; ls -A /mnt/whpg {PLACE}").split() == [
        *(mount, "/data/whpg/v7/coordinator:", "gpseg-1", "/mnt/whpg:", "gpseg-1")
    ]
    aside = f"{mount}/.coordinator_aside"
    if remove:
        assert primary.run(f"ls -A {aside} 2> /dev/null || true") == ""
    else:
        (name,) = primary.run(f"ls -A {aside}").split()
        assert f"what was there is in {aside}/{name}" in done.line
        assert check_files(primary, done.line) == f"{aside}/{name}"
    check_standby(standby, primary)
    check_settled()


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_what_is_unusable_is_copied_and_kept_and_something_else_is_not_touched(primary, standby, operator):
    used = primary.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    lose(primary)
    assert operator.activate().code == 0
    primary.run(f"mv {primary.directory} {PLACE}/away; mkdir {primary.directory}; touch {primary.directory}/photo")
    for arguments in (["--check"], []):
        done = rejoin(*arguments)
        assert (done.code, done.changes) == (2, 0), "nothing was registered"
        assert "no instance" in done.line
    assert primary.run(f"ls {primary.directory}") == "photo"
    primary.run(f"rm -r {primary.directory}; mv {PLACE}/away {primary.directory}")

    # A former primary first, then what was the standby.
    kept = 0
    for spoil, said in (
        (f"truncate -s 100000 {{0}}/pg_wal/{used}", f"its WAL is not whole: {used} has 100000 bytes"),
        ("rm -r {0}/pg_logical", "lacks pg_logical"),
        ("rm {0}/global/pg_control", "lacks global/pg_control"),
        ("rm {0}/PG_VERSION", "not whole"),
        ("mv {0} {1}/.gpseg-1.coordinator_rewind", "a rewind of it was cut off"),
    ):
        if kept:
            primary.stop()
        primary.run(spoil.format(primary.quoted, shlex.quote(PLACE)))
        if not kept:
            foretold = rejoin("--check")
            assert foretold.code == 0
            assert "by a copy of the blocks that differ" in foretold.line and said in foretold.line
        remove = "PG_VERSION" in spoil
        done = rejoin(remove_set_aside=remove)
        assert done.code == 0
        assert done.line.startswith("mirrored: ") and "it rejoined by a copy of the blocks that differ" in done.line
        assert said in done.line
        kept += not remove
        assert len(beside(primary)) == kept
    check_standby(standby, primary)
    check_settled()


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_host_that_was_silent_comes_back(primary, standby, operator):
    with unreachable("cdw"):
        assert operator.activate(fence_segments=True, accept_loss=True).code == 0
    refused = rejoin()
    assert refused.code == 2
    assert "split_brain" in refused.line or "cdw, scdw" in refused.line
    assert f"{NET}.11" in SEGMENTS.run("sudo nft list ruleset")
    primary.stop()
    done = rejoin()
    assert done.code == 0
    assert SEGMENTS.run("ls /etc/warehousepg-coordinator 2> /dev/null || true") == ""
    assert f"{NET}.11" not in SEGMENTS.run("sudo nft list ruleset")
    check_standby(standby, primary)


@pytest.fixture
def tablespace(primary, standby):
    for host in (primary, standby, SEGMENTS):
        podman("exec", host.name, "rm", "-rf", APART)
        host.run(f"mkdir -p {APART}")
    yield
    for host in (primary, standby, SEGMENTS):
        podman("exec", host.name, "rm", "-rf", APART)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored", "tablespace")
def test_tablespaces_come_along(primary, standby, operator):
    primary.sql(f"CREATE TABLESPACE apart LOCATION '{APART}'", role="dispatch")
    primary.sql("CREATE TABLE kept (number int) TABLESPACE apart")
    primary.sql("INSERT INTO kept SELECT generate_series(1, 1000)")
    primary.sql("CHECKPOINT")
    wait_in_sync(primary)
    standby.stop()
    primary.sql("INSERT INTO kept SELECT generate_series(1001, 2000)")
    lose(primary)
    promote(operator, primary)

    def own_part(former: Coordinator) -> str:
        dbid = former.run(f"sed -n 's/^gp_dbid *= *//p' {former.directory}/internal.auto.conf")
        assert former.run(f"readlink {former.directory}/pg_tblspc/*") == f"{APART}/{dbid}"
        return dbid

    assert "by pg_rewind" in rejoin().line
    assert primary.run(f"ls {APART}").split() == [own_part(primary)]
    check_standby(standby, primary)
    assert fail_back(operator, standby, primary, "SELECT count(*) FROM kept") == "1000"

    old = standby.run(f"ls {APART}")
    assert "by a new copy" in rejoin(method="basebackup").line
    there = standby.run(f"ls {APART}").split()
    assert len(there) == 2 and own_part(standby) in there and any(name.startswith(f"{old}.") for name in there)
    check_standby(primary, standby)
    assert fail_back(operator, primary, standby, "SELECT count(*) FROM kept") == "1000"

    assert "by a copy of the blocks that differ" in rejoin(method="changed_blocks").line
    own_part(primary)
    check_standby(standby, primary)
    assert fail_back(operator, standby, primary, "SELECT count(*) FROM kept") == "1000"
