# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reads bytes, by input that is guided by the branches it came to (atheris): python -m fuzz.guided <target> <corpus> [options].

Without a target the names of all are printed. What a target may raise is the collection's own error; anything else ends the run, and
the input is kept beside the corpus.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile

TARGETS = ("wal", "control_data", "postmaster_file", "configuration", "access", "nftables")


def prepare(target):
    """What is tried with bytes, and what it begins with."""
    from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
    from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import (
        access,
        configuration,
        control_data,
        postmaster,
        wal,
    )
    from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters import nftables
    from unit.plugins.module_utils.conftest import CONTROLDATA, PIDFILE

    from . import test_files, test_network, test_wal

    memory = "/dev/shm"
    directory = os.path.join(tempfile.mkdtemp(prefix="fuzz-", dir=memory if os.path.isdir(memory) else None), "pg_wal")
    os.mkdir(directory)

    def read_wal(data):
        with open(os.path.join(directory, test_wal.LAST), "wb") as file:
            file.write(data)
        wal.end_of_wal(os.path.dirname(directory))

    def text(read):
        return lambda data: read(data.decode("utf-8", "surrogateescape"))

    def change(conf):
        changed = configuration.change_settings(conf, {"port": "1"})
        assert configuration.read_settings(changed)["port"] == "1"

    def put_in(hba):
        rule = access.AccessRule("host", "all", None, "10.0.0.1/32", "trust")
        changed = access.change_block(hba, access.BLOCK, [rule])
        assert access.change_block(changed, access.BLOCK, [rule]) == changed

    found = {
        "wal": (read_wal, test_wal.FILES[test_wal.LAST]),
        "control_data": (text(control_data.parse_controldata), CONTROLDATA.encode()),
        "postmaster_file": (text(postmaster.parse_postmaster_file), PIDFILE.encode()),
        "configuration": (text(change), test_files.CONF.encode()),
        "access": (text(put_in), test_files.HBA.encode()),
        "nftables": (text(nftables.rejected), json.dumps(test_network.LISTED).encode()),
    }
    do, sample = found[target]

    def tried(data):
        with contextlib.suppress(CoordinatorError):
            do(data)

    return tried, sample


def main(target, corpus, *options):
    """Try one target until its time is up."""
    import atheris

    with atheris.instrument_imports(include=["ansible_collections.warehousepg.coordinator.plugins.module_utils"]):
        tried, sample = prepare(target)
    with open(os.path.join(corpus, "sample"), "wb") as file:
        file.write(sample)
    atheris.Setup([sys.argv[0], corpus, f"-max_len={2 * len(sample)}", *options], tried)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:]) if sys.argv[1:] else print(*TARGETS)
