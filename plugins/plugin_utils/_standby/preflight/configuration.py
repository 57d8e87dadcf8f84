# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Checks of the configuration that a standby will have: its primary's, where a copy is made, else its own."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import DIRECTORY, FILE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import ENDING, PLACE, STRAYING
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, Case, directory_of, is_within
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import SOURCE, STANDBY, Findings, check


@check(SOURCE, about="settings with which the standby would end its recovery, and promote itself")
def following(case: Case, source: Coordinator) -> Findings:
    yield from _hindering(case, source, ENDING, "with it the standby would end its recovery, and promote itself beside its primary")


@check(SOURCE, about="settings for a recovery with which the standby may stop, or not follow its primary", acceptable=True)
def recovery(case: Case, source: Coordinator) -> Findings:
    yield from _hindering(case, source, STRAYING, "with it the standby may stop, or not follow its primary")


def _hindering(case: Case, source: Coordinator, names: t.Iterable[str], what: str) -> Findings:
    instance, configured = source.instance, source.configured
    if not configured or (not case.comes and (instance.postmaster or instance.directory_state != "instance")):
        return
    for name in names:
        setting = configured.settings.get(name)
        if setting:
            yield (
                case.source[0],
                f"{name} is {setting['value']!r} in {setting['where']}, of {instance.data_directory}: {what}; a primary has no use for it: "
                "remove it",
            )


@check(SOURCE, STANDBY, about="a setting with which the standby would work in another directory, which may hold anything")
def elsewhere(case: Case, source: Coordinator, standby: Coordinator) -> Findings:
    setting = source.configured.settings.get(PLACE) if source.configured else None
    if setting and case.comes and os.path.normpath(setting["value"]) != directory_of(standby):
        yield (
            case.source[0],
            f"{PLACE} is {setting['value']!r} in {setting['where']}, of {source.instance.data_directory}: the standby would work there "
            f"instead of in {directory_of(standby)}: remove it, the engine's utilities start an instance by its directory",
        )


@check(SOURCE, STANDBY, about="files and directories that the configuration names, and that a copy would not have", acceptable=True)
def files(case: Case, source: Coordinator, standby: Coordinator) -> Findings:
    host = case.source[0]
    if case.way == COPY and source.configured and source.configured.links:
        yield (
            host,
            f"{named(source.configured.links)} is a symbolic link, which a base backup leaves out: put the file itself there, or name its "
            "place",
        )
    for lacking in case.looked.lacks if case.looked else ():
        user = standby.site.user
        remedy = f"put it there, readable by {user}" if lacking.kind in (FILE, DIRECTORY) else f"make it, writable by {user}"
        if is_within(lacking.path, source):
            remedy = f"name it on {host} by its path relative to the data directory, which a copy has too"
        yield case.host, f"{lacking.path}, named by {lacking.where}, {lacking.why} there: {remedy}, or correct what names it"
