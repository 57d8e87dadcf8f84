# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The last task of a role, which says on the controller how it ended for each cluster."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import hosts_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless, tell

Options = t.Mapping[str, t.Any]
Hosts = t.Mapping[str, t.Mapping[str, t.Any]]

#: options of a role that keeps its outcome on the controller
FILES = {"result_file": {"type": "path", "required": True}, "audit_file": {"type": "path", "required": True}}


class Ended(t.Protocol):
    """How it ended for a cluster."""

    @property
    def lines(self) -> t.Sequence[str]:
        """What is printed before the last line."""

    @property
    def text(self) -> str:
        """The last line."""

    @property
    def failure(self) -> str:
        """What the cluster's failure says; empty without one."""


class OutcomeAction(ActionBase):
    """An action that says how a role ended, a subclass for each role."""

    _requires_connection = False
    _supports_check_mode = True

    #: its options, beside the clusters
    OPTIONS: t.ClassVar[Options] = {}
    #: options that name the variable with a result for all clusters
    RESULTS: t.ClassVar[t.Sequence[str]] = ("verdict", "plans")
    #: names under which the role's tasks register
    REGISTERED: t.ClassVar[t.Collection[str]] = ()

    def ended(self, cluster: str, plan: Options, hosts: Hosts, lost: t.Sequence[str], options: Options) -> t.Any:
        """How it ended for a cluster, an :class:`Ended`.

        :param plan: what was planned for it.
        :param hosts: by host, what the tasks of the role registered there.
        :param lost: hosts that were lost during the run, those apart that took no part from its beginning.
        """
        raise NotImplementedError

    def told(self, ended: t.Any, options: Options) -> tuple[dict[str, t.Any], str]:
        """What the task returns for the cluster, and what else failed."""
        raise NotImplementedError

    def keep(self, ended: t.Any, action: str, options: Options) -> str:
        """Write down how it ended, unless in check mode; returns why it could not be."""
        return "" if self._task.check_mode else audit.keep(ended.document, action, options["result_file"], options["audit_file"])

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """On one host print how it ended for all clusters; on one host of each cluster return it, and fail where it did not end well."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {**{name: {"type": "str", "required": True} for name in self.RESULTS}, **self.OPTIONS}
        )
        variables = task_vars or {}
        # by the name of the variable, not by its value: that would be evaluated whole on each host
        options = {**options, **{name: (variables.get(options[name]) or {}).get("clusters", {}) for name in self.RESULTS}}
        clusters, plans = options["verdict"], options["plans"]
        hostvars, alive, host = variables["hostvars"], variables["ansible_play_batch"], variables["inventory_hostname"]
        result.update(changed=False)
        for cluster, pair in clusters.items():
            hosts = hosts_of(pair)
            reporter = next((name for name in hosts if name in alive), None)
            if host not in (alive[0], reporter):
                continue
            known = {name: {key: found[key] for key in self.REGISTERED if key in found} for name, found in _of(hosts, hostvars)}
            lost = [name for name in hosts if name in variables["ansible_play_hosts_all"] and name not in alive]
            ended = self.ended(cluster, plans[cluster], known, lost, options)
            if host == alive[0]:
                for line in [*ended.lines, ended.text]:
                    tell(f"{cluster or 'no cluster'}: {line}")
            if host == reporter:
                returned, trouble = self.told(ended, options)
                result.update(returned)
                if ended.failure or trouble:
                    result.update(failed=True, msg=harmless("; ".join(filter(None, (ended.failure, trouble)))))
        return result


def _of(hosts: t.Sequence[str], hostvars: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    """Each host's variables, made once: that takes long."""
    return ((name, hostvars[name]) for name in hosts)
