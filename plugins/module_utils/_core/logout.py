# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether what a session starts outlasts it: the login manager may end all that is left of one, ``KillUserProcesses`` in logind.conf."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text, user_name

#: the session that a process belongs to, with the identifier of the user who logged in, whatever user it has become since
_SESSION = re.compile(r"/user-(\d+)\.slice/session-[^/]+\.scope(?:/|$)", re.MULTILINE)


def ending(host: Host, cgroup: str = "/proc/self/cgroup") -> str:
    """Why what is started now would be ended with this session, and the remedy; empty where it would not, or where nobody tells.

    What an init system manages belongs to no session. Lingering alone changes nothing: it is for what the user's own manager starts.

    :param cgroup: file that tells which session this process belongs to.
    """
    session = _SESSION.search(read_text(cgroup) or "")
    if session is None:
        return ""
    names = ("KillUserProcesses", "KillExcludeUsers", "KillOnlyUsers")
    said = host.ask("loginctl", "show-session", *(f"--property={name}" for name in names))
    user = user_name(int(session.group(1)))
    if said is None or not ends(dict(line.partition("=")[::2] for line in said.splitlines()), user):
        return ""
    return (
        f"the login manager ends all processes that a session of {user} started when it ends (KillUserProcesses=yes), also a coordinator "
        f"and what waits to promote one: add {user} to KillExcludeUsers in /etc/systemd/logind.conf, beside root, and restart "
        "systemd-logind; lingering (loginctl enable-linger) is not enough, for it spares what the user's own manager starts alone"
    )


def ends(told: t.Mapping[str, str], user: str) -> bool:
    """Whether the login manager ends what a user's session leaves.

    :param told: its properties.
    """
    if told.get("KillUserProcesses") != "yes" or user in told.get("KillExcludeUsers", "").split():
        return False
    only = told.get("KillOnlyUsers", "").split()
    return not only or user in only
