# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in :data:`module_utils._core.arguments.INSTANCE`."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that name an instance on this host."""

    DOCUMENTATION = r"""
options:
  data_directory:
    description:
      - Data directory of the instance on this host.
    type: path
    required: true
  greenplum_path:
    description:
      - The C(greenplum_path.sh) of the installation; its directory is E(GPHOME).
    type: path
    default: /usr/local/greenplum-db/greenplum_path.sh
  lock:
    description:
      - The lock on the pair that this run holds on this host, see M(warehousepg.coordinator.coordinator_lock). Before each change it is
        seen whether it still does; the module fails where it does not. Without it, nobody is kept from changing the pair meanwhile.
    type: dict
    default: {}
    suboptions:
      file:
        description: Its file, with the whole path.
        type: path
      holder:
        description: The run, as RV(warehousepg.coordinator.coordinator_lock#module:held) names it.
        type: dict
      begins:
        description: What the run begins, which is noted beside the lock until it is released as finished.
        type: str
"""
