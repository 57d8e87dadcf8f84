# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that goes on after its server is lost, and knows what was promised to it, when and by whom.

``start <name> <connection string>`` begins in the background, ``stop <name>`` ends it. It inserts PARTS rows at a time, which are on
several segments, into the table written_by_<name>, and connects again after any error. For each commit that returned a line in the
file "acknowledged" has the number, when it was begun and when it had returned (seconds of the epoch), and which host answered.
A connection in utility mode makes a table of the coordinator's own, in dispatch mode one whose rows are on the segments.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import psycopg2.extensions

HOME = Path("/tmp/clients")
PARTS = 8
PAUSE_S = float(os.environ.get("PAUSE_S", "0.02"))
AGAIN_S = 0.02
# What a hung server is given: its kernel goes on to acknowledge packets. Something before it may have clients wait for longer.
ANSWER_S = float(os.environ.get("ANSWER_S", "2"))


def wait(connection) -> None:
    """What psycopg2 calls instead of a wait without limit."""
    states = {psycopg2.extensions.POLL_READ: ([connection], []), psycopg2.extensions.POLL_WRITE: ([], [connection])}
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        if not any(select.select(*states[state], [], ANSWER_S)):
            raise psycopg2.OperationalError("no answer within %g s" % ANSWER_S)


def connect(conninfo: str):
    # Only without the callback libpq goes from a host that does not answer to the next one.
    psycopg2.extensions.set_wait_callback(None)
    try:
        connection = psycopg2.connect(conninfo, connect_timeout=2)
    except psycopg2.OperationalError:
        connection = psycopg2.connect(backwards(conninfo), connect_timeout=2)
    connection.autocommit = True
    psycopg2.extensions.set_wait_callback(wait)
    return connection


def backwards(conninfo: str) -> str:
    """The same hosts in the opposite order: after the refusal of a standby, with the engine's own code 57M02, libpq tries no other."""
    given = psycopg2.extensions.parse_dsn(conninfo)
    return psycopg2.extensions.make_dsn(**{**given, **{key: ",".join(given[key].split(",")[::-1]) for key in ("host", "port")}})


def run(name: str, conninfo: str) -> None:
    desired = []
    signal.signal(signal.SIGTERM, lambda *_: desired.append("stop"))
    table = "written_by_" + name
    connection = connect(conninfo)
    # Segments that were started a moment ago may still wait for their mirrors.
    psycopg2.extensions.set_wait_callback(None)
    connection.cursor().execute("CREATE TABLE %s (part int, number bigint)" % table)
    number = 0
    with (HOME / name / "acknowledged").open("a", buffering=1) as acknowledged, (HOME / name / "errors").open("a", buffering=1) as errors:
        while not desired:
            try:
                connection = connect(conninfo)
                host = connection.info.host
                host = socket.gethostname() if host.startswith("/") else host
                cursor = connection.cursor()
                while not desired:
                    number += 1
                    begun = time.time()
                    cursor.execute("INSERT INTO %s SELECT part, %d FROM generate_series(1, %d) part" % (table, number, PARTS))
                    acknowledged.write("%d %.6f %.6f %s\n" % (number, begun, time.time(), host))
                    time.sleep(PAUSE_S)
            except psycopg2.Error as error:
                errors.write("%.6f %s\n" % (time.time(), " ".join(str(error).split())))
                time.sleep(AGAIN_S)


def start(name: str, conninfo: str) -> None:
    home = HOME / name
    home.mkdir(parents=True)
    with (home / "log").open("w") as log:
        client = subprocess.Popen(
            [sys.executable, __file__, "run", name, conninfo], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (home / "pid").write_text(str(client.pid))
    wait_until(lambda: (home / "acknowledged").exists() and (home / "acknowledged").stat().st_size, "the first commit", home)


def stop(name: str) -> None:
    home = HOME / name
    pid = int((home / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not Path("/proc/%d" % pid).exists(), "the client's end", home)
    (home / "pid").unlink()


def wait_until(holds, what: str, home: Path, limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("no sign of %s after %s s: %s" % (what, limit_s, (home / "log").read_text()))
        time.sleep(0.05)


if __name__ == "__main__":
    {"start": start, "stop": stop, "run": run}[sys.argv[1]](*sys.argv[2:])
