# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read of a run, beside what Ansible prints of tasks."""

from __future__ import annotations

from ansible import constants
from ansible.utils.display import Display

#: callbacks, of whatever collection, whose output a program reads, which finds the same in the results of tasks
_FOR_PROGRAMS = ("json", "jsonl")


def tell(text: str) -> None:
    """Print lines, unless a program reads the output."""
    callback = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    if callback.rpartition(".")[2] not in _FOR_PROGRAMS:
        Display().display(text)
