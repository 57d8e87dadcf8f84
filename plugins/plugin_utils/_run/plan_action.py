# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The task of a role that plans on the controller, once for all clusters."""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import hosts_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless

Variables = t.Mapping[str, t.Any]
Pair = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Situation:
    """What a plan is made of.

    :param cluster: name of the cluster.
    :param pair: what M(warehousepg.coordinator.mirroring_verdict) returned of it.
    :param variables: by host of the cluster, all its variables.
    :param arguments: of the task.
    :param inventory: all hosts of the inventory.
    """

    cluster: str
    pair: Pair
    variables: t.Mapping[str, Variables]
    arguments: Variables
    inventory: t.Container[str]

    @property
    def observations(self) -> dict[str, t.Any]:
        """By host, what it showed; None where it took no part."""
        return {host: known.get(self.arguments["observation"]) for host, known in self.variables.items()}


class PlanAction(ActionBase):
    """An action that plans, a subclass for each role."""

    _requires_connection = False
    _supports_check_mode = True

    #: the role that acts
    ROLE: t.ClassVar[str]
    #: its options, beside those of all
    OPTIONS: t.ClassVar[Variables] = {}
    #: whether a plan names the run, for the audit of what is done by it
    AUDITED: t.ClassVar[bool] = False

    def plans(self, situations: t.Sequence[Situation]) -> t.Iterable[t.Any]:
        """The plan for each cluster, a dataclass, in the same order."""
        raise NotImplementedError

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Plan for all clusters that take part."""
        result = super().run(tmp, task_vars)
        _dummy, arguments = self.validate_argument_spec(
            {
                "clusters": {"type": "dict", "required": True},
                "observation": {"type": "str", "required": True},
                **self.OPTIONS,
            }
        )
        variables = task_vars or {}
        situations = []
        for cluster, pair in arguments["clusters"].items():
            if pair["role"] != self.ROLE:
                continue  # it was looked at for another role, and takes no part in this one
            of_hosts = {host: variables["hostvars"][host] for host in hosts_of(pair)}
            situations.append(Situation(cluster, pair, of_hosts, arguments, variables["hostvars"]))
        run = {"audit": audit.run(os.getppid(), datetime.datetime.now(datetime.timezone.utc))} if self.AUDITED else {}
        plans = zip(situations, self.plans(situations))
        clusters = {situation.cluster: {**dataclasses.asdict(plan), "refusal": harmless(plan.refusal), **run} for situation, plan in plans}
        result.update(changed=False, clusters=clusters)
        return result
