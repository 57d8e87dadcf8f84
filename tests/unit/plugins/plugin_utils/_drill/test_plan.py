# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.plan import make

from ..desired import with_options
from ..losses import DOWN
from ..observed import MIRRORED, VARIABLES, changed, planned


def plan(found, *changes, **options):
    found = changed(found, *changes)
    pair = with_options(assess("demo", VARIABLES, found), "drill", options)
    hostvars = {host: {**known, OBSERVATION: found.get(host)} for host, known in VARIABLES.items()}
    return planned(make(scene_of("demo", pair, hostvars)))


@pytest.mark.parametrize("kind", ["switchover", "copy"])
def test_what_a_switchover_could_be_begun_with_can_be_rehearsed_with(kind):
    made = plan(MIRRORED, kind=kind, interval=0.1)
    assert (made.refusal, made.acts, made.kind, made.interval) == ("", True, kind, 0.1)
    assert (made.primary, made.standby, made.state) == ("cdw", "scdw", "mirrored")


@pytest.mark.parametrize(
    ("found", "changes", "options", "words"),
    [
        (DOWN, (), {}, "not mirrored"),
        (MIRRORED, (("scdw installation libc", "glibc 2.17"),), {}, "could not serve as the primary does"),
        (MIRRORED, (("cdw unfinished", "switchover to scdw"), ("scdw unfinished", "switchover to scdw")), {}, ""),
        (MIRRORED, (), {"switchover_to": "scdw"}, "a drill swaps the coordinators and swaps them back: leave it out"),
        (MIRRORED, (), {"kind": "activation"}, "drill_kind"),
        (MIRRORED, (), {"interval": 0}, "drill_interval"),
    ],
)
def test_what_could_not_be_switched_is_not_rehearsed_with(found, changes, options, words):
    made = plan(found, *changes, **options)
    assert words in made.refusal
    assert made.acts is not bool(words)


def test_a_switchover_that_was_cut_off_is_finished_first():
    cut_off = [(f"{host} unfinished", "switchover to scdw") for host in ("cdw", "scdw")]
    stopped = [("cdw instance control state", "shut down"), ("cdw instance start_block", "FENCED_scdw_is_primary.conf")]
    made = plan(DOWN, *cut_off, *stopped)
    assert "a switchover to scdw was cut off: finish it by the playbook switchover" in made.refusal
