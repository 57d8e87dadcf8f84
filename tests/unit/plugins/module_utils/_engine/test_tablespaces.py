# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import (
    Placement,
    Spot,
    Tablespace,
    change_dbid,
    leftovers,
    mapping_arguments,
    moved,
    read_spot,
    read_spots,
    read_tablespaces,
    refusal,
    remove_leftovers,
    staging_place,
    swap_in,
)
from hypothesis import given
from hypothesis import strategies as st

#: what the engine makes in a part
VERSION = "GPDB_7_302307241"


def part(location, dbid, content="data"):
    """An instance's part of a tablespace."""
    directory = location / str(dbid)
    (directory / VERSION).mkdir(parents=True)
    (directory / VERSION / "file").write_text(content)
    return directory


def link(data_directory, oid, target):
    links = data_directory / "pg_tblspc"
    links.mkdir(parents=True, exist_ok=True)
    (links / str(oid)).symlink_to(target)


def test_reads_tablespaces_by_their_links(tmp_path):
    data = tmp_path / "data"
    link(data, 20, part(tmp_path / "fast", 1))
    link(data, 3, tmp_path / "gone" / "1")
    assert read_tablespaces(str(data)) == (Tablespace(20, str(tmp_path / "fast"), 1), Tablespace(3, str(tmp_path / "gone"), 1))
    assert [space.bytes for space in read_tablespaces(str(data), size=True)] == [4096, 0]


def test_what_is_no_link_of_a_tablespace_is_none(tmp_path):
    data = tmp_path / "data"
    assert read_tablespaces(str(data)) == ()
    link(data, "20.new", tmp_path / "fast" / "1")
    link(data, 21, tmp_path / "fast")  # of another engine, without a dbid
    (data / "pg_tblspc" / "22").mkdir()
    assert read_tablespaces(str(data)) == ()


def test_observes_a_place(tmp_path):
    placement = Placement("/fast", str(tmp_path))
    spot = read_spot(placement, 8)
    assert (spot.exists, spot.writable, spot.taken, spot.device) == (True, True, None, tmp_path.stat().st_dev)
    assert spot.free > 0
    (tmp_path / "8").mkdir()
    assert read_spot(placement, 8).taken is None
    (tmp_path / "8" / "file").touch()
    assert read_spot(placement, 8).taken == str(tmp_path / "8")
    assert read_spot(placement, 9).taken is None
    assert read_spot(placement, None).taken is None
    assert read_spot(Placement("/fast", str(tmp_path / "none")), 8) == Spot(
        placement=Placement("/fast", str(tmp_path / "none")), exists=False, writable=False, taken=None, free=0, device=0
    )


def spot(place="/fast", size=None, exists=True, writable=True, taken=None, free=4 << 20, device=1, location="/fast"):
    return Spot(placement=Placement(location, place, size), exists=exists, writable=writable, taken=taken, free=free, device=device)


@pytest.mark.parametrize(
    ("spots", "message"),
    [
        ([spot("fast")], "'fast', the place for the tablespace in /fast on the primary, is no absolute path: correct the mapping"),
        (
            [spot("/x", exists=False)],
            "the directory /x for the tablespace in /fast on the primary does not exist: create it, owned by gpadmin, or map",
        ),
        ([spot("/x", writable=False)], "gpadmin cannot write to /x, the directory for the tablespace in /fast on the primary: let gpadmin"),
        ([spot(taken="/fast/8")], "/fast/8, the directory for the tablespace in /fast on the primary, is not empty: see whether"),
        ([spot(size=5 << 20)], "/fast has 4 MiB free, the tablespace in /fast on the primary needs 5 MiB there with the rest of the copy"),
        ([spot("/a", 3 << 20), spot("/b", 2 << 20)], "/b has 4 MiB free, the tablespace in /fast on the primary needs 5 MiB there"),
        ([spot(), spot("/x", exists=False)], "the directory /x for"),
        ([spot("/a"), spot("/a", location="/slow")], "/a is the place for the tablespaces in /fast and in /slow: map each"),
    ],
)
def test_refuses_with_value_reason_and_remedy(spots, message):
    assert refusal(spots, "gpadmin", {}).startswith(message)


@pytest.mark.parametrize(
    "spots", [[], [spot()], [spot(size=4 << 20)], [spot("/a", 3 << 20), spot("/b", 2 << 20, device=2)], [spot(free=0)]]
)
def test_takes_what_fits(spots):
    assert refusal(spots, "gpadmin", {}) is None


def test_the_rest_of_the_copy_counts_where_it_shares_the_file_system():
    assert refusal([spot(size=3 << 20)], "gpadmin", {1: 2 << 20}).startswith("/fast has 4 MiB free")
    assert refusal([spot(size=3 << 20)], "gpadmin", {2: 2 << 20}) is None


def test_what_is_staged_of_a_tablespace_needs_no_more_room_where_that_is_gone_on_with(tmp_path):
    target = tmp_path / "gpseg-1"
    staged = pathlib.Path(staging_place(str(tmp_path), str(target))) / "8" / "17"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(bytes(8192))
    (found,) = read_spots([Placement("/fast", str(tmp_path))], 8, str(target), str(tmp_path / "staging"))
    assert found.staged == 8192
    assert found == dataclasses.replace(read_spot(found.placement, 8), staged=8192, free=found.free)
    there = dataclasses.replace(spot(size=9 << 20), staged=6 << 20)
    assert refusal([there], "gpadmin", {}).startswith("/fast has 4 MiB free, the tablespace in /fast on the primary needs 9 MiB")
    assert refusal([there], "gpadmin", {}, resumes=True) is None
    more = dataclasses.replace(there, staged=20 << 20)
    assert refusal([more, spot(size=5 << 20)], "gpadmin", {}, resumes=True), "what is staged beyond that makes no room for others"


def understood(argument):
    """Both sides of a mapping as pg_basebackup reads it: at the equals sign that no backslash stands before."""
    old, new = re.split(r"(?<!\\)=", argument)
    return old.replace("\\=", "="), new.replace("\\=", "=")


paths = st.text("ab=/.-", max_size=12).map(lambda text: "/" + text)


@given(st.lists(st.tuples(paths, paths), max_size=3), paths)
def test_equals_signs_in_paths_do_not_end_them(pairs, data_directory):
    arguments = mapping_arguments([Placement(old, new) for old, new in pairs], data_directory)
    assert arguments[::2] == ["--tablespace-mapping"] * len(pairs)
    assert [understood(argument) for argument in arguments[1::2]] == [(old, staging_place(new, data_directory)) for old, new in pairs]


def test_each_data_directory_has_its_staging_place(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "one")
    places = {name: staging_place("/fast", str(tmp_path / name)) for name in ("one", "two", "link")}
    assert all(os.path.dirname(place) == "/fast" for place in places.values())
    assert places["one"] != places["two"]
    assert places["one"] == places["link"]


class Copy:
    """A finished copy as pg_basebackup leaves it: a staged data directory, and two staged tablespaces that its links point to."""

    def __init__(self, root):
        self.data_directory, self.staging = root / "gpseg-1", root / ".gpseg-1.coordinator_snapshot"
        self.places = {20: root / "fast", 21: root / "slow"}
        self.placements = [Placement(f"/on/primary/{oid}", str(place)) for oid, place in self.places.items()]
        for place in self.places.values():
            place.mkdir()
            part(place, 3, "another instance's")
        self.stage()

    def stage(self):
        for oid, place in self.places.items():
            link(self.staging, oid, part(self.staged(place), 8, f"of {oid}"))

    def staged(self, place):
        return place / os.path.basename(staging_place(str(place), str(self.data_directory)))

    def swap_in(self):
        swap_in(self.placements, str(self.data_directory), str(self.staging))

    def remove(self):
        remove_leftovers(self.placements, str(self.data_directory), str(self.staging))
        shutil.rmtree(self.staging)

    def entries(self):
        assert all((place / "3" / VERSION / "file").read_text() == "another instance's" for place in self.places.values())
        return [sorted(os.listdir(place)) for place in self.places.values()]

    def is_in_place(self):
        seen = [(self.staging / "pg_tblspc" / str(oid) / VERSION / "file").read_text() for oid in self.places]
        spaces = {(space.location, space.dbid) for space in read_tablespaces(str(self.staging))}
        desired = {(str(place), 8) for place in self.places.values()}
        return seen == ["of 20", "of 21"] and spaces == desired and self.entries() == [["3", "8"]] * 2


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


class Killed(BaseException):
    """The end of the process that does it."""


STEPS = ("unlink", "symlink", "replace", "rename", "rmdir")


@pytest.fixture
def killed_after(monkeypatch):
    """Lets something be killed before a change of the file system, after so many others; tells whether it came so far."""

    def run(count, action):
        left = [count]

        def cut_off(step):
            def instead(*arguments):
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return step(*arguments)

            return instead

        with monkeypatch.context() as patched:
            for name in STEPS:
                patched.setattr(tablespaces.os, name, cut_off(getattr(os, name)))
            try:
                action()
            except Killed:
                return True
        return False

    return run


def test_staged_parts_come_into_their_places(copy):
    assert len(leftovers(copy.placements, str(copy.data_directory))) == 2
    copy.swap_in()
    assert copy.is_in_place()
    assert leftovers(copy.placements, str(copy.data_directory)) == []


def test_an_empty_directory_is_no_obstacle(copy):
    (copy.places[20] / "8").mkdir()
    copy.swap_in()
    assert copy.is_in_place()


def test_what_came_into_a_place_meanwhile_stays(copy):
    part(copy.places[20], 8, "foreign")
    with pytest.raises(CoordinatorError, match=r"/8 cannot be renamed to .*/fast/8: Directory not empty; see what is there"):
        copy.swap_in()
    assert (copy.places[20] / "8" / VERSION / "file").read_text() == "foreign"
    copy.remove()
    assert (copy.places[20] / "8" / VERSION / "file").read_text() == "foreign"
    assert copy.entries() == [["3", "8"], ["3"]]


def test_what_is_in_a_place_is_not_the_copy_s_while_its_own_part_is_staged(copy, killed_after):
    part(copy.places[20], 8, "foreign")
    assert killed_after(3, copy.swap_in)  # the link is made, nothing is moved
    copy.remove()
    assert (copy.places[20] / "8" / VERSION / "file").read_text() == "foreign"


#: changes of the file system that swapping in two tablespaces takes
SWAPPING = 10


@pytest.mark.parametrize("count", range(SWAPPING + 1))
def test_wherever_swapping_in_is_killed_the_next_attempt_begins_anew(copy, killed_after, count):
    assert killed_after(count, copy.swap_in) == (count < SWAPPING)
    own = moved(str(copy.data_directory), str(copy.staging))
    assert [read_spot(placement, 8, own).taken for placement in copy.placements] == [None, None]
    copy.remove()
    assert copy.entries() == [["3"], ["3"]]
    copy.stage()
    copy.swap_in()
    assert copy.is_in_place()


@pytest.mark.parametrize("count", range(3))
def test_wherever_copying_is_killed_nothing_stays(copy, count):
    # the links come before what they point to, one after the other
    for oid in list(copy.places)[count:]:
        shutil.rmtree(copy.staged(copy.places[oid]))
        if count:
            (copy.staging / "pg_tblspc" / str(oid)).unlink()
    copy.remove()
    assert copy.entries() == [["3"], ["3"]]


def test_nothing_is_left_where_there_was_nothing(tmp_path):
    placements = [Placement("/fast", str(tmp_path)), Placement("/slow", str(tmp_path / "none"))]
    remove_leftovers(placements, str(tmp_path / "data"), str(tmp_path / "staging"))
    assert os.listdir(tmp_path) == []


@pytest.fixture
def stopped(tmp_path):
    """A stopped instance with two tablespaces, one of them under the desired dbid already."""
    data = tmp_path / "data"
    link(data, 20, part(tmp_path / "fast", 2, "of 20"))
    link(data, 21, part(tmp_path / "slow", 8, "of 21"))
    return data


def has_dbid(data, dbid):
    found = read_tablespaces(str(data))
    assert [(data / "pg_tblspc" / str(space.oid) / VERSION / "file").read_text() for space in found] == ["of 20", "of 21"]
    assert not any(name.endswith(".new") for name in os.listdir(data / "pg_tblspc"))
    return all(space.dbid == dbid and os.listdir(space.location) == [str(dbid)] for space in found)


#: changes of the file system that one tablespace's new dbid takes: rename, unlink, link, replace
CHANGING = 4


@pytest.mark.parametrize("count", range(CHANGING + 1))
def test_wherever_changing_the_dbid_is_killed_the_next_attempt_finishes(stopped, killed_after, count):
    assert killed_after(count, lambda: change_dbid(str(stopped), 8)) == (count < CHANGING)
    change_dbid(str(stopped), 8)
    assert has_dbid(stopped, 8)
    change_dbid(str(stopped), 8)
    assert has_dbid(stopped, 8)


def test_the_part_of_another_dbid_is_not_overwritten(stopped, tmp_path):
    part(tmp_path / "fast", 8, "foreign")
    with pytest.raises(CoordinatorError, match=r"/fast/2 cannot be renamed to .*/fast/8"):
        change_dbid(str(stopped), 8)
    assert (tmp_path / "fast" / "8" / VERSION / "file").read_text() == "foreign"
    assert (stopped / "pg_tblspc" / "20" / VERSION / "file").read_text() == "of 20"


def test_a_part_that_is_gone_is_told(stopped, tmp_path):
    shutil.rmtree(tmp_path / "fast" / "2")
    with pytest.raises(CoordinatorError, match="No such file or directory"):
        change_dbid(str(stopped), 8)


@pytest.mark.parametrize("left", [False, True])
def test_links_do_not_steer_what_gets_another_dbid(stopped, tmp_path, left):
    """Neither what is there is renamed, nor is it taken for what an attempt that was cut off had renamed already."""
    number = "8" if left else "1000"
    precious = tmp_path / "run" / number
    precious.mkdir(parents=True)
    (precious / "precious").touch()
    link(stopped, 30, tmp_path / "run" / "1000")
    before = read_tablespaces(str(stopped))
    with pytest.raises(CoordinatorError, match=rf"the link of the tablespace 30 in .* leads to '.*/run/{number}', which holds more"):
        change_dbid(str(stopped), 8)
    assert (precious / "precious").exists()
    assert read_tablespaces(str(stopped)) == before and os.listdir(tmp_path / "fast") == ["2"], "not one was begun"


def test_a_link_behind_a_link_is_not_renamed(stopped, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "2").symlink_to(tmp_path / "fast" / "2")
    link(stopped, 30, tmp_path / "run" / "2")
    with pytest.raises(CoordinatorError, match=r"leads to '.*/run/2'"):
        change_dbid(str(stopped), 8)
    assert os.listdir(tmp_path / "run") == ["2"]


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        ([], True),
        (["GPDB_7_302307241/5/1259"], True),
        (["PG_15_202209061/5/1259", "GPDB_7_302307241/5/1259"], True),
        (["GPDB_7_302307241/5/1259", "precious"], False),
        (["precious"], False),
        (["PG_VERSION"], False),
    ],
)
def test_a_part_holds_nothing_but_what_the_engine_makes(tmp_path, content, is_one):
    directory = tmp_path / "8"
    directory.mkdir()
    for name in content:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).touch()
    assert tablespaces.is_part(str(directory)) == is_one
    assert not tablespaces.is_part(f"{tmp_path}/8/../8") and not tablespaces.is_part("8")
    (tmp_path / "9").symlink_to(directory)
    assert not tablespaces.is_part(str(tmp_path / "9")), "what it leads to may be anything"
    assert not tablespaces.is_part(str(tmp_path / "none"))


def test_a_part_of_another_user_is_none(tmp_path, monkeypatch):
    directory = part(tmp_path / "fast", 8)
    assert tablespaces.is_part(str(directory))
    monkeypatch.setattr(os, "getuid", lambda: pathlib.Path(directory).stat().st_uid + 1)
    assert not tablespaces.is_part(str(directory))


def test_links_of_a_copy_do_not_steer_what_is_removed(tmp_path):
    precious = tmp_path / "home" / "8"
    precious.mkdir(parents=True)
    (precious / "precious").touch()
    staging = tmp_path / ".gpseg-1.coordinator_snapshot"
    link(staging, 20, precious)
    remove_leftovers([], str(tmp_path / "gpseg-1"), str(staging))
    assert (precious / "precious").exists()
