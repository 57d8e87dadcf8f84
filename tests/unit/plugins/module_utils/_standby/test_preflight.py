# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import os
from unittest import mock

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_local
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import change_start_block, include_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import preflight
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import DIRECTORY, FILE, MADE, WRITTEN, look
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import (
    ENDING,
    STRAYING,
    named_in,
    reaches,
    read_configured,
    require_following,
    would_listen,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def instance(tmp_path):
    """A maker of the files of an instance's configuration, and what is read from them."""
    directory = tmp_path / "gpseg-1"
    directory.mkdir()

    def make(*lines, auto="", hba="", **files):
        (directory / "postgresql.conf").write_text("".join(f"{line}\n" for line in lines))
        (directory / "postgresql.auto.conf").write_text(auto)
        (directory / "pg_hba.conf").write_text(hba)
        for name, text in files.items():
            (directory / name).write_text(text)
        return read_configured(str(directory))

    make.directory = directory
    return make


def needs(found):
    return {(need.path, need.kind) for need in found.needs}


@pytest.mark.parametrize(
    ("lines", "auto", "hinders"),
    [
        (["recovery_target_timeline = 'latest'", "restore_command = ''", "#recovery_target_xid = '5'"], "", {}),
        (["recovery_min_apply_delay = 0"], "", {}),
        (
            ["port = 5432", "recovery_target_time = '2020-01-01'"],
            "",
            {"recovery_target_time": ("2020-01-01", "postgresql.conf, line 2")},
        ),
        (["Recovery_Target = immediate"], "", {"recovery_target": ("immediate", "postgresql.conf, line 1")}),
        (["recovery_target_xid = 5"], "recovery_target_xid = ''\n", {}),
        (["restore_command = ''"], "restore_command = 'cp'\n", {"restore_command": ("cp", "postgresql.auto.conf, line 1")}),
        (["include 'own.conf'"], "", {"promote_trigger_file": ("/t", "own.conf, line 1")}),
        (["include 'own.conf'", "promote_trigger_file = ''"], "", {}),
        (["recovery_min_apply_delay = '1h'"], "", {"recovery_min_apply_delay": ("1h", "postgresql.conf, line 1")}),
        (["data_directory = '/c'"], "", {"data_directory": ("/c", "postgresql.conf, line 1")}),
    ],
)
def test_settings_that_hinder_a_standby_and_where_they_are(instance, lines, auto, hinders):
    found = instance(*lines, auto=auto, **{"own.conf": "promote_trigger_file = '/t'\n"})
    assert {name: (setting["value"], setting["where"]) for name, setting in found.settings.items()} == hinders


@given(st.sampled_from(sorted({**ENDING, **STRAYING})), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_value_but_the_harmless_one_is_told(tmp_path_factory, name, value):
    directory = tmp_path_factory.mktemp("instance")
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    (directory / "postgresql.conf").write_text(f"{name} = '{quoted}'\n")
    found = read_configured(str(directory)).settings
    assert {name: one["value"] for name, one in found.items()} == ({} if value == {**ENDING, **STRAYING}[name] else {name: value})


def test_what_is_outside_of_the_data_directory_and_what_names_it(instance, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.conf").write_text("ssl = on\nssl_ca_file = '/ca.crt'\nssl_cert_file = 'server.crt'\n")
    (tmp_path / "archive.sh").write_text("")
    found = instance(
        "include 'internal.auto.conf'",
        f"include_dir '{tmp_path}/more'",
        f"include_if_exists '{tmp_path}/nowhere.conf'",
        "include '../beside.conf'",
        "hba_file = '/etc/whpg/pg_hba.conf'",
        "krb_server_keyfile = 'FILE:/etc/keytab'",
        "unix_socket_directories = '/tmp, \"/run/whpg\"'",
        "external_pid_file = '/run/pids/whpg.pid'",
        "log_directory = '/var/log/whpg'",
        "archive_mode = on",
        f"archive_command = 'test ! -f /dev/null && {tmp_path}/archive.sh %p /archive/%f'",
    )
    assert needs(found) == {
        (f"{tmp_path}/more", DIRECTORY),
        (f"{tmp_path}/beside.conf", FILE),
        ("/etc/whpg/pg_hba.conf", FILE),
        ("/etc/keytab", FILE),
        ("/run/whpg", WRITTEN),
        ("/run/pids", WRITTEN),
        ("/var/log/whpg", MADE),
        (f"{tmp_path}/archive.sh", FILE),
        ("/ca.crt", FILE),
    }
    by_path = {need.path: need.where for need in found.needs}
    assert by_path["/ca.crt"] == f"ssl_ca_file ({tmp_path}/more/a.conf, line 2)"
    assert by_path[f"{tmp_path}/beside.conf"] == "include (postgresql.conf, line 4)"


def test_what_is_off_needs_nothing(instance):
    found = instance("ssl_ca_file = '/ca.crt'", "archive_command = '/bin/sh'", "logging_collector = off", "log_directory = '/var/log/whpg'")
    assert found.needs == ()


def test_lists_of_names_that_rules_refer_to(instance):
    rule = 'host @/etc/dbs,other @users,@"/etc/more # users","@/in quotes" 192.0.2.0/24 reject # @/late'
    found = instance(hba=f"# host @/comment all\n{rule}\n")
    assert needs(found) == {("/etc/dbs", FILE), ("/etc/more # users", FILE)}


def test_an_absolute_path_into_the_data_directory_is_another_place_in_a_copy(instance):
    where = instance.directory
    found = instance(f"hba_file = '{where}/pg_hba.conf'", "ident_file = 'pg_ident.conf'", f"include '{where}/own.conf'", "include 'b.conf'")
    assert needs(found) == {(f"{where}/pg_hba.conf", FILE), (f"{where}/own.conf", FILE)}


def test_a_fence_is_no_need(instance):
    fenced = change_start_block("port = 5432\n", include_name("scdw"))
    assert instance(*fenced.splitlines()).needs == ()


def test_links_that_a_base_backup_leaves_out(instance, tmp_path):
    (tmp_path / "own.conf").write_text("")
    (instance.directory / "own.conf").symlink_to(tmp_path / "own.conf")
    (instance.directory / "conf.d").symlink_to(tmp_path)
    (instance.directory / "photo").symlink_to(tmp_path)
    found = instance("include 'own.conf'", "include 'conf.d/own.conf'")
    assert [os.path.relpath(path, instance.directory) for path in found.links] == ["conf.d/own.conf", "own.conf"]


@pytest.mark.parametrize(("line", "value"), [("listen_addresses = '*'", "*"), ("listen_addresses = ''", ""), ("port = 1", None)])
def test_where_it_would_listen_by_its_files(instance, line, value):
    assert instance(line).listen_addresses == value


def test_what_another_host_lacks(tmp_path):
    for name in ("file", "closed"):
        (tmp_path / name).write_text("")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "directory").mkdir()
    desired = [
        ("file", FILE, ""),
        ("directory", DIRECTORY, ""),
        ("directory", WRITTEN, ""),
        ("directory/new", MADE, ""),
        ("missing", FILE, "is missing"),
        ("missing", WRITTEN, "is missing"),
        ("missing/new", MADE, "is missing"),
        ("directory", FILE, "is a directory"),
        ("file", DIRECTORY, "is no directory"),
    ]
    if os.getuid():
        desired.append(("closed", FILE, "cannot be read"))
    options = {
        "data_directory": str(tmp_path / "gpseg-1"),
        "dbid": 8,
        "tablespaces": [],
        "names": ["localhost", "no such host"],
        "needs": [
            {"path": str(tmp_path / name), "kind": kind, "where": f"setting {number}"} for number, (name, kind, _why) in enumerate(desired)
        ],
    }
    found = look(options, str(tmp_path / ".staging"))
    assert [(one.where, one.why) for one in found.lacks] == [
        (f"setting {number}", why) for number, (_name, _kind, why) in enumerate(desired) if why
    ]
    assert "127.0.0.1" in found.names["localhost"] and found.names["no such host"] == ()


OWN = ["10.0.0.12", "fd00::12"]


@pytest.mark.parametrize(
    ("setting", "listens", "reached"),
    [
        ("*", ["0.0.0.0", "::"], True),
        ("0.0.0.0", ["0.0.0.0"], True),
        ("::", ["::"], False),
        ("localhost", ["127.0.0.1", "::1"], False),
        ("localhost, 10.0.0.12", ["127.0.0.1", "::1", "10.0.0.12"], True),
        ("10.0.0.11", [], False),
        ("fd00::12", ["fd00::12"], False),
        ("scdw", ["10.0.0.12"], True),
        ("cdw", [], False),
        ("nobody", [], False),
        ("", [], False),
        (",", [], False),
    ],
)
def test_where_a_host_would_listen_and_whether_it_is_reached(setting, listens, reached):
    names = {"scdw": ["10.0.0.12"], "cdw": ["10.0.0.11"]}
    assert would_listen(setting, names, OWN) == listens
    assert reaches(listens, ["10.0.0.12"], OWN) is reached
    assert named_in(setting) == [name for name in (setting,) if name in ("scdw", "cdw", "nobody")]


def test_addresses_that_others_know_are_translated_on_the_way_where_they_are_not_the_host_s():
    assert reaches(["10.0.0.12"], ["192.0.2.1"], OWN)
    assert not reaches(["127.0.0.1"], ["192.0.2.1"], OWN)
    assert reaches(["127.0.0.1"], ["10.0.0.12"], OWN, local=True)


ADDRESS = st.ip_addresses().map(str)


@given(st.lists(ADDRESS, min_size=1), st.lists(ADDRESS), st.lists(ADDRESS))
def test_one_that_listens_everywhere_is_reached_and_one_that_listens_nowhere_is_not(own, desired, others):
    versions = {ipaddress.ip_address(address).version for address in own}
    everywhere = would_listen("*", {}, own)
    assert reaches(everywhere, desired, own)
    assert reaches(own, desired, own)
    assert not reaches([], desired, own)
    if versions == {4}:
        assert not reaches(["::"], [], own)
    listens = would_listen(",".join(others), {}, own)
    assert {address for address in listens if not is_local(address)} <= set(own)


class Engine:
    """What C(postgres -C) prints."""

    def __init__(self, **settings):
        self.settings = settings

    def run(self, program, flag, name, *_rest):
        assert (program, flag) == ("postgres", "-C")
        if name not in self.settings:
            raise CoordinatorError(f'postgres: unrecognized configuration parameter "{name}"')
        return self.settings[name] + "\n"


def test_the_engine_is_asked_whether_a_standby_would_stay_one(instance):
    instance("recovery_target_name = 'evening'")
    require_following(Engine(**dict.fromkeys(ENDING, "")), str(instance.directory))
    require_following(Engine(recovery_target=""), str(instance.directory))
    with pytest.raises(CoordinatorError, match=r"recovery_target_name is 'evening' in postgresql.conf, line 1 of .*: with it the standby"):
        require_following(Engine(**{**ENDING, "recovery_target_name": "evening"}), str(instance.directory))
    with pytest.raises(CoordinatorError, match="is not accepted"):
        broken = Engine()
        broken.run = mock.Mock(side_effect=CoordinatorError("contains errors"))
        require_following(broken, str(instance.directory))


class Connection:
    """A connection that answers by what is asked for."""

    def __init__(self, senders=(), slots=(), connections=1):
        self.answers = {
            "AS most_senders": [
                {"wal_level": "replica", "most_senders": 10, "most_slots": 5, "most_connections": 20, "connections": connections}
            ],
            "FROM pg_stat_replication": list(senders),
            "FROM pg_replication_slots": list(slots),
            "GROUP BY": [{"role": "etl", "name": "", "address": None, "many": 9}],
        }
        self.asked = []

    def query(self, text, *_parameters):
        found = next(key for key in self.answers if key in text)
        self.asked.append(found)
        return self.answers[found]


def test_limits_name_those_who_use_them_up():
    sender = {"pid": 7, "name": "pg_receivewal", "role": "backup", "address": "10.0.0.9", "state": "streaming"}
    slots = [{"name": "a", "active_pid": 7, "restart_lsn": "0/1"}, {"name": "b", "active_pid": None, "restart_lsn": None}]
    found = preflight.read_limits(Connection([sender], slots, 12))
    assert found == preflight.Limits(
        wal_level="replica",
        walsenders=preflight.Limit(10, 1, ("pg_receivewal of backup on 10.0.0.9, process 7, streaming",)),
        slots=preflight.Limit(5, 2, ("a, used by process 7", "b, not in use")),
        connections=preflight.Limit(20, 12, ("9 by unnamed of etl on this host",)),
    )


def test_clients_are_not_listed_where_there_is_room():
    connection = Connection()
    assert preflight.read_limits(connection).connections.users == ()
    assert "GROUP BY" not in connection.asked
