# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's own tasks before and after what changes who serves clients, and notices of it."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from activating import SWITCH, Client, Operator
from conftest import CLIENT, HERE, Host, playbook, status, stopped, wait_until
from inventories import CACHE, SET

EXAMPLES = HERE.parent / "docs/docsite/examples"
STATUS = "warehousepg.coordinator.status"
#: of Debian's packages, with the libraries that a host may lack, where they are unpacked
PACKAGES = "/tmp/packages"
PGBOUNCER = ("pgbouncer", "libc-ares2", "libevent-2.1-7")
#: what the examples are told of the PgBouncer
BOUNCER = {
    "pgbouncer_host": CLIENT,
    "pgbouncer_user": "gpadmin",
    "pgbouncer_socket": "/tmp",
    "pgbouncer_databases": "/tmp/pgbouncer/databases.ini",
}
PAUSE = {"switchover_pre_tasks": str(EXAMPLES / "pgbouncer_pause.yml")}
RESUME = {"switchover_post_tasks": str(EXAMPLES / "pgbouncer_resume.yml")}
CONSOLE = "psql -X -At -h /tmp -p 6432 -U pgbouncer -d pgbouncer -c"

INI = """
[databases]
%include /tmp/pgbouncer/databases.ini
[pgbouncer]
listen_addr = *
listen_port = 6432
unix_socket_dir = /tmp
auth_type = trust
auth_file = /tmp/pgbouncer/users
pool_mode = transaction
ignore_startup_parameters = extra_float_digits, options
logfile = /tmp/pgbouncer/log
pidfile = /tmp/pgbouncer/pid
"""


def bring(host: Host, *packages: str) -> None:
    """Unpack packages on a host, which reaches no archive of packages."""
    kept = CACHE / "packages"
    for package in packages:
        if not list(kept.glob(f"{package}_*.deb")):
            kept.mkdir(exist_ok=True)
            download = f"apt-get -qq download {package} || {{ apt-get -qq update && apt-get -qq download {package}; }}"
            subprocess.run(["sh", "-c", download], cwd=kept, check=True)
        (file,) = kept.glob(f"{package}_*.deb")
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", file], check=True, capture_output=True).stdout
        unpack = ["podman", "exec", "--interactive", "--user=gpadmin", f"{SET}-{host.name}"]
        unpack += ["sh", "-c", f"mkdir -p {PACKAGES} && tar -x --no-same-owner -C {PACKAGES}"]
        subprocess.run(unpack, check=True, input=content)


def bring_pgbouncer() -> None:
    """One that serves clients by cdw, on the host of the clients."""
    host = Host(CLIENT)
    host.run("test ! -e /tmp/pgbouncer/pid || kill -KILL $(cat /tmp/pgbouncer/pid) || true; rm -rf /tmp/pgbouncer; mkdir /tmp/pgbouncer")
    bring(host, *PGBOUNCER)
    host.write("/tmp/pgbouncer/pgbouncer.ini", INI)
    host.write("/tmp/pgbouncer/users", '"gpadmin" ""\n')
    host.write("/tmp/pgbouncer/databases.ini", "[databases]\n* = host=cdw port=5432\n")
    libraries = f"LD_LIBRARY_PATH={PACKAGES}/usr/lib/x86_64-linux-gnu"
    host.run(f"{libraries} {PACKAGES}/usr/sbin/pgbouncer --daemon /tmp/pgbouncer/pgbouncer.ini > /tmp/pgbouncer/out 2>&1 < /dev/null")
    wait_until(lambda: host.run(f"{CONSOLE} 'SHOW VERSION' 2>&1 || true").startswith("PgBouncer"), "PgBouncer answers")


def through_pgbouncer(name: str) -> Client:
    return Client(f"pgbouncer_{name}", where=f"host={CLIENT} port=6432", patience=120)


def is_paused() -> bool:
    """Whether clients wait."""
    paused = [line.split("|")[-2] for line in Host(CLIENT).run(f"{CONSOLE} 'SHOW DATABASES'").splitlines() if "postgres" in line]
    return paused == ["1"]


def check_no_error(client: Client) -> None:
    """None was seen by the client, all that was acknowledged is there, and it is served."""
    before = len(client.commits())
    wait_until(lambda: len(client.commits()) > before, "the client is served")
    client.stop()
    assert client.errors() == ""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_clients_of_pgbouncer_see_one_gap_and_no_error(primary, standby, converged):
    client = through_pgbouncer("converge")
    client.wait_for(CLIENT)
    check_no_error(client)
    assert "\ndemo: switched: scdw is primary on timeline 2" in converged
    moments = [commit.returned for commit in client.commits()]
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
    assert len([gap for gap in gaps if gap > max(gaps) / 2]) == 1
    there = set(map(int, standby.sql(f"SELECT DISTINCT number FROM written_by_{client.called}", role="dispatch").split()))
    assert {commit.number for commit in client.commits()} == there
    assert not is_paused()
    assert "scdw" in Host(CLIENT).run("cat /tmp/pgbouncer/databases.ini")
