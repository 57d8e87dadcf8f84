# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What every part of the domain raises when something cannot be done."""

from __future__ import annotations

import typing as t


class CoordinatorError(Exception):
    """Something cannot be done; says what failed, on which instance, why, and what to do.

    :param message: a sentence for the operator.
    :param data: what a program may want to know about it, by name.
    """

    def __init__(self, message: str, **data: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
