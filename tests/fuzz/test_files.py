# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the engine and of its hosts: read whatever is in them, and written so that the engine reads what was meant."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border, marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, configuration, environment, timeline
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import conninfo, parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData, parse_controldata
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores import passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import parse_postmaster_file
from hypothesis import assume, example
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn
from unit.plugins.module_utils.conftest import CONTROLDATA, PIDFILE

from . import postgresql
from .fuzzing import fuzzed, hostile_texts, spoilt_text, tellable

CONF = """\
# a comment of theirs, 'with quotes' \\ and = signs
port=5432\t# the port
listen_addresses = '*'
log_line_prefix '%m [%p] ''x'' \\'y\\' '
archive_command='cp "%p" /a\\\\b/%f'
include_if_exists = 'more.conf'
SHARED_BUFFERS = 125MB\r
port = '6000'
#work_mem = 4MB
"""
HBA = """\
# TYPE  DATABASE  USER  ADDRESS  METHOD
# BEGIN somebody else
local   all       "a b", +admins        peer
# END somebody else
host    "replication" all 10.0.0.0/8 scram-sha-256 clientcert=verify-full # why
hostssl all @users samenet ldap ldapserver="a b" ldapprefix="cn="
"""
PROFILE = "# .bashrc\nexport PATH=/x:$PATH\nexport PGPORT=1\nalias ll='ls -l'\n"
HISTORY = "1\t0/3000000\tno recovery target specified\n\n2\t0/5000158\tbefore 'x'\n"

#: what a file of any bytes is, as it is read
files = st.one_of(
    spoilt_text(CONF, HBA, PROFILE).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
).map(lambda data: data.decode("utf-8", "surrogateescape"))


def kept(before, after, mine):
    """Whether all lines of a file but those that are ours are there as they were, in their order."""
    theirs = [line for line in before.split("\n") if not mine(line)]
    now = [line for line in after.split("\n") if not mine(line)]
    return [line for line in theirs if line] == [line for line in now if line]


# postgresql.conf


@fuzzed(files)
@example("# x\x0bport = 1\n")
@example("a'b'\n")
@example("a = 'x\\ny\\101'\n")
@example("a = b\rc = d\n")
def test_settings_are_read_as_the_engine_reads_them(text):
    told = postgresql.configuration(text)
    found = configuration.read_settings(text)
    if told is not None and all(name.isascii() for name, _value in told):
        directives = ("include", "include_if_exists", "include_dir")
        assert found == {name.lower(): value for name, value in told if name.lower() not in directives}
        assert configuration.read_includes(text) == [(name.lower(), value) for name, value in told if name.lower() in directives]


@fuzzed(files, st.dictionaries(st.sampled_from(["port", "primary_conninfo", "archive_command"]), st.one_of(st.none(), hostile_texts)))
@example("", {"archive_command": "a\nport = 1"})
@example("x = 'a", {"archive_command": "\\"})
def test_settings_are_written_as_the_engine_reads_them(text, changes):
    try:
        changed = configuration.change_settings(text, changes)
    except CoordinatorError as error:
        assert any(repr(value)[:40] in error.message for value in changes.values())
        return
    assert kept(text, changed, lambda line: any(found[0].lower() in changes for found in postgresql.configuration(line) or ()))
    assert configuration.change_settings(changed, changes) == changed
    assert {name: configuration.read_settings(changed).get(name) for name in changes} == changes
    told = postgresql.configuration(changed)
    if postgresql.configuration(text) is not None:
        assert {name: {word.lower(): value for word, value in told}.get(name) for name in changes} == changes


def programs_of_postgresql():
    there = "/usr/lib/postgresql"
    versions = sorted(os.listdir(there)) if os.path.isdir(there) else []
    return [os.path.join(there, version, "bin", "postgres") for version in versions]


@pytest.mark.parametrize("postgres", programs_of_postgresql()[-1:])
@fuzzed(hostile_texts)
@example("a'b\\c\nd\te")
def test_a_real_engine_reads_what_was_written(postgres, tmp_path_factory, value):
    directory = tmp_path_factory.getbasetemp() / "real"
    directory.mkdir(exist_ok=True)
    try:
        text = configuration.change_settings("port = 1\n", {"archive_command": value})
    except CoordinatorError:
        return
    assume(len(value) < 900)  # it shows no more of one
    (directory / "postgresql.conf").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = subprocess.run([postgres, "-C", "archive_command", "-D", directory], capture_output=True, check=False)
    assert done.stdout == value.encode("utf-8", "surrogateescape") + b"\n", (text, done.stderr)


@fuzzed(files, hostile_texts.filter(bool))
def test_a_start_block_is_what_the_engine_reads_last(text, host):
    include = configuration.include_name(host)
    blocked = configuration.change_start_block(text, include)
    assert configuration.start_block_of(blocked) == include
    assert configuration.change_start_block(blocked, include) == blocked
    assert "/" not in include
    told = postgresql.configuration(blocked)
    if postgresql.configuration(text) is not None:
        assert told[-1] == ("include", include)
    assert kept(text, configuration.change_start_block(blocked, None), lambda line: False)


# pg_hba.conf

rules = st.fixed_dictionaries(
    {
        "type": st.one_of(st.sampled_from(access.TYPES), hostile_texts),
        "database": st.one_of(st.sampled_from(access.DATABASES), hostile_texts),
        "user": st.one_of(st.none(), st.sampled_from(["all", "+x", "@x"]), hostile_texts),
        "addresses": st.lists(st.one_of(st.sampled_from(["10.0.0.1", "10.0.0.0/8", "fd00::1", "samenet", ".example.com"]), hostile_texts)),
        "method": st.one_of(st.sampled_from(["trust", "scram-sha-256"]), hostile_texts),
        "options": st.lists(st.one_of(hostile_texts, hostile_texts.map(lambda text: f"ldapserver={text}")), max_size=2),
    }
)


@fuzzed(files, rules)
@example(HBA, {"type": "host", "database": "x" * 300, "user": None, "addresses": ["all"], "method": "trust", "options": []})
def test_rules_are_written_as_the_engine_reads_them(text, options):
    try:
        found = access.rules_of([options])
        changed = access.change_block(text, access.BLOCK, found)
    except CoordinatorError as error:
        assert error.message.isprintable()
        return
    assert changed.endswith(text) or marked.names(text)
    block = access.first_block(changed, access.BLOCK)
    assert block == (list(map(str, found)) if found else None) or not found
    assert access.change_block(changed, access.BLOCK, found) == changed
    for rule, line in zip(found, map(str, found)):
        fields = postgresql.access_fields(line)
        names = [rule.type, rule.database, rule.user or "all", *([rule.address] if rule.address else []), rule.method]
        assert [told for told, _quoted in fields] == [*names, *rule.options]
        assert fields[1][1] == (rule.database not in access.DATABASES)
        assert fields[2][1] == (rule.user is not None)


@fuzzed(files)
@example("a\x0c# BEGIN warehousepg.coordinator\x0cx\x0c# END warehousepg.coordinator\n")
def test_a_block_is_removed_and_nothing_else(text):
    rule = {"database": "all", "user": "x", "addresses": ["10.0.0.1"], "method": "trust"}
    try:
        (step, *_more) = access.plan({"/d": text}, {access.BLOCK: [rule]}) or [None]
    except CoordinatorError as error:
        assert access.BLOCK in error.message
        return
    written = step.arguments["text"] if step else text
    if not marked.names(text):
        (step, _reload) = access.plan_removal({"/d": written})
        assert step.arguments["text"] == text


# what an operator's shell reads


@fuzzed(files, tellable.map(lambda text: f"/{text}"), st.integers(1, 65535), hostile_texts)
@example(PROFILE, "/a\n# END warehousepg.coordinator environment of demo\nb", 1, "demo")
def test_a_line_for_shells_is_found_again_and_quoted(text, directory, port, cluster):
    line = environment.line(environment.variables("/none", directory, port))
    word = shlex.split(line)
    assert word == ["export", f"PGPORT={port}", f"{environment.DIRECTORY}={directory}"]
    try:
        changed = environment.change(text, cluster, line)
    except CoordinatorError:
        assert "\n" in directory + cluster or cluster != cluster.strip() or not cluster
        return
    assert environment.change(changed, cluster, line) == changed
    assert environment.found_in(changed, cluster) == line
    assert changed.startswith(text) or marked.names(text)


# what the engine tells of itself


@fuzzed(spoilt_text(PIDFILE))
@example("²\n")
@example("90\n\n\n²\n")
@example("9" * 5000)
@example("99999999999999999999\n")
@example("0\n")
def test_a_process_file_names_a_process_or_none(text):
    found = parse_postmaster_file(text)
    if found is not None:
        assert 0 < found.pid < 1 << 31
        assert found.port is None or 0 < found.port < 65536
        assert found.socket_directory is None or found.socket_directory.strip()


@fuzzed(spoilt_text(CONTROLDATA))
@example(CONTROLDATA.replace("0/30000060", "nowhere"))
@example(CONTROLDATA.replace("67108864", "0"))
@example(CONTROLDATA.replace("TimeLineID:       1", "TimeLineID:       -1"))
@example(CONTROLDATA.replace("7711121183714698180", "\x1b[2J"))
def test_control_data_is_of_its_form_or_refused(text):
    try:
        found = parse_controldata(text)
    except CoordinatorError as error:
        assert "pg_control" in error.message and len(error.message) < 1000
        return
    assert border.parse(ControlData, json.loads(json.dumps(dataclasses.asdict(found)))) == found
    assert found.timeline > 0
    assert found.segment_bytes & (found.segment_bytes - 1) == 0 and 1 << 20 <= found.segment_bytes <= 1 << 30


@fuzzed(spoilt_text(HISTORY), st.integers(1, 5))
@example("٣" * 5000 + "\t0/1\n", 2)
@example("1\tFFFFFFFFFFFF/0\n", 2)
def test_a_history_is_read_or_refused_by_its_name(tmp_path_factory, text, number):
    directory = tmp_path_factory.getbasetemp() / "history"
    directory.mkdir(exist_ok=True)
    path = directory / f"{number:08X}.history"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = timeline.read_history(str(directory), number)
    except CoordinatorError as error:
        assert str(path) in error.message
        return
    assert timeline.history_of(number, timeline.show_history(found)) == found
    found.is_consistent()
    assert timeline.parting(found, found)


# connections


@fuzzed(
    st.dictionaries(
        st.sampled_from(["host", "user", "passfile", "application_name", "port", "tcp_user_timeout", "gssencmode", "krbsrvname"]),
        hostile_texts,
        max_size=4,
    )
)
@example({"host": "a b'c\\d", "passfile": "/x y\n'"})
def test_a_connection_string_is_read_by_libpq_as_it_was_meant(parameters):
    try:
        written = conninfo(parameters)
    except CoordinatorError as error:
        assert error.message.isprintable()
        return
    assert parse_conninfo(written) == parameters
    if not {"tcp_user_timeout", "gssencmode", "krbsrvname"} & set(parameters):
        assert parse_dsn(written) == parameters


@fuzzed(hostile_texts)
def test_any_connection_string_is_read_or_gives_nothing(text):
    assert isinstance(parse_conninfo(text), dict)


@fuzzed(hostile_texts, st.integers(1, 65535), hostile_texts, hostile_texts)
@example("#h", 1, "u", "p")
def test_an_entry_of_a_passfile_is_one_entry(host, port, user, password):
    try:
        line = passfile.entry((host, port), user, password)
    except CoordinatorError as error:
        assert error.message.isprintable() and (len(password) < 4 or password not in error.message or password in host + user)
        return
    assert line.count("\n") == 1
    assert passfile.fields(line[:-1]) == [host, str(port), "*", user, password]


@fuzzed(files)
def test_any_line_of_a_passfile_is_an_entry_or_none(text):
    for line in text.split("\n"):
        found = passfile.fields(line)
        assert found is None or len(found) == 5
