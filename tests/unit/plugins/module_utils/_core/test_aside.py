# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError


@pytest.fixture
def place(tmp_path):
    """A directory for a tablespace, with the parts of two instances."""
    for dbid in (1, 8):
        (tmp_path / "fast" / str(dbid) / "PG_15_1").mkdir(parents=True)
        (tmp_path / "fast" / str(dbid) / "PG_15_1" / "table").write_text(f"of {dbid}")
    return tmp_path / "fast"


@pytest.fixture
def instance(data_directory, place):
    """The data directory of the second."""
    (data_directory / "pg_tblspc").mkdir()
    (data_directory / "pg_tblspc" / "20").symlink_to(place / "8")
    return data_directory


def test_the_time_is_in_the_name():
    assert aside.suffix("set_aside", 1795392000.9) == ".set_aside-20261123T000000Z"


def test_what_is_set_aside_is_whole(instance, place):
    where = aside.move(str(instance), 8, ".set_aside-1")
    assert where == f"{instance}.set_aside-1"
    assert os.listdir(instance.parent) == ["gpseg-1.set_aside-1"]
    assert sorted(os.listdir(place)) == ["1", "8.set_aside-1"]
    with open(f"{where}/pg_tblspc/20/PG_15_1/table", encoding="utf-8") as table:
        assert table.read() == "of 8"


def test_a_move_that_was_cut_off_is_finished(instance, place):
    # the part was renamed, its link not changed yet
    (place / "8").rename(place / "8.set_aside-1")
    where = aside.move(str(instance), 8, ".set_aside-2")
    assert os.listdir(instance.parent) == [os.path.basename(where)] == ["gpseg-1.set_aside-2"]
    assert sorted(os.listdir(place)) == ["1", "8.set_aside-1"]


@pytest.mark.parametrize("cut_off", [None, "part", "link"])
def test_what_was_set_aside_is_brought_back(instance, place, cut_off):
    where = aside.move(str(instance), 8, ".set_aside-1")
    if cut_off:
        (place / "8.set_aside-1").rename(place / "8")
    if cut_off == "link":
        aside.relink(where, 20, str(place / "8"))
    aside.bring(where, str(instance))
    assert os.listdir(instance.parent) == ["gpseg-1"]
    assert sorted(os.listdir(place)) == ["1", "8"]
    assert (instance / "pg_tblspc" / "20" / "PG_15_1" / "table").read_text() == "of 8"


def test_what_is_brought_to_another_place_keeps_its_parts(instance, place, tmp_path):
    aside.bring(str(instance), str(tmp_path / "other"))
    assert sorted(os.listdir(place)) == ["1", "8"]
    assert (tmp_path / "other" / "pg_tblspc" / "20" / "PG_15_1" / "table").read_text() == "of 8"


def test_links_do_not_steer_what_is_brought_back(instance, place, tmp_path):
    where = aside.move(str(instance), 8, ".set_aside-1")
    precious = tmp_path / "precious.set_aside-1"
    precious.mkdir()
    (precious / "precious").touch()
    os.symlink(precious, f"{where}/pg_tblspc/21")
    aside.bring(where, str(instance))
    assert os.listdir(precious) == ["precious"]
    assert os.readlink(instance / "pg_tblspc" / "21") == str(precious)
    assert sorted(os.listdir(place)) == ["1", "8"]


def test_a_longer_name_alone_is_not_what_was_added_to_it(instance, place):
    """Whose parts end as the name of its directory does."""
    where = instance.rename(instance.parent / "gpseg-18")
    aside.bring(str(where), str(instance))
    assert os.readlink(instance / "pg_tblspc" / "20") == str(place / "8")
    assert sorted(os.listdir(place)) == ["1", "8"]


def test_nothing_is_brought_over_something_else(instance, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").touch()
    with pytest.raises(CoordinatorError, match="cannot be renamed"):
        aside.bring(str(instance), str(tmp_path / "other"))
    assert (instance / "PG_VERSION").exists()


def test_what_stands_in_the_way_is_kept(instance):
    (instance.parent / "gpseg-1.set_aside-1").mkdir()
    (instance.parent / "gpseg-1.set_aside-1" / "precious").touch()
    with pytest.raises(CoordinatorError, match=r"gpseg-1 cannot be renamed to .*gpseg-1\.set_aside-1: .*run this again"):
        aside.move(str(instance), 8, ".set_aside-1")
    assert (instance / "PG_VERSION").exists()


def test_a_link_as_the_data_directory_moves_what_it_leads_to(instance, tmp_path):
    (tmp_path / "link").symlink_to(instance)
    assert aside.move(str(tmp_path / "link"), 8, ".set_aside-1") == f"{instance}.set_aside-1"
    assert not instance.exists()


def test_a_deletion_leaves_what_is_another_instance_s(instance, place):
    aside.delete(str(instance), 8)
    assert os.listdir(instance.parent) == []
    assert os.listdir(place) == ["1"]


def test_parts_under_another_number_are_not_its_own(instance, place):
    aside.delete(str(instance), 9)
    assert not instance.exists()
    assert sorted(os.listdir(place)) == ["1", "8"]


def test_a_deletion_that_was_cut_off_is_finished(instance):
    half = instance.parent / ".gpseg-1.coordinator_removal"
    assert aside.doomed(str(instance)) == str(half)
    (half / "base").mkdir(parents=True)
    aside.delete(str(instance), 8)
    assert os.listdir(instance.parent) == []


def test_nothing_to_remove_is_no_error(tmp_path):
    aside.remove_tree(str(tmp_path / "nothing"))


@pytest.mark.parametrize("deleted", [False, True])
def test_what_is_no_part_of_a_tablespace_stays(instance, tmp_path, deleted):
    precious = tmp_path / "home" / "8"
    precious.mkdir(parents=True)
    (precious / "precious").touch()
    (instance / "pg_tblspc" / "21").symlink_to(precious)
    aside.delete(str(instance), 8) if deleted else aside.move(str(instance), 8, ".set_aside-1")
    assert not instance.exists() and os.listdir(precious) == ["precious"]


def test_a_link_to_wal_does_not_steer_what_is_removed(instance, tmp_path):
    home = tmp_path / "home" / "gpadmin"
    home.mkdir(parents=True)
    (home / "precious").touch()
    (home / "000000010000000000000001").touch()
    (instance / "pg_wal").symlink_to(home)
    aside.delete(str(instance), 8)
    assert os.listdir(home) == ["precious"]
