# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import host as host_utils
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import (
    Host,
    free_bytes,
    newest_first,
    read_text,
    sync_tree,
    used_bytes,
    user_name,
)

from ..conftest import LocalModule


def test_the_user_s_environment_misleads_nobody(program, tmp_path, monkeypatch):
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    program("show", 'echo "$PGHOST/$LC_ALL/$GPHOME"')
    host = Host(LocalModule(), str(tmp_path / "greenplum-db" / "greenplum_path.sh"))
    assert host.run("show").strip() == f"/C/{tmp_path}/greenplum-db"
    assert "PGHOST" not in os.environ


def test_a_failure_tells_program_code_and_output(host, program):
    program("fails", "echo out; echo err >&2; exit 3")
    with pytest.raises(CoordinatorError, match="fails failed with exit code 3: err\nout") as raised:
        host.run("fails")
    assert raised.value.data == {"command": "fails", "rc": 3}
    assert host.run("fails", accept=(3,)) == "out\n"


def test_a_program_that_is_missing_names_the_remedy(host):
    with pytest.raises(CoordinatorError, match="set greenplum_path"):
        host.run("nothing")


def test_writes_a_file_whole_with_its_mode(host, tmp_path):
    path = tmp_path / "secret"
    old = os.umask(0o002)
    try:
        host.write(str(path), "x", 0o600)
        host.write(str(path), "y\r\n\udcff", 0o600)
    finally:
        os.umask(old)
    assert path.read_bytes() == b"y\r\n\xff"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["greenplum-db", "secret"]
    assert read_text(str(path)) == "y\r\n\udcff"


@pytest.fixture
def synchronised(monkeypatch):
    """What was made to outlast a power failure, in its order."""
    found = []
    monkeypatch.setattr(os, "fsync", lambda handle: found.append(os.readlink(f"/proc/self/fd/{handle}")))
    return found


def test_what_is_written_and_its_name_outlast_a_power_failure(host, tmp_path, synchronised):
    host.write(str(tmp_path / "fence"), "x", 0o600)
    content, name = synchronised
    assert os.path.dirname(content) == name == str(tmp_path)
    assert content != str(tmp_path / "fence"), "before it has that name"


def test_a_tree_outlasts_a_power_failure_and_nothing_that_its_links_lead_to(tmp_path, synchronised):
    tree = tmp_path / "tree"
    (tree / "base" / "5").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for path in (tmp_path / "elsewhere" / "file", tree / "base" / "5" / "17", tree / "PG_VERSION"):
        path.touch()
    (tree / "link").symlink_to(tmp_path / "elsewhere" / "file")
    (tree / "pg_wal").symlink_to(tmp_path / "elsewhere")
    sync_tree(str(tree))
    assert sorted(synchronised) == sorted(
        map(str, (tree, tree / "PG_VERSION", tree / "base", tree / "base" / "5", tree / "base" / "5" / "17"))
    )


@pytest.mark.parametrize(("code", "matters"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_what_is_no_file_need_not_outlast_anything_and_a_disk_that_fails_is_told(tmp_path, monkeypatch, code, matters):
    def fsync(handle):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError) if matters else contextlib.nullcontext():
        sync_tree(str(tmp_path))


def test_a_file_that_cannot_be_written_is_named(host, tmp_path):
    path = tmp_path / "none/file"
    said = f"{re.escape(str(path))} cannot be written: No such file or directory; see to the file system"
    with pytest.raises(CoordinatorError, match=said):
        host.write(str(path), "x", 0o600)


def test_no_other_place_writes_a_whole_file_on_a_host():
    plugins = Path(host_utils.__file__).parents[2]
    sources = {path.name: path.read_text() for folder in ("module_utils", "modules") for path in (plugins / folder).rglob("*.py")}
    writing = re.compile(r"""open\([^()]*(?:\([^()]*\)[^()]*)?,\s*["'][wx]|write_text\(|write_bytes\(|mkstemp\(""")
    # archives of WAL are synchronised where they are written, a copy as a whole when it is made; what work tells while it goes on, and a
    # copy that is thrown away, mean nothing after a power failure
    found = {name for name, text in sources.items() if writing.search(text)}
    assert found == {"host.py", "changed_blocks.py", "outlasting.py", "rehearsal.py", "salvage.py"}


def test_logs_that_go_while_they_are_listed_are_left_out(tmp_path, monkeypatch):
    for age, name in enumerate(["new [1]", "gone", "old"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (100 - age, 100 - age))
    ages = os.path.getmtime
    monkeypatch.setattr(os.path, "getmtime", lambda path: ages(path + ("x" if path.endswith("gone") else "")))
    assert [os.path.basename(path) for path in newest_first([str(tmp_path), str(tmp_path / "none")])] == ["new [1]", "old"]
    assert newest_first([str(tmp_path)], newer_than=99.5) == [str(tmp_path / "new [1]")]


def test_no_file_is_no_text(tmp_path):
    assert read_text(str(tmp_path / "none")) is None
    with pytest.raises(CoordinatorError, match="cannot be read"):
        read_text(str(tmp_path))


def test_addresses_are_those_that_others_reach(monkeypatch):
    module = LocalModule()
    answer = (
        '[{"addr_info": [{"family": "inet", "local": "127.0.0.1", "scope": "host"}]},'
        ' {"addr_info": [{"family": "inet6", "local": "fd00::1", "scope": "global"},'
        ' {"family": "inet", "local": "10.0.0.1", "scope": "global"}, {"family": "inet6", "local": "fe80::1", "scope": "link"}]}]'
    )
    monkeypatch.setattr(module, "run_command", lambda command, **rest: (0, answer, ""))
    assert Host(module).addresses() == ["10.0.0.1", "fd00::1"]
    monkeypatch.setattr(module, "run_command", lambda command, **rest: (1, "", "no"))
    assert Host(module).addresses() == []


def test_measures_directories(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "big").write_bytes(b"x" * 100000)
    (tmp_path / "base").write_bytes(b"x" * 8192)
    assert used_bytes(str(tmp_path), without=("log",)) == 8192
    assert used_bytes(str(tmp_path)) >= 108192
    assert free_bytes(str(tmp_path)) > 0


def test_names_users():
    assert user_name(0) == "root"
    assert user_name(2**30) == str(2**30)


def test_runs_programs_of_the_operating_system(host, tmp_path, monkeypatch):
    program = tmp_path / "nft"
    program.write_text('#!/bin/sh\necho "$LC_ALL $*"\necho wrong >&2\nexit $1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host.command("nft", "0", "list") == (0, "C 0 list\n")
    assert host.command(str(program), "3") == (3, "wrong\nC 3")
    assert host.command("iptables") == (127, "")
