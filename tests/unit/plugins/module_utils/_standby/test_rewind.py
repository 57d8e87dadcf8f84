# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.work import Cancelled, Progress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import change_start_block, start_block_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import session_options
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files, rewind

from ..wal_writer import SEGMENT, WalWriter
from .test_relay import LIST

#: by TLS, where nothing is put between
UPSTREAM = Upstream(
    host="127.0.0.1",
    port=5432,
    user="r",
    store=Passfile("/p", "r"),
    connection={"options": "-c wal_sender_timeout=10s", "sslmode": "require"},
)
BY_TLS = "the connection to the primary is by TLS"
FENCE = "FENCED_scdw_is_primary.conf"
# As the engine's: configuration and access rules become the source's, logs go.
REWINDS = """
test ! -e "$2/standby.signal" || exit 3
! grep -q FENCED "$2/postgresql.conf" || exit 4
test ! -e "$GONE" || exit 5
test -e "$2/conf.d/own.conf" || exit 6
rm -rf "$2/gpmetrics" "$2/backups" "$2/conf.d" "$2/gpbackup_history.db" "$2/link"; echo source > "$2/both"; echo same > "$2/same"
echo port=6000 > "$2/postgresql.conf"; echo source > "$2/pg_hba.conf"; rm "$2/server.key"; mkdir -p "$2/log"; echo source > "$2/log/source"
printf '  1024/2048 kB (50%%) copied\\r  2048/2048 kB (100%%) copied\\n' >&2"""


@pytest.fixture
def former(data_directory):
    """A former primary, stopped and fenced."""
    (data_directory / "standby.signal").unlink()
    conf = data_directory / "postgresql.conf"
    conf.write_text(change_start_block(conf.read_text(), FENCE))
    (data_directory / "pg_hba.conf").write_text("own\n")
    (data_directory / "server.key").write_text("own\n")
    (data_directory / "server.key").chmod(0o600)
    (data_directory / "log").mkdir()
    (data_directory / "log" / "own").write_text("own\n")
    for name in ("conf.d", "gpmetrics/deep"):
        (data_directory / name).mkdir(parents=True)
    (data_directory / "conf.d" / "own.conf").write_text("own\n")
    (data_directory / "backups").mkdir(0o750)
    (data_directory / "backups" / "large").write_bytes(b"x" * (own_files.SMALL + 1))
    (data_directory / "gpbackup_history.db").write_text("own\n")
    (data_directory / "link").symlink_to("/elsewhere")
    (data_directory / "both").write_text("own\n")
    (data_directory / "same").write_text("same\n")
    return data_directory


def test_it_is_rewound_under_another_name_and_keeps_what_is_its_own(host, program, former, monkeypatch):
    monkeypatch.setenv("GONE", str(former))
    program("pg_rewind", REWINDS)
    done = rewind.rewind(host, str(former), UPSTREAM)
    aside = done["set_aside_in"]
    assert done == {
        "method": "rewind",
        "bytes_copied": 2 << 20,
        "all_wal_why": BY_TLS,
        "kept": ["backups/large", "conf.d/own.conf", "gpbackup_history.db", "gpmetrics/deep", "link", "server.key"],
        "set_aside": ["both"],
        "set_aside_in": aside,
    }
    assert os.path.basename(aside).startswith("gpseg-1.set_aside-") and os.listdir(aside) == ["both"]
    assert (former / "both").read_text() == "source\n"
    assert (former / "backups" / "large").stat().st_size == own_files.SMALL + 1
    assert (former / "backups").stat().st_mode & 0o777 == 0o750
    assert (former / "gpmetrics" / "deep").is_dir() and os.readlink(former / "link") == "/elsewhere"
    assert (former / "standby.signal").exists()
    conf = (former / "postgresql.conf").read_text()
    assert start_block_of(conf) is None
    assert "port=5432" in conf and "internal.auto.conf" in conf
    assert (former / "pg_hba.conf").read_text() == "own\n"
    assert (former / "internal.auto.conf").read_text() == "gp_dbid=8\n"
    assert (former / "server.key").read_text() == "own\n" and (former / "server.key").stat().st_mode & 0o777 == 0o600
    assert os.listdir(former / "log") == ["own"]
    assert sorted(os.listdir(former.parent)) == ["gpseg-1", os.path.basename(aside)]


def test_the_source_is_asked_in_utility_mode_by_either_name(host, program, former, tmp_path):
    told = tmp_path / "told"
    program(
        "pg_rewind",
        f"""printf '%s\\n' "$4" >> {told}
case "$4" in *gp_role*) echo 'FATAL: unrecognized configuration parameter "gp_role"' >&2; exit 1 ;; esac""",
    )
    rewind.rewind(host, str(former), UPSTREAM)
    first, second = map(parse_conninfo, told.read_text().splitlines())
    assert first["options"] == f"{session_options()} -c wal_sender_timeout=10s -c gp_role=utility"
    assert second["options"] == f"{session_options()} -c wal_sender_timeout=10s -c gp_session_role=utility"
    assert (second["dbname"], second["user"], second["passfile"]) == ("postgres", "r", "/p")


# Asks for the list over the socket that it is given, and removes from the target what is not listed.
LISTS = f"""
exec {sys.executable} - "$2" "$4" << 'END'
import os, re, socket, struct, sys
parameters = dict(re.findall(r"(\\w+)=(\\S+)", sys.argv[2]))
client = socket.socket(socket.AF_UNIX)
client.connect(parameters["host"] + "/.s.PGSQL." + parameters["port"])
query = open(os.environ["QUERY"], "rb").read() + b"\\0"
client.sendall(struct.pack("!II", 8, 196608) + b"Q" + struct.pack("!I", len(query) + 4) + query)
client.shutdown(socket.SHUT_WR)
answer = client.makefile("rb").read().decode("latin-1")
for name in os.listdir(sys.argv[1] + "/pg_wal"):
    if name in answer:
        os.unlink(sys.argv[1] + "/pg_wal/" + name)
END"""


@pytest.fixture
def plain(primary):
    """A connection to a server that has no TLS, and answers with what it was sent."""
    return Upstream(host="127.0.0.1", port=primary.port, user="r", store=None, connection={})


@pytest.fixture
def with_wal(former):
    (former / "pg_wal").mkdir()
    writer = WalWriter(3 * SEGMENT)
    while writer.end < 6 * SEGMENT - 100:
        writer.record()
    return writer.write(former / "pg_wal")


def test_wal_that_both_have_is_not_listed_and_stays(host, program, former, plain, with_wal, tmp_path, monkeypatch):
    (tmp_path / "query").write_bytes(LIST)
    monkeypatch.setenv("QUERY", str(tmp_path / "query"))
    program("pg_rewind", LISTS)
    files = {name: os.stat(former / "pg_wal" / name).st_ino for name in with_wal}
    done = rewind.rewind(host, str(former), plain, with_wal[:2], with_wal[2:])
    assert done["all_wal_why"] is None
    del files[with_wal[2]]
    assert {name: os.stat(former / "pg_wal" / name).st_ino for name in os.listdir(former / "pg_wal")} == files
    assert os.listdir(former.parent) == ["gpseg-1"]


def test_where_the_list_is_asked_for_in_another_way_all_is_copied(host, program, former, plain, with_wal, tmp_path, monkeypatch):
    (tmp_path / "query").write_bytes(b"SELECT 1")
    monkeypatch.setenv("QUERY", str(tmp_path / "query"))
    program("pg_rewind", LISTS)
    done = rewind.rewind(host, str(former), plain, with_wal[:2])
    assert done["all_wal_why"] == "this pg_rewind asks for the list of files in another way"
    assert sorted(os.listdir(former / "pg_wal")) == with_wal


def test_wal_that_recovery_wrote_over_is_missed(host, program, former, plain, with_wal):
    program("pg_rewind", f"mv $2/pg_wal/{with_wal[0]} $2/pg_wal/000000010000000000000099")
    with pytest.raises(rewind.Failed, match=with_wal[0]):
        rewind.rewind(host, str(former), plain, with_wal[:2])


def test_where_no_links_can_be_made_all_is_copied(host, program, former, plain, with_wal, monkeypatch):
    def no_links(*_arguments):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(rewind.shared_wal.os, "link", no_links)
    program("pg_rewind", "true")
    done = rewind.rewind(host, str(former), plain, with_wal[:2])
    assert done["all_wal_why"] == "nothing can be put between: Invalid cross-device link"
    assert os.listdir(former.parent) == ["gpseg-1"]


def test_with_the_primary_unreachable_nothing_is_touched(host, former, plain, primary):
    primary.leave()
    with pytest.raises(rewind.CoordinatorError, match="does not answer"):
        rewind.rewind(host, str(former), plain)
    assert start_block_of((former / "postgresql.conf").read_text()) == FENCE
    assert os.listdir(former.parent) == ["gpseg-1"]


def look(directory):
    """What is in a directory, with the content of small files."""
    return {path: entry for path, entry in own_files.listing(str(directory)).items() if path != "postgresql.auto.conf"}


@pytest.mark.parametrize("cut_off", [False, True])
def test_what_cannot_be_rewound_is_as_it_was(host, program, former, cut_off):
    before = look(former)
    spoils = "echo source > $2/postgresql.conf; rm -rf $2/log $2/backups $2/link; mkdir $2/link; echo x > $2/backups; rm $2/same"
    program("pg_rewind", f"{spoils}; echo 'no page checksums' >&2; exit 1")
    staging = former.parent / ".gpseg-1.coordinator_rewind"
    if cut_off:
        os.rename(former, staging)
        own_files.take_out(str(staging), f"{staging}.own")
        rewind.whole_again(str(former))
    else:
        with pytest.raises(rewind.Failed, match="no page checksums"):
            rewind.rewind(host, str(former), UPSTREAM)
    assert os.listdir(former.parent) == [staging.name]
    assert {path: entry for path, entry in look(staging).items() if "of_the_primary" not in path} == before
    assert start_block_of((staging / "postgresql.conf").read_text()) == FENCE
    assert not (staging / "standby.signal").exists()
    assert os.listdir(staging / "log") == ["own"]


def test_what_an_earlier_rewind_left_is_kept(host, program, former):
    program("pg_rewind", "true")
    left = former.parent / ".gpseg-1.coordinator_rewind"
    left.mkdir()
    (left / "precious").touch()
    assert rewind.rewind(host, str(former), UPSTREAM)["bytes_copied"] is None
    (other,) = set(os.listdir(former.parent)) - {"gpseg-1"}
    assert os.listdir(former.parent / other) == ["precious"]


def test_a_directory_that_cannot_be_renamed_stays(host, former, monkeypatch):
    def busy(*_arguments):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(rewind.os, "rename", busy)
    with pytest.raises(rewind.CoordinatorError, match="mount point"):
        rewind.rewind(host, str(former), UPSTREAM)
    assert start_block_of((former / "postgresql.conf").read_text()) == FENCE
    assert os.listdir(former.parent) == ["gpseg-1"]


def test_a_primary_is_marked_before_its_fence_is_lifted(host, former, monkeypatch):
    written = []
    write = host.write
    monkeypatch.setattr(host, "write", lambda path, *rest: (written.append(os.path.basename(path)), write(path, *rest)))
    rewind.mark_standby(host, str(former))
    assert written == ["standby.signal", "postgresql.conf"]
    assert start_block_of((former / "postgresql.conf").read_text()) is None


def test_what_is_there_goes_aside_with_its_parts_of_tablespaces(former, tmp_path):
    part = tmp_path / "fast" / "8"
    (part / "PG_15_1").mkdir(parents=True)
    (part / "PG_15_1" / "data").touch()
    (former / "pg_tblspc").mkdir()
    (former / "pg_tblspc" / "16385").symlink_to(part)
    cut_off = former.parent / ".gpseg-1.coordinator_rewind"
    cut_off.mkdir()
    former_aside, aside = rewind.set_aside(str(former))
    assert ".set_aside-" in former_aside and ".half_rewound-" in aside
    assert not former.exists() and not cut_off.exists() and not part.exists()
    assert len(os.listdir(former.parent)) == 2, "each under a name of its own"
    kept = next(name for name in os.listdir(former.parent) if name.startswith("gpseg-1.set_aside-"))
    moved = former.parent / kept / "pg_tblspc" / "16385"
    assert (moved / "PG_15_1" / "data").exists()
    assert os.path.isdir(aside)
    rewind.remove(str(former.parent / kept))
    assert os.listdir(tmp_path / "fast") == []
    assert not (former.parent / kept).exists()


def test_removing_leaves_what_is_not_its_own(former, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (former / "pg_tblspc").mkdir()
    (former / "pg_tblspc" / "16385").symlink_to(elsewhere)
    rewind.remove(rewind.set_aside(str(former))[0])
    assert elsewhere.exists()


@pytest.mark.parametrize(
    ("told", "far"),
    [
        ("", None),
        ("pg_rewind: servers diverged at WAL location 0/C0001F0 on timeline 1", None),
        ("  10/40 kB (25%) copied\n 20/40 kB (50%) copied", Progress("rewinding", 20480, 40960)),
    ],
)
def test_how_far_a_rewind_has_come(told, far):
    assert rewind.progress(told) == far


def give_up(*_arguments, **_options):
    raise Cancelled("interrupted")


def test_a_rewind_that_is_given_up_leaves_what_is_its_own_and_no_copy_is_made(host, program, former, monkeypatch):
    program("pg_rewind", 'echo source > "$2/both"; rm "$2/server.key"')
    run = host.run
    monkeypatch.setattr(host, "run", lambda program, *arguments, **options: (run(program, *arguments, **options), give_up()))
    with pytest.raises(Cancelled, match="interrupted"):
        rewind.rewind(host, str(former), UPSTREAM)
    staging = former.parent / ".gpseg-1.coordinator_rewind"
    assert os.listdir(former.parent) == [staging.name]
    assert (staging / "both").read_text() == "own\n" and (staging / "server.key").read_text() == "own\n"
    assert start_block_of((staging / "postgresql.conf").read_text()) is not None


def test_a_rewind_does_not_begin_once_it_is_given_up(host, former, monkeypatch):
    monkeypatch.setattr(rewind.work, "check", give_up)
    with pytest.raises(Cancelled):
        rewind.rewind(host, str(former), UPSTREAM)
    assert os.listdir(former.parent) == ["gpseg-1"]
