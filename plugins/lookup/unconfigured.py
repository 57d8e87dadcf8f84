# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A setting of the ssh connection, of ours unless somebody configured it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unconfigured
short_description: A setting of the ssh connection, unless somebody configured it
version_added: 0.1.0
description:
  - What the command line, the environment or a configuration file says of an option of the connection plugin C(ssh), and where none
    of them says anything, the given value.
  - Internal, for defaults of roles. A variable beats the configuration, so that one with a value of its own would take it from the user.
    Variables of the inventory and the like beat defaults of roles by themselves.
options:
  _terms:
    description: Names of options of the connection plugin.
    type: list
    elements: str
    required: true
  default:
    description: What it is where nobody configured it.
    type: raw
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
ansible_ssh_timeout: "{{ lookup('warehousepg.coordinator.unconfigured', 'timeout', default=4) }}"
"""

RETURN = r"""
_raw:
  description: The value of each option.
  type: list
  elements: raw
"""

import typing as t

from ansible import constants
from ansible.plugins.loader import connection_loader
from ansible.plugins.lookup import LookupBase


def value_of(name: str, default: t.Any) -> t.Any:
    """The value of an option of the connection plugin that somebody configured, else the given one; an empty text says nothing."""
    value, origin = constants.config.get_config_value_and_origin(name, plugin_type="connection", plugin_name="ssh")
    return default if origin == "default" or value in (None, "") else value


class LookupModule(LookupBase):
    """See above."""

    def run(self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """The value of each option."""
        connection_loader.get("ssh", class_only=True)  # which makes its options known
        return [value_of(name, kwargs["default"]) for name in terms]
