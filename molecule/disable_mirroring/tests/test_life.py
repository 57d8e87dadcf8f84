# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a whole life with a standby the hosts are as before it, but for what the last line names."""

from __future__ import annotations

import re
from pathlib import PurePath

import pytest
from activating import Operator
from conftest import Coordinator, Host, enable, playbook, wait_in_sync

DISABLE = "warehousepg.coordinator.disable_mirroring"
HOSTS = ("cdw", "scdw", "sdw1")
# What changes by itself: the kernel's, logs, what the programs that tests use leave, what is kept for a reset.
ELSEWHERE = (
    "/proc /sys /dev /run /var/log /var/lib/systemd /var/cache /var/tmp /data/kept /data/pristine /root/.ansible /home/gpadmin/.ansible"
)
# Below the data directory of an instance: what the engine keeps there by itself.
ENGINE = re.compile(
    r"(/data/whpg/v7/\w+/gpseg-?\d+)/(base|global|log|pg_[a-z_]+|PG_VERSION|postmaster\..*|current_logfiles|backup_label.*|backup_manifest"
    r"|tablespace_map.*|internal\.auto\.conf|gpsegconfig_dump|gp_.*)(/.*)?"
)


def everything(name: str) -> dict[str, str]:
    """By path of a file or directory of a host its kind, mode, owner, and what is in it."""
    prune = " -o ".join(f"-path {path}" for path in ELSEWHERE.split())
    found = Host(name).run(
        f"sudo find / \\( {prune} \\) -prune -o -printf '%p\\t%y %m %u %l\\n';"
        f" sudo find /etc /home /root /tmp /data \\( {prune} \\) -prune -o -type f -size -1024k ! -name '.s.PGSQL.*' -print0"
        " | sudo xargs -0 md5sum | sed -E 's/^([0-9a-f]+)  (.*)/\\2\\t\\1/'"
    )
    seen: dict[str, str] = {}
    for line in found.splitlines():
        path, _tab, what = line.partition("\t")
        if not ENGINE.fullmatch(path):
            seen[path] = f"{seen.get(path, '')} {what}"
    return seen


def known(primary: Coordinator) -> dict[str, str]:
    """What the catalog has of a standby, on the coordinator and on segments."""
    queries = {
        "rows": "SELECT content, role, hostname, datadir FROM gp_segment_configuration ORDER BY 1, 2",
        "slots": "SELECT slot_name FROM pg_replication_slots",
        "roles": "SELECT rolname FROM pg_roles ORDER BY 1",
        "rights": "SELECT proname, proacl::text FROM pg_proc WHERE proname ~ '^pg_(ls_dir|stat_file|read_binary_file)$' ORDER BY 1, 2",
        "database": "SELECT datname, datacl FROM pg_database ORDER BY 1",
    }
    found = {name: primary.sql(query) for name, query in queries.items()}
    ports = primary.sql("SELECT port FROM gp_segment_configuration WHERE content >= 0 AND role = 'p' ORDER BY 1").split()
    for port in ports:
        command = f"psql -X -At -h /tmp -p {port} -c 'SELECT rolname FROM pg_roles ORDER BY 1'"
        found[port] = Host("sdw1").run(f'PGOPTIONS="-c $WHPG_UTILITY_SETTING=utility" {command}')
    return found


def is_named(path: str, line: str) -> bool:
    """Whether a line names a path, a directory above it, or something in it."""
    named = [word.strip(",;") for word in line.split() if word.startswith("/")]
    return any(PurePath(name) in [PurePath(path), *PurePath(path).parents] or PurePath(path) in PurePath(name).parents for name in named)


@pytest.mark.usefixtures("unmirrored")
def test_after_a_whole_life_the_hosts_are_as_before(primary, standby, tmp_path):
    operator = Operator(tmp_path)
    files, catalog = {name: everything(name) for name in HOSTS}, known(primary)

    assert enable().returncode == 0
    primary.sql("CREATE TABLE kept (number int)")
    wait_in_sync(primary)
    # commits that the standby lacks are salvaged
    standby.stop()
    primary.sql("INSERT INTO kept SELECT generate_series(1, 1000)")
    primary.signal("KILL")
    activated = operator.activate(both_down=True)
    assert activated.code == 0, activated.line
    assert standby.sql("SELECT count(*) FROM kept") == "1000"
    assert "primary_" not in standby.run(f"cat {standby.quoted}/postgresql.auto.conf")
    assert "salvage" not in "".join(path for name in HOSTS for path in everything(name)), "neither the WAL nor what it replaced"
    assert [path.name for path in tmp_path.rglob("*") if "salvage" in path.name] == []

    assert playbook("warehousepg.coordinator.rejoin").returncode == 0
    switched = operator.switch()
    assert switched.code == 0, switched.line
    assert primary.sql("SELECT count(*) FROM kept") == "1000"
    assert "primary_" not in primary.run(f"cat {primary.quoted}/postgresql.auto.conf")

    primary.sql("DROP TABLE kept")
    done = playbook(DISABLE)
    assert done.returncode == 0
    (line,) = re.findall(r"^demo: (.*)$", done.stdout, re.MULTILINE)
    assert known(primary) == catalog
    for name in HOSTS:
        now = everything(name)
        different = {path for path in {*files[name], *now} if files[name].get(path) != now.get(path)}
        if "segments go on allowing cdw access, by rules of this collection" in line:
            different = {path for path in different if not re.fullmatch(r".*/(primary|mirror)/gpseg\d+/pg_hba.conf", path)}
        # a socket that an instance of another test left when it was killed
        different = {path for path in different if path in now or not path.startswith("/tmp/.s.PGSQL.")}
        unnamed = sorted(path for path in different if not is_named(path, line))
        assert unnamed == [], f"{name}: {[(path, files[name].get(path), now.get(path)) for path in unnamed[:9]]}; {line}"
