# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.lookup import whole_run

from ...plays import play_all

PLAYBOOKS = os.path.join(os.path.dirname(whole_run.__file__), "../../playbooks")


@pytest.fixture
def asked(monkeypatch, capsys):
    """A look-up in a run with this command line: its terms, or what it says as it ends the run."""

    def ask(*args, given=None, **options):
        monkeypatch.setattr(whole_run.context, "CLIARGS", {"args": args, "tags": ("all",), "skip_tags": (), **options})
        monkeypatch.setattr(whole_run, "load_extra_vars", lambda _loader: given or {})
        try:
            return whole_run.LookupModule().run(["localhost"])
        except SystemExit as error:
            assert error.code == 1
            return capsys.readouterr().err

    return ask


@pytest.mark.parametrize("name", ["warehousepg.coordinator.status", os.path.join(PLAYBOOKS, "status.yml")])
def test_a_playbook_of_ours_by_its_name_and_by_its_path(asked, name):
    assert asked(name) == ["localhost"]
    assert "--tags web would leave out" in asked(name, tags=("web",))


def test_others_are_not_its_business(asked, tmp_path):
    assert asked(str(tmp_path / "status.yml"), "acme.site.all", tags=("web",)) == ["localhost"]
    assert asked() == ["localhost"], "a program that is none of playbooks"


def test_variables_that_are_no_options_are_refused_where_only_ours_is_run(asked):
    ours, theirs = "warehousepg.coordinator.status", "acme.site.all"
    assert "status_page is no option" in asked(ours, given={"status_page": "x"})
    assert asked(ours, theirs, given={"status_page": "x"}) == ["localhost"]
    assert "did you mean status_format?" in asked(ours, theirs, given={"status_fromat": "x"})


def test_a_refusal_is_told_as_it_is(tmp_path):
    plays = [{"ansible.builtin.import_playbook": "warehousepg.coordinator.status"}]
    done = play_all(tmp_path, {"whpg_clusters": {"hosts": {}}}, plays, "-e", "whpg_host=alpha")
    assert done.returncode == 1
    said = r"(\[ERROR\]:|ERROR!) whpg_host is no option \(did you mean whpg_hosts\?\): correct it, or leave it out"
    assert re.fullmatch(said, done.stderr.splitlines()[-1])
