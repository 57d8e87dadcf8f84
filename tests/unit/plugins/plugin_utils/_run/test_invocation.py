# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import invocation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import (
    clusters_of_batch,
    is_ours,
    left_out,
    out_of_step,
)

STATUS = "warehousepg.coordinator.status"


def ours(playbook):
    return playbook.startswith("warehousepg.coordinator.")


def left(*playbooks, tags=("all",), skip_tags=(), start_at=None):
    return left_out(playbooks, ours, tags, skip_tags, start_at)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tags": ()},
        {"tags": ("all", "never")},
        {"tags": ("untagged",)},
        {"skip_tags": ("web",)},
        {"skip_tags": ("always", "never", "tagged")},
    ],
)
def test_a_run_that_leaves_nothing_out(options):
    assert left(STATUS, **options) == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tags": ("web", "db")}, "--tags web,db"),
        ({"tags": ("tagged",)}, "--tags tagged"),
        ({"tags": ("always",)}, "--tags always"),
        ({"skip_tags": ("all",)}, "--skip-tags all"),
        ({"skip_tags": ("untagged", "web")}, "--skip-tags untagged,web"),
        ({"tags": ("web",), "skip_tags": ("always",)}, "--tags web"),
        ({"start_at": "Judge what was seen"}, "--start-at-task 'Judge what was seen'"),
    ],
)
def test_a_run_in_part_is_refused_where_a_playbook_of_ours_is_named(options, words):
    said = left("site.yml", STATUS, **options)
    assert words in said and STATUS in said and "import it" in said
    assert left("site.yml", **options) == "", "a playbook of the site has its own habits"


@pytest.mark.parametrize("strategy", ["linear", "ansible.builtin.linear", "debug", "ansible.builtin.debug", "mitogen_linear"])
def test_strategies_in_step(strategy):
    assert out_of_step(strategy) == ""


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "host_pinned", "ansible.builtin.host_pinned", "acme.tools.own"])
def test_strategies_out_of_step(strategy):
    said = out_of_step(strategy)
    assert strategy.rpartition(".")[2] in said and "strategy: linear" in said


CLUSTER_OF = {"a1": "alpha", "a2": "alpha", "b1": "beta", "b2": "beta", "w1": ""}
HOSTS = list(CLUSTER_OF)


@pytest.mark.parametrize(
    ("alive", "batch", "clusters", "split"),
    [
        (HOSTS, HOSTS, ["alpha", "beta", ""], {}),
        (HOSTS, ["a1", "a2"], ["alpha"], {}),
        (HOSTS, ["b1", "b2", "w1"], ["beta", ""], {}),
        (HOSTS, ["a1", "a2", "b1"], ["alpha", "beta"], {"beta": ["b2"]}),
        (HOSTS, ["a2", "b1"], ["alpha", "beta"], {"alpha": ["a1"], "beta": ["b2"]}),
        # a host that was lost is of no other batch
        (["a1", "b1", "b2", "w1"], ["a1"], ["alpha"], {}),
        (["a1", "b1", "b2", "w1"], ["b1", "b2"], ["beta"], {}),
        # a cluster that was lost whole is told of
        (["b1", "b2", "w1"], ["b1", "b2", "w1"], ["alpha", "beta", ""], {}),
    ],
)
def test_a_batch_has_whole_clusters_or_is_told_which_it_splits(alive, batch, clusters, split):
    assert clusters_of_batch(CLUSTER_OF, HOSTS, alive, batch) == (clusters, split)


PLAYBOOKS = os.path.join(os.path.dirname(invocation.__file__), "../../../playbooks")


@pytest.mark.parametrize(
    ("playbook", "ours", "is_status"),
    [
        (STATUS, True, True),
        ("warehousepg.coordinator.history", True, False),
        (os.path.join(PLAYBOOKS, "status.yml"), True, True),
        (os.path.join(PLAYBOOKS, "release.yml"), True, False),
        ("status.yml", False, False),
        ("acme.site.status", False, False),
    ],
)
def test_a_playbook_of_ours_is_known_by_its_name_and_by_its_path(playbook, ours, is_status):
    assert (is_ours(playbook), is_ours(playbook, "status")) == (ours, is_status)
