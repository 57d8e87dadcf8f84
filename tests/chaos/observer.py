# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks each coordinator several times a second to write something, and notes which of them did.

Runs on a host outside of the pair: ``observer.py <directory> <host> ...``, until it is terminated. For each try a line of
``<directory>/<host>`` has its number, when it was begun and when it had returned (seconds of the epoch), and the timeline, or ``-`` where
it was not acknowledged. Each writes into a table of its own, observed_on_<host>, whose rows are on the segments.
"""

from __future__ import annotations

import os
import select
import sys
import time

import psycopg2
import psycopg2.extensions

EVERY_S, UNCONNECTED_S = 0.2, 0.5
ANSWER_S = 2


def wait(connection) -> None:
    """What psycopg2 calls instead of a wait without limit."""
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        ready = [connection] if state == psycopg2.extensions.POLL_READ else []
        if not any(select.select(ready, [] if ready else [connection], [], ANSWER_S)):
            raise psycopg2.OperationalError("no answer within %s s" % ANSWER_S)


def connect(host: str):
    psycopg2.extensions.set_wait_callback(None)
    connection = psycopg2.connect("host=%s port=5432 dbname=postgres user=gpadmin" % host, connect_timeout=2)
    connection.autocommit = True
    psycopg2.extensions.set_wait_callback(wait)
    return connection


def observe(directory: str, host: str) -> None:
    connection, number = None, 0
    with open(os.path.join(directory, host), "a", buffering=1) as log:
        while True:
            number += 1
            begun, timeline = time.time(), "-"
            try:
                connection = connection or connect(host)
                cursor = connection.cursor()
                cursor.execute("INSERT INTO observed_on_%s VALUES (%d)" % (host, number))
                returned = time.time()
                cursor.execute("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
                timeline = str(int(cursor.fetchone()[0], 16))
            except (psycopg2.Error, OSError):
                returned, connection = time.time(), None
            log.write("%d %.6f %.6f %s\n" % (number, begun, returned, timeline))
            time.sleep(EVERY_S if connection else UNCONNECTED_S)


def main() -> None:
    directory, *hosts = sys.argv[1:]
    for host in hosts[1:]:
        if os.fork() == 0:
            observe(directory, host)
    observe(directory, hosts[0])


if __name__ == "__main__":
    main()
