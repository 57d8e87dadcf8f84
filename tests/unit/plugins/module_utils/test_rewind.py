# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils import rewind
from ansible_collections.warehousepg.coordinator.plugins.module_utils.configuration import change_fence, fenced_by
from ansible_collections.warehousepg.coordinator.plugins.module_utils.replication import Upstream, parse_conninfo

UPSTREAM = Upstream("127.0.0.1", 5432, "r", "/p", {"options": "-c wal_sender_timeout=10s"})
FENCE = "FENCED_scdw_is_primary.conf"
# As the engine's: configuration and access rules become the source's, logs go.
REWINDS = """
test ! -e "$2/standby.signal" || exit 3
! grep -q FENCED "$2/postgresql.conf" || exit 4
test ! -e "$GONE" || exit 5
echo port=6000 > "$2/postgresql.conf"; echo source > "$2/pg_hba.conf"; mkdir -p "$2/log"; echo source > "$2/log/source"
printf '  1024/2048 kB (50%%) copied\\r  2048/2048 kB (100%%) copied\\n' >&2"""


@pytest.fixture
def former(data_directory):
    """A former primary, stopped and fenced."""
    (data_directory / "standby.signal").unlink()
    conf = data_directory / "postgresql.conf"
    conf.write_text(change_fence(conf.read_text(), FENCE))
    (data_directory / "pg_hba.conf").write_text("own\n")
    (data_directory / "log").mkdir()
    (data_directory / "log" / "own").write_text("own\n")
    return data_directory


def test_it_is_rewound_under_another_name_and_keeps_what_is_its_own(host, program, former, monkeypatch):
    monkeypatch.setenv("GONE", str(former))
    program("pg_rewind", REWINDS)
    assert rewind.rewind(host, str(former), UPSTREAM) == {"method": "rewind", "bytes_copied": 2 << 20}
    assert (former / "standby.signal").exists()
    conf = (former / "postgresql.conf").read_text()
    assert fenced_by(conf) is None
    assert "port=5432" in conf and "internal.auto.conf" in conf
    assert (former / "pg_hba.conf").read_text() == "own\n"
    assert (former / "internal.auto.conf").read_text() == "gp_dbid=8\n"
    assert os.listdir(former / "log") == ["own"]
    assert os.listdir(former.parent) == ["gpseg-1"]


def test_the_source_is_asked_in_utility_mode_by_either_name(host, program, former, tmp_path):
    told = tmp_path / "told"
    program(
        "pg_rewind",
        f"""printf '%s\\n' "$4" >> {told}
case "$4" in *gp_role*) echo 'FATAL: unrecognized configuration parameter "gp_role"' >&2; exit 1 ;; esac""",
    )
    rewind.rewind(host, str(former), UPSTREAM)
    first, second = map(parse_conninfo, told.read_text().splitlines())
    assert first["options"] == "-c wal_sender_timeout=10s -c gp_role=utility"
    assert second["options"] == "-c wal_sender_timeout=10s -c gp_session_role=utility"
    assert (second["dbname"], second["user"], second["passfile"]) == ("postgres", "r", "/p")


def test_what_cannot_be_rewound_is_aside_as_it_was(host, program, former):
    program("pg_rewind", "echo source > $2/postgresql.conf; rm -r $2/log; echo 'no page checksums' >&2; exit 1")
    with pytest.raises(rewind.Failed) as failed:
        rewind.rewind(host, str(former), UPSTREAM)
    assert "no page checksums" in failed.value.message
    aside = failed.value.data["aside"]
    assert os.listdir(former.parent) == [os.path.basename(aside)]
    assert aside.startswith(f"{former}.")
    with open(os.path.join(aside, "postgresql.conf"), encoding="utf-8") as conf:
        assert fenced_by(conf.read()) == FENCE
    assert not os.path.exists(os.path.join(aside, "standby.signal"))
    assert os.listdir(os.path.join(aside, "log")) == ["own"]


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
    assert fenced_by((former / "postgresql.conf").read_text()) == FENCE
    assert os.listdir(former.parent) == ["gpseg-1"]


def test_a_primary_is_marked_before_its_fence_is_lifted(host, former, monkeypatch):
    written = []
    write = host.write
    monkeypatch.setattr(host, "write", lambda path, *rest: (written.append(os.path.basename(path)), write(path, *rest)))
    rewind.mark_standby(host, str(former))
    assert written == ["standby.signal", "postgresql.conf"]
    assert fenced_by((former / "postgresql.conf").read_text()) is None


def test_what_is_there_goes_aside_with_its_parts_of_tablespaces(former, tmp_path):
    part = tmp_path / "fast" / "8"
    part.mkdir(parents=True)
    (part / "data").touch()
    (former / "pg_tblspc").mkdir()
    (former / "pg_tblspc" / "16385").symlink_to(part)
    cut_off = former.parent / ".gpseg-1.coordinator_rewind"
    cut_off.mkdir()
    aside = rewind.set_aside(str(former))["aside"]
    assert ".half_rewound-" in aside
    assert not former.exists() and not cut_off.exists() and not part.exists()
    assert len(os.listdir(former.parent)) == 2, "each under a name of its own"
    kept = next(name for name in os.listdir(former.parent) if name.startswith("gpseg-1.former-"))
    moved = former.parent / kept / "pg_tblspc" / "16385"
    assert (moved / "data").exists()
    assert os.path.isdir(aside)
    rewind.remove(str(former.parent / kept))
    assert os.listdir(tmp_path / "fast") == []
    assert not (former.parent / kept).exists()


def test_removing_leaves_what_is_not_its_own(former, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (former / "pg_tblspc").mkdir()
    (former / "pg_tblspc" / "16385").symlink_to(elsewhere)
    rewind.remove(rewind.set_aside(str(former))["aside"])
    assert elsewhere.exists()


@pytest.mark.parametrize(("told", "bytes_copied"), [("", None), ("  10/20 kB (50%) copied\n 20/20 kB (100%) copied", 20480)])
def test_bytes_copied(told, bytes_copied):
    assert rewind.copied_bytes(told) == bytes_copied
