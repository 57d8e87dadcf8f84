# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How Ansible goes about a run, where what our plays and roles say holds of a whole cluster, seen and done step by step."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible.utils.display import Display

_COLLECTION = "warehousepg.coordinator."
_PLAYBOOKS = os.path.realpath(Path(__file__).parents[3] / "playbooks")

#: what runs a task on all hosts of a batch before the next one
_IN_STEP = ("linear", "debug")


def is_ours(playbook: str, name: str = "") -> bool:
    """Whether a playbook, as the command line names it, is one of this collection; if a name is given, the one of that name."""
    directory, file = os.path.split(os.path.realpath(playbook))
    named = playbook[len(_COLLECTION) :] if playbook.startswith(_COLLECTION) else file[: -len(".yml")] if directory == _PLAYBOOKS else ""
    return bool(named) and name in ("", named)


def refuse(why: str) -> t.NoReturn:
    """End a run before it begins. What a lookup raises, Ansible tells with the source of the play and the words of a plugin that failed."""
    Display().error(why, wrap_text=False)
    raise SystemExit(1)


def left_out(
    playbooks: t.Iterable[str],
    is_ours: t.Callable[[str], bool],
    tags: t.Collection[str],
    skip_tags: t.Collection[str],
    start_at: str | None,
) -> str:
    """Why a run would leave out tasks of a playbook of ours that it was asked for by name; empty where it would not.

    Such a run would do less than it says, or nothing, and end with 0. A playbook that imports one of ours may have tags of its own.

    :param playbooks: what is run, as the command line names it.
    :param is_ours: whether a playbook is ours.
    :param tags: tags that a task must have one of.
    :param skip_tags: tags that it must not have.
    :param start_at: name of the task that is begun with.
    """
    named = [playbook for playbook in playbooks if is_ours(playbook)]
    if not named:
        return ""
    chosen = []
    # tasks of ours have no tags
    if tags and not {"all", "untagged"} & set(tags):
        chosen.append(f"--tags {','.join(tags)}")
    if {"all", "untagged"} & set(skip_tags):
        chosen.append(f"--skip-tags {','.join(skip_tags)}")
    if start_at:
        chosen.append(f"--start-at-task '{start_at}'")
    if not chosen:
        return ""
    return (
        f"{' and '.join(chosen)} would leave out tasks of {', '.join(named)}, which only mean something together: run it whole, or import "
        "it in a playbook of yours, where the import has the tags"
    )


def out_of_step(strategy: str) -> str:
    """Why a role cannot do its work by a strategy; empty where it can."""
    name = strategy.rpartition(".")[2]
    if name in _IN_STEP or name.endswith("_linear"):
        return ""
    return (
        f"the strategy {name} does not wait for all hosts of a cluster before the next task, and what is done on the one depends on what "
        "was seen and done on the other: give the play strategy: linear"
    )


def clusters_of_batch(
    cluster_of: t.Mapping[str, str], in_play: t.Sequence[str], alive: t.Collection[str], batch: t.Collection[str]
) -> tuple[list[str], dict[str, list[str]]]:
    """The clusters that a batch is about, and by cluster the hosts that other batches have of it.

    :param cluster_of: by host, the name of its cluster.
    :param in_play: hosts that the play began with.
    :param alive: those of them that were not lost.
    :param batch: those of them that are in this batch.
    """
    mine, lost = set(batch), set(in_play) - set(alive)
    there: dict[str, list[str]] = {}
    for host in in_play:
        if host not in lost and host not in mine:
            there.setdefault(cluster_of[host], []).append(host)
    here = {cluster_of[host] for host in mine}
    # one that was lost whole is told of all the same
    clusters = dict.fromkeys(cluster_of[host] for host in in_play if cluster_of[host] in here or cluster_of[host] not in there)
    return list(clusters), {cluster: there[cluster] for cluster in clusters if cluster in there}
