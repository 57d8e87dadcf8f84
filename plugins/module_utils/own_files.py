# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a data directory holds beside what the engine keeps there by itself."""

from __future__ import annotations

import os
import re

#: kinds of entries of a data directory
ENGINE, CONFIGURATION, HISTORY, OTHER = "engine", "configuration", "history", "other"

#: the engine's own, directly below the data directory; so is everything below them
_ENGINE = re.compile(
    r"""
    base | global | log | pg_log | promote | fallback_promote | gpsegconfig_dump
    | PG_VERSION | postmaster\.(?:pid|opts) | current_logfiles(?:\.tmp)? | internal\.auto\.conf(?:\..*)? | postgresql\.auto\.conf\.tmp
    | (?:backup_label|tablespace_map)(?:\..*)? | backup_manifest | \w+\.signal | pg_internal\.init
    | pg_(?:changetracking|clog|commit_ts|distributedlog|distributedxidmap|dynshmem|logical|multixact|notify|replslot|serial|snapshots
    |stat|stat_tmp|subtrans|tblspc|twophase|utilitymodedtmredo|wal|xact|xlog)
    | \.coordinator_write-.*
    """,
    re.VERBOSE,
)

#: what belongs to a host: settings, access rules, certificates and their keys
_CONFIGURATION = re.compile(r".*\.(?:conf|crt|crl|csr|key|keytab|p12|pem)")

#: what gpbackup knows of the backups that it made
_HISTORY = re.compile(r"gpbackup_history\..*")


def classify(path: str) -> str:
    """What an entry of a data directory is.

    :param path: relative to the data directory.
    """
    top, name = path.split("/")[0], os.path.basename(path)
    if _ENGINE.fullmatch(top):
        return ENGINE
    if _CONFIGURATION.fullmatch(name):
        return CONFIGURATION
    return HISTORY if _HISTORY.fullmatch(name) else OTHER
