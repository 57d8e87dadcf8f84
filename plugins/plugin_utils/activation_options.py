# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the variables of the role ``activate_standby``, said before anything is begun."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.floating import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils.retention import parse_size

Options = t.Mapping[str, t.Any]

_SECONDS = ("timeout", "fence_command_timeout", "hook_command_timeout")


def problems(options: Options) -> list[str]:
    """What is wrong with the options, by themselves.

    :param options: by name without the role's prefix, the values; None or empty: not given.
    """
    return [f"activate_standby_{problem}" for problem in _problems(options)]


def _problems(options: Options) -> t.Iterator[str]:
    for name in _SECONDS:
        try:
            fits = 0 < float(options[name]) < float("inf")
        except (TypeError, ValueError):
            fits = False
        if not fits:
            yield f"{name} is {options[name]!r}: give seconds above zero"
    slot = str(options["slot_name"])
    if not re.fullmatch(r"[a-z0-9_]{1,63}", slot) or slot == "internal_wal_replication_slot":
        yield f"slot_name is {slot!r}: give up to 63 lower-case letters, digits and underscores, and none of the engine's own slots"
    for name, read in (("retention_limit", parse_size), ("floating_address", parse_address)):
        try:
            if options.get(name):
                read(str(options[name]))
        except CoordinatorError as error:
            yield f"{name}: {error.message}"
    if options.get("floating_interface") and not options.get("floating_address"):
        yield f"floating_interface is {options['floating_interface']!r} without floating_address: give the address too"
