# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible.errors import AnsibleError
from ansible_collections.warehousepg.coordinator.plugins.lookup import whole_run

PLAYBOOKS = os.path.join(os.path.dirname(whole_run.__file__), "../../playbooks")


@pytest.fixture
def asked(monkeypatch):
    """A look-up in a run with this command line."""

    def ask(*args, **options):
        monkeypatch.setattr(whole_run.context, "CLIARGS", {"args": args, "tags": ("all",), "skip_tags": (), **options})
        return whole_run.LookupModule().run(["localhost"])

    return ask


@pytest.mark.parametrize("name", ["warehousepg.coordinator.status", os.path.join(PLAYBOOKS, "status.yml")])
def test_a_playbook_of_ours_by_its_name_and_by_its_path(asked, name):
    assert asked(name) == ["localhost"]
    with pytest.raises(AnsibleError, match="--tags web would leave out"):
        asked(name, tags=("web",))


def test_others_are_not_its_business(asked, tmp_path):
    assert asked(str(tmp_path / "status.yml"), "acme.site.all", tags=("web",)) == ["localhost"]
    assert asked() == ["localhost"], "a program that is none of playbooks"
