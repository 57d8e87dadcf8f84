# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A command that is run again and again, until it is stopped: a play cannot go back to its first task."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import typing as t

#: in the environment of a command that is repeated, so that it does not repeat itself: letters of a line of the terminal where it is shown,
#: 0 where that is none
MARK = "WHPG_STATUS_WATCHED"

#: what empties a terminal
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def repeat(command: t.Sequence[str], seconds: float, screen: t.TextIO, colored: bool) -> t.NoReturn:
    """Run a command and show what it prints, each time in the place of what it printed before if that is a terminal, elsewhere below.

    Ends with Ctrl-C, which the command is sent, too: it is left to end by itself.

    :param seconds: between its end and the next beginning.
    :param screen: where it is shown.
    :param colored: whether Ansible uses colours there, which it would not for a program that reads.
    """
    columns = shutil.get_terminal_size().columns if screen.isatty() else 0
    environment = {**os.environ, MARK: str(columns), **({"ANSIBLE_FORCE_COLOR": "true"} if colored else {})}
    clear = _CLEAR if screen.isatty() else ""
    looking = None
    try:
        while True:
            looking = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            shown = looking.communicate()[0].decode("utf-8", "replace")
            screen.write(clear + shown)
            screen.flush()
            time.sleep(seconds)
    except KeyboardInterrupt:
        if looking and looking.poll() is None:
            looking.communicate()
        raise SystemExit(0) from None
