# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import logout
from hypothesis import given
from hypothesis import strategies as st

SESSION = "0::/user.slice/user-0.slice/session-3.scope\n"
OLD = "4:cpu:/\n1:name=systemd:/user.slice/user-0.slice/session-c1.scope\n"
KILLS = "KillUserProcesses=yes\nKillExcludeUsers=\nKillOnlyUsers=\n"


@pytest.mark.parametrize(
    ("cgroup", "said", "ended"),
    [
        (SESSION, KILLS, True),
        (OLD, KILLS, True),
        (SESSION, KILLS.replace("yes", "no"), False),
        (SESSION, KILLS.replace("ExcludeUsers=", "ExcludeUsers=gpadmin root"), False),
        (SESSION, "", False),
        (SESSION, None, False),  # there is no such program, or it fails
        ("0::/system.slice/agent.service\n", KILLS, False),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/run.scope\n", KILLS, False),
        ("0::/\n", KILLS, False),
        ("", KILLS, False),
    ],
)
def test_what_a_session_starts_is_ended_with_it_where_the_login_manager_says_so(host, program, tmp_path, monkeypatch, cgroup, said, ended):
    file = tmp_path / "cgroup"
    file.write_text(cgroup)
    monkeypatch.setattr(logout, "user_name", {0: "root"}.__getitem__)
    asked = []
    monkeypatch.setattr(type(host), "ask", lambda _host, *what: asked.append(what) or said, raising=False)
    why = logout.ending(host, str(file))
    assert bool(why) is ended
    assert ("add root to KillExcludeUsers" in why) is ended
    assert all(what[:2] == ("loginctl", "show-session") for what in asked)
    assert bool(asked) is ("session-" in cgroup), "elsewhere nobody is asked"


USERS = st.lists(st.sampled_from(["root", "gpadmin", "ansible", "gp"]), max_size=3)


@given(st.sampled_from(["yes", "no", None]), USERS, USERS)
def test_who_is_spared(kills, excluded, only):
    told = {"KillExcludeUsers": " ".join(excluded), "KillOnlyUsers": " ".join(only), **({"KillUserProcesses": kills} if kills else {})}
    assert logout.ends(told, "gpadmin") is (kills == "yes" and "gpadmin" not in excluded and (not only or "gpadmin" in only))
