#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give up a standby coordinator on its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_removal
short_description: Give up a standby coordinator on its host
version_added: 0.1.0
description:
  - Runs on a coordinator's host. Stops the standby there and takes its files out of their place, with its parts of user tablespaces,
    and removes the files that this collection keeps for it.
  - What a copy, a deletion or an activation that was cut off left beside the data directory is removed, unless O(instance=stopped).
  - An instance that is a primary, or of another system, is refused. It is not looked at what the primary knows of the standby; see
    M(warehousepg.coordinator.standby_registration) for that.
  - What was cut off is finished by running it again.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  instance:
    description:
      - What becomes of the instance.
      - V(kept) it is not looked at, V(stopped) it is stopped, suspended or not.
      - V(set_aside) its directory is renamed, with the time in the name, beside its place, and so are its parts of tablespaces; what was
        set aside is whole.
      - V(deleted) they are deleted.
    type: str
    choices: [kept, stopped, set_aside, deleted]
    default: kept
  system_identifier:
    description:
      - System identifier of the cluster.
      - Required unless O(instance=kept).
    type: str
  primary_dbid:
    description:
      - Number of the primary, whose parts of tablespaces are left alone where it is on the same machine.
    type: int
  tablespace_places:
    description:
      - Directories for tablespaces in which a copy that was cut off may have left something.
    type: list
    elements: str
    default: []
  stop_timeout:
    description:
      - Seconds that the instance has to stop by itself before its processes are killed.
    type: float
    default: 30
  passfile:
    description:
      - Passfile of O(replication_user), removed where it holds nothing but what this collection wrote for that role.
    type: path
  replication_user:
    description:
      - Role that the standby connected as.
    type: str
    default: standby_replicator
  files:
    description:
      - Other files of this collection to remove.
    type: list
    elements: path
    default: []
  staying:
    description:
      - Files of this collection that stay, and are told if they are there.
    type: list
    elements: path
    default: []
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Set the standby aside
  warehousepg.coordinator.standby_removal:
    data_directory: /data/whpg/v7/standby/gpseg-1
    instance: set_aside
    system_identifier: "7711121183714698180"
    passfile: ~/.whpg/demo.pgpass
  become: true
  become_user: gpadmin
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: stop
      seconds: 0.21
directory_state:
  description: What is in the data directory now, as in M(warehousepg.coordinator.mirroring_info); V(null) with O(instance=kept).
  returned: always
  type: str
  sample: absent
running:
  description: Whether the engine still works there.
  returned: always
  type: bool
  sample: false
tablespaces:
  description: Directories of the instance's parts of tablespaces.
  returned: always
  type: list
  elements: str
  sample: []
leftovers:
  description: What a run that was cut off left.
  returned: always
  type: list
  elements: str
  sample: []
files:
  description: Files of this collection that are there.
  returned: always
  type: list
  elements: str
  sample: []
left:
  description: Those of O(staying) that are there.
  returned: always
  type: list
  elements: str
  sample: [/home/gpadmin/.whpg/demo.audit.jsonl]
set_aside_as:
  description: Where the data directory is now, and after it the parts of tablespaces, and the WAL where it is on another disk.
  returned: when it was set aside
  type: list
  elements: str
  sample: [/data/whpg/v7/standby/gpseg-1.set_aside-20261123T090000Z]
deleted:
  description: The data directory, and after it the parts of tablespaces, and the WAL on another disk, that were deleted.
  returned: when it was deleted
  type: list
  elements: str
  sample: [/data/whpg/v7/standby/gpseg-1]
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS, store_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import removal


def show(remains: removal.Remains) -> dict[str, t.Any]:
    """What is returned of an observation."""
    return {
        "directory_state": remains.instance.directory_state if remains.instance else None,
        "running": remains.running > 0,
        "tablespaces": list(remains.parts),
        "leftovers": list(remains.leftovers),
        "files": list(remains.files),
        "left": list(remains.left),
    }


def main() -> None:
    """Run the module."""
    fates = [removal.KEPT, removal.STOPPED, removal.SET_ASIDE, removal.DELETED]
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "instance": {"type": "str", "choices": fates, "default": removal.KEPT},
            "system_identifier": {"type": "str"},
            "primary_dbid": {"type": "int"},
            "tablespace_places": {"type": "list", "elements": "str", "default": []},
            "stop_timeout": {"type": "float", "default": 30},
            **ARGUMENTS,
            "replication_user": {"type": "str", "default": "standby_replicator"},
            "files": {"type": "list", "elements": "path", "default": []},
            "staying": {"type": "list", "elements": "path", "default": []},
        },
        required_if=[("instance", fate, ("system_identifier",)) for fate in fates[1:]],
        supports_check_mode=True,
    )
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    data_directory = parameters["data_directory"]
    fate = parameters["instance"]
    places = parameters["tablespace_places"]

    def observe() -> removal.Remains:
        store = store_of(parameters)
        files = (store.own_files() if store else []) + parameters["files"]
        return removal.observe(host, data_directory, fate, parameters["primary_dbid"], places, files, parameters["staying"])

    carry_out(
        module,
        observe,
        lambda remains: removal.plan(remains, fate, parameters["system_identifier"], user_name(os.getuid())),
        removal.actions(host, data_directory, parameters["primary_dbid"], places, parameters["stop_timeout"], time.time()),
        show=show,
    )


if __name__ == "__main__":
    main()
