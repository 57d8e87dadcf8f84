# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that writes, and knows exactly what was promised to it.

``start`` begins in the background, ``stop`` ends it. It inserts one id after the other into acknowledged_writes and
appends each to the file "acknowledged" after its commit returned; at its end it leaves the primary's LSN in "end". Of several
clusters on the host PGPORT names one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

HOME = Path("/tmp/writer")
PID = HOME / "pid"
PAUSE_S = 0.01


def connect():
    connection = psycopg2.connect(host="/tmp", port=os.environ.get("PGPORT", "5432"), dbname="postgres", user="gpadmin")
    connection.autocommit = True
    return connection


def run() -> None:
    desired = []
    signal.signal(signal.SIGTERM, lambda *_: desired.append("stop"))
    cursor = connect().cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS acknowledged_writes (id bigint, at timestamptz DEFAULT now())")
    cursor.execute("SELECT coalesce(max(id), 0) FROM acknowledged_writes")
    (last,) = cursor.fetchone()
    with (HOME / "acknowledged").open("a", buffering=1) as acknowledged:
        while not desired:
            last += 1
            cursor.execute("INSERT INTO acknowledged_writes (id) VALUES (%s)", (last,))
            acknowledged.write("%d\n" % last)
            time.sleep(PAUSE_S)
    cursor.execute("SELECT pg_current_wal_lsn()")
    (HOME / "end").write_text(cursor.fetchone()[0] + "\n")


def start() -> None:
    HOME.mkdir(exist_ok=True)
    (HOME / "end").unlink(missing_ok=True)
    before = acknowledged()
    with (HOME / "log").open("w") as log:
        writer = subprocess.Popen(
            [sys.executable, __file__, "run"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    PID.write_text(str(writer.pid))
    wait_until(lambda: acknowledged() > before, "the writer's first commit")


def stop() -> None:
    pid = int(PID.read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not Path("/proc/%d" % pid).exists(), "the writer's end")
    PID.unlink()
    if not (HOME / "end").exists():
        sys.exit((HOME / "log").read_text())
    print("%d acknowledged" % acknowledged())


def acknowledged() -> int:
    path = HOME / "acknowledged"
    return len(path.read_text().splitlines()) if path.exists() else 0


def wait_until(holds, what: str, limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("no sign of %s after %s s: %s" % (what, limit_s, (HOME / "log").read_text()))
        time.sleep(0.05)


if __name__ == "__main__":
    {"start": start, "stop": stop, "run": run}[sys.argv[1]]()
