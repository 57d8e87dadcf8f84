# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of the roles ask for, by the roles' own files."""

from __future__ import annotations

import dataclasses

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import SPEC, of_pair, read


def desired(role="discovery", **given):
    """All options where these are given, by their names or by their names in the role."""
    variables = {"cluster_name": "demo", "whpg_role": "coordinator", "whpg_data_directory": "/data", "discovery_role": role}
    return read({**variables, **named(role, given)}, lambda value: value)


def named(role, given):
    """By name, options that are given by their names, or by their names in a role, or in one whose options it shares."""
    prefixes = ("", *(f"{prefix}_" for prefix in (role, "standby", "activate_standby", "rejoin")))
    return {next(prefix + name for prefix in prefixes if prefix + name in SPEC): value for name, value in given.items()}


#: the options where nothing is set
OPTIONS = desired().options


def with_options(pair, role, given):
    """A pair with what the options ask for where these are given."""
    found = desired(role, **given)
    wrong = [found.wrong[name] for name in of_pair(role) if name in found.wrong]
    return dataclasses.replace(pair, role=role, options=found.options, wrong=wrong)
