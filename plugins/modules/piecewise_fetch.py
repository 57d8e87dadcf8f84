# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: piecewise_fetch
short_description: Fetch a file from a host in pieces
version_added: 0.1.0
description:
  - Copies a file of a host to the controller as C(ansible.builtin.fetch) does. That one holds the whole file in the controller's memory
    where Ansible becomes another user; this one holds 8 MiB of it.
  - The file is private, and compared by its SHA-256 digest; one that did not come whole does not stay.
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: none
    details: It refuses to write over a file.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
options:
  src:
    description: The file on the host.
    type: str
    required: true
  dest:
    description: The file on the controller, which must not be there.
    type: str
    required: true
  longest:
    description: Bytes that may come at most.
    type: int
    default: 1099511627776
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Fetch WAL
  warehousepg.coordinator.piecewise_fetch:
    src: /data/salvage/wal.tar.gz
    dest: /tmp/private/wal.tar.gz
"""

RETURN = r"""
size:
  description: How many bytes came.
  returned: success
  type: int
  sample: 16777216
checksum:
  description: Their SHA-256 digest.
  returned: success
  type: str
  sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
"""
