# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, run
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import removal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.removal import Remains

from ... import instances

PEER = ("cdw", 5432)

SYSTEM = "7711121183714698180"
CONTROL = dataclasses.replace(instances.CONTROL, system_identifier=SYSTEM, state="in archive recovery", consistent="0/1")
STANDBY = dataclasses.replace(instances.STANDBY, control=CONTROL, postmaster=None)
ABSENT = Instance("/s", "absent")


def vary(thing, **changes):
    return dataclasses.replace(thing, **changes)


def planned(remains, fate):
    return [step.name for step in removal.plan(remains, fate, SYSTEM, "gpadmin")]


@pytest.mark.parametrize(
    ("remains", "fate", "steps"),
    [
        (Remains(STANDBY, 5), "stopped", ["stop"]),
        (Remains(STANDBY), "stopped", []),
        (Remains(STANDBY, 5), "set_aside", ["stop", "set_aside"]),
        (Remains(STANDBY), "set_aside", ["set_aside"]),
        (Remains(STANDBY, 0, ("/fast/8",)), "deleted", ["delete"]),
        # the postmaster is gone, some of its children are not
        (Remains(vary(STANDBY, directory_state="absent"), 1), "set_aside", ["stop"]),
        (Remains(ABSENT), "set_aside", []),
        (Remains(vary(ABSENT, directory_state="empty", owner="gpadmin")), "deleted", []),
        (Remains(instance=ABSENT, running=0, parts=(), leftovers=("/.s.coordinator_removal",)), "set_aside", ["remove_leftovers"]),
        (
            Remains(instance=STANDBY, running=0, parts=(), leftovers=("/.s.coordinator_snapshot",)),
            "deleted",
            ["remove_leftovers", "delete"],
        ),
        (Remains(instance=STANDBY, running=0, parts=(), leftovers=("/.s.coordinator_snapshot",)), "stopped", []),
        # pg_control is damaged
        (Remains(vary(STANDBY, control=None)), "set_aside", ["set_aside"]),
        (Remains(None, files=("/p", "/r")), "kept", ["remove_file", "remove_file"]),
        (Remains(STANDBY, 5, files=("/p",)), "set_aside", ["stop", "set_aside", "remove_file"]),
    ],
)
def test_plans_what_is_left_to_do(remains, fate, steps):
    assert planned(remains, fate) == steps


@pytest.mark.parametrize("fate", ["stopped", "set_aside", "deleted"])
@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (vary(STANDBY, role="primary"), "/s holds a primary, which is stopped: correct data_directory"),
        (vary(STANDBY, directory_state="other"), "/s holds something that is not an instance"),
        (vary(STANDBY, owner="whpg"), "/s belongs to whpg, not to gpadmin"),
        (vary(STANDBY, control=vary(CONTROL, system_identifier="2")), f"a standby of the system 2, the cluster is {SYSTEM}"),
    ],
)
def test_what_is_not_the_cluster_s_standby_is_not_touched(fate, instance, message):
    with pytest.raises(CoordinatorError, match=message):
        planned(Remains(instance, 5, files=("/p",)), fate)


@pytest.fixture
def there(host, data_directory, tmp_path):
    """A standby with a tablespace, and what carries out its removal."""
    (tmp_path / "fast" / "8").mkdir(parents=True)
    (data_directory / "pg_tblspc").mkdir()
    (data_directory / "pg_tblspc" / "20").symlink_to(tmp_path / "fast" / "8")
    (tmp_path / "record").touch()

    def remove(fate, primary_dbid=1):
        def observe():
            files = [str(tmp_path / "record")]
            return removal.observe(
                host, str(data_directory), fate, primary_dbid, [str(tmp_path / "fast")], files, [str(tmp_path / "audit")]
            )

        steps = removal.plan(observe(), fate, SYSTEM, user_name(os.getuid()))
        actions = removal.actions(host, str(data_directory), primary_dbid, [str(tmp_path / "fast")], 1, time.time())
        return [step.name for step in steps], run(steps, actions)[1], observe()

    return remove


def test_sets_a_standby_aside_once(there, data_directory, tmp_path):
    steps, returned, after = there("set_aside")
    assert steps == ["set_aside", "remove_file"]
    directory, part = returned["set_aside_as"]
    assert os.listdir(data_directory.parent) == [os.path.basename(directory)]
    assert os.listdir(tmp_path / "fast") == [os.path.basename(part)]
    assert os.path.realpath(f"{directory}/pg_tblspc/20") == part
    assert (after.instance.directory_state, after.parts, after.files) == ("absent", (), ())
    assert there("set_aside")[0] == []


def test_deletes_a_standby_and_what_was_left_of_copies(there, data_directory, tmp_path):
    for leftover in (".gpseg-1.coordinator_snapshot", ".gpseg-1.coordinator_removal"):
        (data_directory.parent / leftover / "base").mkdir(parents=True)
    steps, returned, after = there("deleted")
    assert steps == ["remove_leftovers", "delete", "remove_file"]
    assert returned["deleted"] == [str(data_directory), str(tmp_path / "fast" / "8")]
    assert os.listdir(data_directory.parent) == os.listdir(tmp_path / "fast") == []
    assert (after.leftovers, there("deleted")[0]) == ((), [])


@pytest.mark.parametrize("fate", ["set_aside", "deleted"])
def test_wal_on_another_disk_goes_along(there, data_directory, tmp_path, fate):
    (tmp_path / "wal" / "gpseg-1").mkdir(parents=True)
    (data_directory / "pg_wal").symlink_to(tmp_path / "wal" / "gpseg-1")
    _steps, returned, _after = there(fate)
    if fate == "deleted":
        assert returned["deleted"][-1] == str(tmp_path / "wal" / "gpseg-1")
        assert os.listdir(tmp_path / "wal") == []
    else:
        directory, _part, wal = returned["set_aside_as"]
        assert os.path.realpath(f"{directory}/pg_wal") == wal
        assert os.listdir(tmp_path / "wal") == [os.path.basename(wal)]


def test_what_a_killed_run_left_goes_also_where_the_instance_stays(there, data_directory, tmp_path):
    left = data_directory.parent / ".gpseg-1.coordinator_salvage"
    left.mkdir()
    (tmp_path / "audit").touch()
    steps, _returned, after = there("kept")
    assert steps == ["remove_leftovers", "remove_file"]
    assert os.listdir(data_directory.parent) == ["gpseg-1"]
    assert (after.instance, after.left) == (None, (str(tmp_path / "audit"),))


def test_parts_of_the_primary_on_the_same_machine_stay(there, data_directory, tmp_path):
    # a copy by other means, whose number and links nobody changed yet
    _steps, returned, _after = there("deleted", primary_dbid=8)
    assert returned["deleted"] == [str(data_directory)]
    assert os.listdir(tmp_path / "fast") == ["8"]


def test_a_file_that_cannot_be_removed_is_told(tmp_path):
    (tmp_path / "directory").mkdir()
    with pytest.raises(CoordinatorError, match=r"directory cannot be removed: .*; remove it"):
        run([Step("remove_file", {"path": str(tmp_path / "directory")})], {"remove_file": removal.remove_file})
    removal.remove_file(str(tmp_path / "none"))


@pytest.mark.parametrize("fate", ["set_aside", "deleted"])
def test_what_its_links_lead_to_and_is_no_part_stays_and_is_told(there, host, data_directory, tmp_path, fate):
    precious = tmp_path / "home" / "8"
    precious.mkdir(parents=True)
    (precious / "precious").touch()
    (data_directory / "pg_tblspc" / "21").symlink_to(precious)
    found = removal.observe(host, str(data_directory), fate, 1, [], [])
    assert (found.parts, found.left) == ((str(tmp_path / "fast" / "8"),), (str(precious),))
    there(fate)
    assert os.listdir(precious) == ["precious"]
