# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in :data:`module_utils._core.arguments.UPSTREAM`."""

from __future__ import annotations


class ModuleDocFragment:
    """Options on how a standby connects to its primary."""

    DOCUMENTATION = r"""
options:
  primary_host:
    description:
      - Name or address of the primary's host, as this host reaches it.
      - A name is resolved once, now, and the address kept beside it, for a walreceiver that looks up a name cannot be stopped.
    type: str
    required: true
  primary_port:
    description:
      - Port of the primary.
    type: int
    required: true
  replication_user:
    description:
      - Role that the standby connects as.
    type: str
    default: standby_replicator
  replication_password:
    description:
      - Password of that role, to be kept in O(passfile).
      - Without it the passfile is left as it is, unless its only entry is the role's, for another server than the primary or for all.
    type: str
  replication_auth:
    description:
      - How the primary authenticates the standby.
      - V(scram) by SCRAM-SHA-256, with the password in O(passfile).
      - V(cert) by the certificate that O(connection) names.
      - V(trust) by the address alone.
    type: str
    choices: [scram, cert, trust]
    default: scram
  passfile:
    description:
      - Passfile of libpq that holds the password; written with mode C(0600).
      - Required with O(replication_auth=scram).
    type: path
  connection:
    description:
      - Further parameters of libpq for C(primary_conninfo) and the copy, such as C(keepalives_idle), C(tcp_user_timeout) in milliseconds,
        C(sslmode), C(sslrootcert).
    type: dict
    default: {}
  dbid:
    description:
      - Number under which the standby is registered, the C(gp_dbid) of its C(internal.auto.conf).
      - Required except in check mode, where it may not be known yet.
    type: int
"""
