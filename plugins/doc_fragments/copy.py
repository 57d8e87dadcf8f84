# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in :data:`module_utils._core.arguments.COPY`."""

from __future__ import annotations


class ModuleDocFragment:
    """Options on a copy of the primary."""

    DOCUMENTATION = r"""
options:
  system_identifier:
    description:
      - System identifier of the primary, as M(warehousepg.coordinator.mirroring_info) returns it.
    type: str
    required: true
  engine_version:
    description:
      - What C(postgres --version) prints on the primary's host. Without it the versions are not compared.
    type: str
  expected_bytes:
    description:
      - Size of the copy in bytes, to see whether it fits. Without it free space is not looked at.
    type: int
  max_rate:
    description:
      - Greatest rate of the copy, as C(pg_basebackup --max-rate) takes it, in kilobytes per second or with a suffix V(k) or V(M), from
        V(32k) to V(1024M).
    type: str
  max_latency:
    description:
      - Milliseconds that a small commit on the primary may take while the copy is made, 1 or more. It is measured from this host all the
        time, and where one takes longer, the copy is slowed down, at most to a twentieth of its speed.
      - The replication role commits messages without an object for that, so the primary must let it connect to the database
        C(postgres) from this host; the copy fails before it begins where it does not.
    type: int
  checkpoint:
    description:
      - Whether the primary writes its checkpoint at the beginning at once, or spread over time to go easy on its disks.
    type: str
    choices: [fast, spread]
    default: fast
  tablespaces:
    description:
      - The primary's user tablespaces, and where they are to be on this host.
    type: list
    elements: dict
    default: []
    suboptions:
      location:
        description: Location of the tablespace on the primary.
        type: str
        required: true
      place:
        description: Directory on this host that takes the part of the copy, in a directory named by its dbid. It must exist.
        type: str
        required: true
      bytes:
        description: Bytes that it will hold, to see whether they fit.
        type: int
  required_files:
    description:
      - Files that must be there and readable before a copy is made, such as certificates and preloaded libraries.
    type: list
    elements: str
    default: []
  resume:
    description:
      - Whether a copy that was cut off is gone on with, where it left a tenth of O(expected_bytes) or more. Otherwise what it left is
        replaced.
    type: bool
    default: false
"""
