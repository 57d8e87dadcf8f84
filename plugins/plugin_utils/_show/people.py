# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What people read of a run, beside what Ansible prints of tasks."""

from __future__ import annotations

import re
import typing as t

from ansible import constants
from ansible.utils.display import Display

#: callbacks, of whatever collection, whose output a program reads, which finds the same in the results of tasks
_FOR_PROGRAMS = ("json", "jsonl")


def harmless(text: str) -> str:
    """A text on one line that a terminal shows and does not obey: part of it may be what some host said.

    A line break becomes a blank; what is not printable, such as the control characters that move the cursor or the marks that change
    the direction of writing, becomes its escape.
    """
    line = re.sub(r"[ \t]*[\r\n]\s*", " ", text.strip("\r\n"))
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in line)


def tell(*lines: str, colors: t.Sequence[str | None] = ()) -> None:
    """Print lines, unless a program reads the output.

    :param colors: of the lines, as Ansible names them, which it shows on a terminal; empty for none.
    """
    callback = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    if callback.rpartition(".")[2] not in _FOR_PROGRAMS:
        shown = [harmless(line) for line in lines]
        for text, color in zip(shown, colors) if colors else [("\n".join(shown), None)]:
            Display().display(text, color=color)
