# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.drift import MOST_BYTES, File, Unlogged, read_meaning
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import drift


def shown(conf="", auto="", left_out=(), **files):
    """What a host has; each file by its check, or by its size and its check."""
    texts = {"postgresql.conf": conf, "postgresql.auto.conf": auto}
    found = {name: (1, file) if isinstance(file, str) else file for name, file in files.items()}
    of_files = {name.replace("__", "."): File(size, 2000.0, check) for name, (size, check) in found.items()}
    settings = {name: read_meaning(text) for name, text in texts.items()}
    return Unlogged({**dict.fromkeys(texts, File(1, 1000.0, "")), **of_files}, settings, tuple(left_out))


def found(primary, standby, accepted=()):
    return drift.differences(primary, standby, accepted)


def test_nothing_differs_of_hosts_that_have_the_same():
    assert found(shown("work_mem = 4MB", pg_hba__conf="a"), shown("work_mem = '4MB'", pg_hba__conf="a")) == []


@pytest.mark.parametrize(("primary", "standby"), [(None, shown()), (shown(), None), (None, None)])
def test_what_was_not_seen_is_not_known(primary, standby):
    assert drift.differences(primary, standby) is None


def test_settings_that_differ():
    told = found(shown("port = 1\nwork_mem = '8MB'", "jit = on"), shown("port = 2\nwork_mem = '4MB'"))
    assert [(one.name, one.file, one.only_on, one.primary, one.standby, one.brought) for one in told] == [
        ("jit", "postgresql.auto.conf", "primary", "on", None, True),
        ("work_mem", "postgresql.conf", None, "8MB", "4MB", True),
    ]


def test_files_that_differ():
    primary, standby = shown(pg_hba__conf="a", key="k"), shown(pg_hba__conf="b", own="o")
    told = {one.name: (one.only_on, one.brought, one.changed) for one in found(primary, standby)}
    assert told == {"pg_hba.conf": (None, True, 2000.0), "key": ("primary", True, 2000.0), "own": ("standby", False, 2000.0)}
    assert drift.to_bring(found(primary, standby)) == ["key", "pg_hba.conf"]


def test_a_large_file_and_one_elsewhere_are_told_and_not_brought():
    primary = shown(history=(MOST_BYTES + 1, "a"), **{"/etc/x": "a"})
    assert [(one.name, one.brought) for one in found(primary, shown())] == [("/etc/x", False), ("history", False)]


def test_what_was_not_compared_is_told_by_its_size():
    assert found(shown(x=""), shown(x="b")) == []
    assert [one.name for one in found(shown(x=""), shown(x=(2, "b")))] == ["x"]


def test_of_what_one_host_could_not_look_at_it_is_told_that_it_was_not_compared():
    primary = shown(left_out=["many"], server__key="a")
    standby = shown(left_out=["server.key"], **{"many/1": "a"})
    told = found(primary, standby)
    assert [(one.kind, one.name, one.brought) for one in told] == [("unknown", "many", False), ("unknown", "server.key", False)]
    assert drift.warnings("cdw", "scdw", told) == [
        "not compared between cdw and scdw: many, server.key (more than 1000 files, or not readable by the engine's user): compare it, or "
        "accept it by standby_accepted_drift"
    ]
    assert (drift.to_bring(told), drift.described(told)) == ([], "")
    assert found(primary, standby, ["many", "server.*"]) == []
    below = found(shown(left_out=["a/closed"]), shown(**{"a/closed/x/y": "a", "a/closer": "b"}))
    assert [(one.kind, one.name) for one in below] == [("file", "a/closer"), ("unknown", "a/closed")]
    assert drift.uncompared([]) == drift.uncompared(None) == ""


@pytest.mark.parametrize("accepted", [["work_mem", "gp*"], ["*"]])
def test_what_is_accepted_is_not_told(accepted):
    assert found(shown("work_mem = 8MB", gpmetrics="a"), shown("work_mem = 4MB", gpmetrics="b"), accepted) == []


def test_the_warning_names_what_differs_and_since_when():
    told = found(shown("work_mem = 8MB", pg_hba__conf="a"), shown("work_mem = 4MB", pg_hba__conf="b", own="x"))
    first, second = drift.warnings("cdw", "scdw", told)
    assert first.startswith(
        "scdw differs from cdw in the setting work_mem and pg_hba.conf (since 1970-01-01T00:16:40Z): run enable_mirroring"
    )
    assert second.startswith("only scdw has own (since 1970-01-01T00:33:20Z): copy it to cdw")
    assert drift.warnings("cdw", "scdw", None) == drift.warnings("cdw", "scdw", []) == []


def test_many_names_are_not_all_told():
    assert drift.described(found(shown(**{f"f{number}": "a" for number in range(12)}), shown())).count("f") == 8


def test_the_age_of_what_a_standby_has():
    assert drift.ages(shown(pg_hba__conf="a")).startswith("postgresql.conf of 1970-01-01T00:16:40Z, ")
    assert drift.ages(None) == ""
