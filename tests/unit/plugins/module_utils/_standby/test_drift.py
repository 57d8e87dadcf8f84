# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import change_start_block, read_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift
from hypothesis import given
from hypothesis import strategies as st

RULES = "host all all samehost trust\n"
BLOCK = "# BEGIN warehousepg.coordinator\nhost replication r 10.0.0.1/32 scram-sha-256\n# END warehousepg.coordinator\n"
DRAIN = "# BEGIN warehousepg.coordinator drain\nhost all all all reject\n# END warehousepg.coordinator drain\n"


def shown(directory, files):
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return drift.read(str(directory))


@pytest.mark.parametrize("name", ["port", "listen_addresses", "primary_conninfo", "primary_slot_name", "recovery_target_time", "gp_dbid"])
def test_what_belongs_to_a_host(name):
    assert drift.belongs_to_host(name, "1", None)


@pytest.mark.parametrize(
    ("name", "one", "other", "own"),
    [
        ("work_mem", "4MB", "8MB", False),
        ("ssl_key_file", "/a/key", "/b/key", True),
        ("ssl_key_file", "/a/key", None, False),
        ("ssl_key_file", "server.key", "/b/key", False),
        ("krb_server_keyfile", "/a/tab", "/b/tab", True),
        ("log_directory", "/a/log", "/b/log", True),
        ("log_directory", "log", "pg_log", False),
    ],
)
def test_paths_belong_to_a_host_where_both_are_absolute(name, one, other, own):
    assert drift.belongs_to_host(name, one, other) is own


def test_what_is_accepted_counts_as_a_hosts_own():
    assert drift.belongs_to_host("work_mem", "4MB", "8MB", ["work_*"])
    assert not drift.belongs_to_host("work_mem", "4MB", "8MB", ["max_*"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("primary_conninfo", "host=cdw password=x"),
        ("archive_command", "AWS_SECRET_ACCESS_KEY=abc wal-g push"),
        ("ssl_passphrase_command", "echo hidden"),
        ("log_line_prefix", "password=hidden"),
        ("my.salt", "hidden"),
        ("search_path", "x" * 101),
    ],
)
def test_secrets_are_not_shown(name, value):
    assert drift.shown(name, value) is None
    found = drift.read_meaning(f"{name} = '{value}'\n")[name]
    assert value not in str(found)
    assert found != drift.read_meaning(f"{name} = '{value}!'\n")[name], "but compared"


def test_a_file_of_settings_is_told_by_its_meaning(tmp_path):
    one = shown(tmp_path / "one", {"postgresql.conf": "# said\nwork_mem = '4MB'\ninclude = 'more.conf'\n"})
    other = shown(tmp_path / "other", {"postgresql.conf": change_start_block("work_mem  '4MB'\ninclude 'more.conf'\n", "FENCED_x.conf")})
    assert one.settings == other.settings
    assert set(one.settings["postgresql.conf"]) == {"work_mem", "include more.conf"}


def test_a_file_of_records_is_told_by_those_of_others(tmp_path):
    one = shown(tmp_path / "one", {"pg_hba.conf": BLOCK + DRAIN + RULES})
    other = shown(tmp_path / "other", {"pg_hba.conf": "# said\n" + RULES.replace(" ", "\t")})
    third = shown(tmp_path / "third", {"pg_hba.conf": BLOCK + RULES + "host all x 10.0.0.1/32 md5\n"})
    checks = [found.files["pg_hba.conf"].check for found in (one, other, third)]
    assert checks[0] == checks[1] != checks[2]


def test_the_engines_own_is_not_looked_at(tmp_path):
    engine = ("base/1/1", "pg_wal/0", "postmaster.pid", "internal.auto.conf", "log/a", "db_dumps/x", "backup_label.old", "standby.signal")
    found = shown(tmp_path, {**dict.fromkeys(engine, "x"), "gpbackup_history.db": "x", "gpssl/server.key": "x"})
    assert set(found.files) == {"gpbackup_history.db", "gpssl/server.key"}


def test_a_directory_with_too_many_files_is_left_out_and_told(tmp_path):
    (tmp_path / "many/below").mkdir(parents=True)
    for number in range(drift.MOST_FILES + 1):
        (tmp_path / f"many/below/{number}").touch()
    found = shown(tmp_path, {"few/one": "x"})
    assert (set(found.files), found.left_out) == ({"few/one"}, ("many",))


def test_a_large_file_is_told_by_its_ends(tmp_path):
    size = 3 << 20
    (tmp_path / "large").write_bytes(bytes(size))
    before = drift.read(str(tmp_path)).files["large"]
    with open(tmp_path / "large", "r+b") as file:
        file.seek(size - 1)
        file.write(b"x")
    after = drift.read(str(tmp_path)).files["large"]
    assert before.size == after.size == size
    assert before.check != after.check


def test_a_file_that_cannot_be_read_is_not_taken_for_another(tmp_path, monkeypatch):
    shown(tmp_path, {"server.key": "x", "pg_hba.conf": RULES})

    def refuse(path, *_):
        raise PermissionError(13, "denied", path)

    monkeypatch.setattr(drift, "check_file", refuse)
    found = drift.read(str(tmp_path))
    assert (set(found.files), found.left_out) == ({"pg_hba.conf"}, ("server.key",))


def test_included_files_elsewhere_are_looked_at(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a.conf").write_text("x")
    found = shown(tmp_path / "data", {"postgresql.conf": f"include_dir '{tmp_path}/etc'\ninclude_if_exists '{tmp_path}/gone.conf'\n"})
    assert set(found.files) == {"postgresql.conf", f"{tmp_path}/etc/a.conf"}


def test_settings_are_merged_with_the_hosts_own():
    source = change_start_block("port = 5432\nwork_mem = '8MB'\nlisten_addresses = '10.0.0.1'\nssl_key_file = '/a/key'\n", "FENCED_x.conf")
    target = "port = 5433\nwork_mem = '4MB'\nssl_key_file = '/b/key'\nprimary_slot_name = 'slot'\n"
    assert read_settings(drift.merge("postgresql.conf", source, target)) == {
        "port": "5433",
        "work_mem": "8MB",
        "ssl_key_file": "/b/key",
        "primary_slot_name": "slot",
    }
    assert "FENCED" not in drift.merge("postgresql.conf", source, target)
    assert read_settings(drift.merge("postgresql.conf", source, target, ["work_*"]))["work_mem"] == "4MB"


def test_rules_are_merged_with_the_hosts_blocks():
    other = BLOCK.replace("10.0.0.1", "10.0.0.2")
    assert drift.merge("pg_hba.conf", BLOCK + DRAIN + RULES, other + "host all x 10.0.0.9/32 md5\n") == other + RULES
    assert drift.merge("pg_hba.conf", BLOCK + RULES, "") == RULES


_NAMES = st.sampled_from(["port", "work_mem", "max_connections", "ssl_key_file", "primary_conninfo", "listen_addresses"])
_VALUES = st.sampled_from(["1", "2", "/a", "/b", "x y", "it''s"])
_TEXTS = st.lists(st.tuples(_NAMES, _VALUES), max_size=8).map(lambda rows: "".join(f"{name} = '{value}'\n" for name, value in rows))


@given(_TEXTS, _TEXTS)
def test_what_was_merged_does_not_differ_any_more(source, target):
    merged = drift.merge("postgresql.conf", source, target)
    theirs, now, own = (read_settings(text) for text in (source, merged, target))
    for name in {*theirs, *now, *own}:
        if drift.belongs_to_host(name, theirs.get(name), own.get(name)):
            assert now.get(name) == own.get(name)
        else:
            assert now.get(name) == theirs.get(name)
    assert drift.merge("postgresql.conf", source, merged) == merged


def test_lines_that_are_lost():
    assert not drift.loses("# said\na\n", "a\nb\n")
    assert drift.loses("a\nc\n", "a\nb\n")


def test_names_that_were_read_are_relative(tmp_path):
    assert not any(os.path.isabs(name) for name in shown(tmp_path, {"x/y": "1"}).files)
