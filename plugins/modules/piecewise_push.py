# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: piecewise_push
short_description: Bring a file to a host in pieces
version_added: 0.1.0
description:
  - Copies a file of the controller to a host as C(ansible.builtin.copy) does. That one cannot, where Ansible connects as an unprivileged
    user and becomes another one, unless the host has access control lists and their programs; this one writes as the user that it
    becomes.
  - The file is private, and compared by its SHA-256 digest; one that did not come whole does not stay.
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: none
    details: The file is brought anew each time.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
options:
  src:
    description: The file on the controller.
    type: str
    required: true
  dest:
    description: The file on the host, in a directory that nobody else can write to; one that is there is replaced.
    type: str
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Bring WAL
  warehousepg.coordinator.piecewise_push:
    src: /tmp/private/wal.tar.gz
    dest: /data/salvage/wal.tar.gz
"""

RETURN = r"""
size:
  description: How many bytes went.
  returned: success
  type: int
  sample: 16777216
checksum:
  description: Their SHA-256 digest.
  returned: success
  type: str
  sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
"""
