# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import file_kinds, own_files
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.file_kinds import (
    CONFIGURATION,
    ENGINE,
    HISTORY,
    OTHER,
    classify,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.own_files import FILE, SMALL, Entry
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (
            ENGINE,
            "base/1/2 global/pg_control pg_wal pg_tblspc/1 pg_stat_tmp/global.stat pg_twophase PG_VERSION postmaster.pid postmaster.opts "
            "log/startup.log pg_log current_logfiles backup_label backup_label.old tablespace_map standby.signal recovery.signal "
            "internal.auto.conf internal.auto.conf.bak gpsegconfig_dump promote pg_xact postgresql.auto.conf.tmp pg_internal.init "
            ".coordinator_write-abc base/server.key pg_distributedlog/0000 pg_replslot/standby_coordinator/state pg_anchor_snapshots/one",
        ),
        (
            CONFIGURATION,
            "postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf conf.d/memory.conf gpssl/server.key server.crt root.crl ca.pem",
        ),
        (HISTORY, "gpbackup_history.db gpbackup_history.yaml gpbackup_history.db-journal"),
        (
            OTHER,
            "gpmetrics/1 backups/x/report postgresql.conf.orig database pg_notes.txt pg_hba.conf.20261123 .git/config global.txt logs/1",
        ),
    ],
)
def test_kinds(kind, paths):
    assert {path: classify(path) for path in paths.split()} == dict.fromkeys(paths.split(), kind)


def made(directory, files):
    """A directory with files; None is a directory with nothing in it, a text that begins with an arrow a link."""
    pathlib.Path(directory).mkdir()
    for path, content in files.items():
        place = pathlib.Path(directory, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            place.mkdir()
        elif content.startswith("->"):
            place.symlink_to(content[2:])
        else:
            place.write_text(content)
    return str(directory)


def read(directory):
    """What is in a directory, as :func:`made` makes it."""
    found = {}
    for top, names, files in os.walk(directory):
        for name in [*names, *files]:
            path = os.path.join(top, name)
            if os.path.islink(path):
                found[os.path.relpath(path, directory)] = "->" + os.readlink(path)
            elif os.path.isfile(path):
                found[os.path.relpath(path, directory)] = pathlib.Path(path).read_text()
            elif not os.listdir(path):
                found[os.path.relpath(path, directory)] = None
    return found


@pytest.mark.parametrize(
    ("own", "other", "kept", "differing"),
    [
        ({"a": "1", "d/e": "1"}, {}, ["a", "d/e"], []),
        ({"a": "1", "b": "1", "c": "->x"}, {"a": "1", "b": "2", "c": "->y"}, [], ["b", "c"]),
        ({"d/e": "1"}, {"d": "a file"}, [], ["d/e"]),
        ({"d/e": "1"}, {"d": "->elsewhere"}, [], ["d/e"]),
        ({"d": "a file"}, {"d/e": "1"}, [], ["d"]),
        ({"d": "->elsewhere"}, {"d/e": "1"}, [], ["d"]),
        ({"d": None, "e": None}, {"d": "a file"}, ["e"], []),
        ({"d/e": "1"}, {"d": None}, ["d/e"], []),
        ({"base/1": "1", "log/1": "1", "global": None, "x/base": "1"}, {}, ["x/base"], []),
    ],
)
def test_what_only_one_directory_has_is_kept_and_what_differs_is_set_aside(tmp_path, own, other, kept, differing):
    fate = own_files.differing(made(tmp_path / "own", own), made(tmp_path / "other", {**other, "PG_VERSION": "12"}))
    assert (fate.kept, fate.differing) == (kept, differing)


def test_large_files_that_look_alike_are_compared_as_a_whole(tmp_path):
    for name, middle in (("own", b"x"), ("other", b"y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "large").write_bytes(bytes(SMALL) + middle + bytes(SMALL))
    assert own_files.listing(str(tmp_path / "own")) == own_files.listing(str(tmp_path / "other"))
    assert own_files.differing(str(tmp_path / "own"), str(tmp_path / "other")).differing == ["large"]


def test_what_it_will_keep_is_foreseen():
    def seen(files):
        return {path: own_files.Entry("file", 1, check) for path, check in files.items()}

    own, other = seen({"postgresql.conf": "a", "x": "a", "y": "a"}), seen({"postgresql.conf": "b", "x": "b"})
    assert own_files.foresee(own, other, rewound=True) == own_files.Fate(["y"], ["x"])
    assert own_files.foresee(own, other, rewound=False) == own_files.Fate(["y"], ["postgresql.conf", "x"])


def test_many_files_are_named_by_their_directories():
    assert own_files.named(["a", "b/c"]) == "a, b/c"
    many = [f"backups/{number}" for number in range(30)]
    assert own_files.named(["a", *many]) == "a, backups/ (30 files)"
    assert own_files.named([str(number) for number in range(30)], 3) == "0, 1, 2, and 27 more"


def test_a_copy_gets_what_only_the_former_one_had(tmp_path):
    files = {"gpbackup_history.db": "1", "d/e": "1", "d/empty": None, "link": "->/x", "both": "1", "large": "x" * (SMALL + 1), "f": "1"}
    old = made(tmp_path / "old", files)
    new = made(tmp_path / "new", {"both": "2", "f": "1"})
    os.chmod(os.path.join(old, "d"), 0o750)
    assert own_files.carry(old, new) == {"kept": ["d/e", "d/empty", "gpbackup_history.db", "large", "link"], "differing": ["both"]}
    assert read(new) == {**files, "both": "2"}
    assert read(old) == files
    assert os.stat(os.path.join(new, "d")).st_mode & 0o777 == 0o750
    assert os.stat(os.path.join(new, "large")).st_nlink == 2, "a large file takes no more space"
    assert os.stat(os.path.join(new, "gpbackup_history.db")).st_nlink == 1, "what changes in one does not in the other"


def test_where_there_is_too_much_the_rest_is_listed_all_the_same(tmp_path):
    where = made(tmp_path / "many", {**{f"many/{number}/x": "1" for number in range(3)}, "few/a/b": "1", "base/1": "1", "z": "1"})
    assert own_files.entries(where, 5) == ({"few/a/b": Entry(FILE, 1), "z": Entry(FILE, 1)}, ["many"])
    assert own_files.entries(where, 2) == ({"few/a/b": Entry(FILE, 1)}, ["many", "z"])
    found, left_out = own_files.entries(where)
    assert (len(found), left_out) == (5, [])


def test_what_cannot_be_read_is_kept_where_it_is(tmp_path, monkeypatch):
    old, new = made(tmp_path / "old", {"closed/x": "1", "file": "1"}), made(tmp_path / "new", {})
    names = os.listdir

    def denied(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return names(path)

    monkeypatch.setattr(own_files.os, "listdir", denied)
    assert own_files.carry(old, new) == {"kept": ["file"], "differing": ["closed"]}
    assert os.listdir(new) == ["file"]


names = st.sampled_from(["a", "b", "c.conf", "gpbackup_history.db"])
contents = st.one_of(st.none(), st.sampled_from(["1", "2", "->/x", "->a"]))


@st.composite
def trees(draw):
    """Files of a directory, nothing below what is a file or a link."""
    found = {}
    for path in draw(st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), max_size=6)):
        parents = [path[:at] for at, letter in enumerate(path) if letter == "/"]
        if not any(parent in found for parent in parents) and not any(other.startswith(f"{path}/") or other == path for other in found):
            found[path] = draw(contents)
    return found


@given(own=trees(), source=trees())
def test_nothing_is_lost_whatever_a_rewind_makes_of_it(own, source):
    with tempfile.TemporaryDirectory() as base:
        target, kept, aside = made(f"{base}/target", {"PG_VERSION": "12", **own}), f"{base}/kept", f"{base}/aside"
        own_files.take_out(target, kept)
        shutil.rmtree(target)  # the rewind
        made(target, {"PG_VERSION": "12", **source})
        done = own_files.give_back(kept, target, aside)
        now, moved = read(target), read(aside) if os.path.isdir(aside) else {}
        for path, content in own.items():
            if content is None:
                assert os.path.lexists(os.path.join(target, path)) or path in moved
            elif path in done["set_aside"]:
                assert moved[path] == content
            else:
                assert now[path] == content
        for path, content in source.items():
            own_wins = classify(path) == CONFIGURATION and own.get(path) is not None
            assert content is None or now[path] == content or own_wins
        assert set(done["kept"]) <= set(own) and sorted(moved) == sorted(done["set_aside"])
        assert not os.path.exists(kept)


@given(own=trees(), source=trees())
def test_what_could_not_be_rewound_is_as_it_was(own, source):
    with tempfile.TemporaryDirectory() as base:
        target, kept = made(f"{base}/target", {"PG_VERSION": "12", **own}), f"{base}/kept"
        own_files.take_out(target, kept)
        shutil.rmtree(target)
        made(target, {"PG_VERSION": "12", **source})
        own_files.put_back(kept, target)
        now = read(target)
        assert {path: now[path] for path, content in own.items() if content is not None} == {
            path: content for path, content in own.items() if content is not None
        }
        assert not os.path.exists(kept)


@pytest.mark.parametrize(
    ("fate", "in_place", "aside"),
    [(file_kinds.OWN, "own", None), (file_kinds.BESIDE, "source", "own"), (file_kinds.ENGINES, "source", None)],
)
def test_a_line_of_the_table_says_what_becomes_of_a_kind(fate, in_place, aside, tmp_path, monkeypatch):
    monkeypatch.setattr(file_kinds, "KINDS", (file_kinds.Kind("jobs", fate, top="jobs"), *file_kinds.KINDS))
    target, kept, set_aside = made(tmp_path / "target", {"jobs/daily": "own"}), str(tmp_path / "kept"), str(tmp_path / "aside")
    own_files.take_out(target, kept)
    shutil.rmtree(target)  # the rewind
    made(target, {"jobs/daily": "source"})
    done = own_files.give_back(kept, target, set_aside)
    assert read(target)["jobs/daily"] == in_place
    assert done["set_aside"] == (["jobs/daily"] if aside else [])
    assert (read(set_aside)["jobs/daily"] if os.path.isdir(set_aside) else None) == aside


def test_what_would_be_lost_with_a_standby_is_what_only_it_has():
    own = {"a": Entry(FILE, 1, "1"), "b": Entry(FILE, 1, "1"), "c": Entry(FILE, 1, "1"), "d.conf": Entry(FILE, 1, "1")}
    other = {"b": Entry(FILE, 1, "2"), "c": Entry(FILE, 1, "1"), "d.conf": Entry(FILE, 1, "2")}
    assert own_files.lost(own, other) == ["a", "b"]
    assert own_files.lost({}, other) == []


def test_what_cannot_be_put_back_is_told_and_kept(tmp_path, monkeypatch):
    target, kept = made(tmp_path / "target", {"x": "1"}), str(tmp_path / "kept")
    own_files.take_out(target, kept)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_files.os, "replace", full)
    with pytest.raises(CoordinatorError, match=r"belongs into .* do it by hand"):
        own_files.put_back(kept, target)
    assert read(kept) == {"x": "1"}
