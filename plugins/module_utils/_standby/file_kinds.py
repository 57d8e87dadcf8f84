# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the entries of a data directory are, and what becomes of each kind where the directory is rewound or replaced: one table."""

from __future__ import annotations

import re
import typing as t

#: fates of a file over a rewind, and where a copy of the primary takes the place of its directory
ENGINES, OWN, BESIDE = (
    "engines",  # it is not taken out: the engine makes it anew, or the primary brings it
    "own",  # over a rewind it replaces what the primary has of that name; in a copy it is treated as one of the next fate
    "beside",  # it comes back where the primary has nothing of that name, and is set aside where it has
)


class Kind(t.NamedTuple):
    """A kind of entries.

    :param name: what it is called.
    :param fate: what becomes of it: :data:`ENGINES`, :data:`OWN` or :data:`BESIDE`.
    :param top: names of such entries directly below the data directory, which everything below them is one of, too; empty for none.
    :param names: names of such entries wherever they are; empty for none.
    """

    name: str
    fate: str
    top: str = ""
    names: str = ""

    def has(self, path: str) -> bool:
        """Whether an entry, by its path relative to the data directory, is of this kind."""
        parts = path.split("/")
        return bool(_matches(self.top, parts[0]) or _matches(self.names, parts[-1]))


def _matches(pattern: str, name: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, name, re.VERBOSE) if pattern else None


ENGINE = Kind(
    "engine",
    ENGINES,
    top=r"""
    base | global | log | pg_log | promote | fallback_promote | gpsegconfig_dump
    | PG_VERSION | postmaster\.(?:pid|opts) | current_logfiles(?:\.tmp)? | internal\.auto\.conf(?:\..*)? | postgresql\.auto\.conf\.tmp
    | (?:backup_label|tablespace_map)(?:\..*)? | backup_manifest | \w+\.signal | pg_internal\.init
    | pg_(?:anchor_snapshots|changetracking|clog|commit_ts|distributedlog|distributedxidmap|dynshmem|logical|multixact|notify|replslot
    |serial|snapshots|stat|stat_tmp|subtrans|tblspc|twophase|utilitymodedtmredo|wal|xact|xlog)
    | \.coordinator_.* | lost\+found
    """,
)
#: settings, access rules, certificates and their keys, which belong to a host
CONFIGURATION = Kind("configuration", OWN, names=r".*\.(?:conf|crt|crl|csr|key|keytab|p12|pem)")
#: what gpbackup knows of the backups that it made
HISTORY = Kind("history", BESIDE, names=r"gpbackup_history\..*")
OTHER = Kind("other", BESIDE, names=r"(?s:.*)")

#: all kinds; of those that an entry could be of, the first counts
KINDS = (ENGINE, CONFIGURATION, HISTORY, OTHER)


def classify(path: str) -> Kind:
    """What an entry of a data directory is.

    :param path: relative to the data directory.
    """
    return next(kind for kind in KINDS if kind.has(path))
