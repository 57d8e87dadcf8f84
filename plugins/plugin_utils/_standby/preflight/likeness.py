# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Checks of what a host offers an instance: whether a standby there could serve as its primary does."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import (
    SHARED_MEMORY,
    Installation,
    Needs,
    library_path,
    named,
    normal_locale,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import (
    BOTH,
    SQL,
    STANDBY,
    Check,
    Findings,
    check,
)

#: seconds by which the clocks of two hosts may differ
CLOCK_LIMIT = 10.0

#: bytes of shared memory that are enough, however much the primary's host has: by default it is half of a host's memory
ENOUGH_SHARED_MEMORY = 1 << 30

_EVERYWHERE = frozenset({"", "c", "posix"})

_Compare = t.Callable[[Installation, Installation, Needs], "str | None"]


@check(
    STANDBY,
    about="a login manager that ends what a session starts; an instance that an init system starts again outlasts it",
    acceptable=True,
)
def logout(case: Case, standby: Coordinator) -> Findings:
    why = standby.installation.logout if standby.installation else ""
    if case.comes and why:
        yield case.host, why


def difference(about: str) -> t.Callable[[_Compare], Check]:
    """Make a check of a function of what the primary's host offers, what the standby's offers, and what the primary uses of it."""

    def made(find: _Compare) -> Check:
        def compare(case: Case, primary: Coordinator, standby: Coordinator, known: Primary) -> Findings:
            ours, theirs = primary.installation, standby.installation
            said = find(ours, theirs, known.needs) if ours and theirs else None
            if said:
                yield case.host, said

        return Check(find.__name__, (*BOTH, SQL), about, compare, acceptable=True, compares=True)

    return made


@difference("an installation in another place than the primary's")
def gphome(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    if theirs.gphome == ours.gphome:
        return None
    return (
        f"its installation is in {theirs.gphome}, the primary's in {ours.gphome}: install it in the same place, or correct greenplum_path"
    )


@difference("libraries of C(shared_preload_libraries) that are missing, without which the standby cannot start")
def preload(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    lacking = _not_preloaded(theirs, needs)
    if not lacking:
        return None
    return f"it lacks {', '.join(lacking)} of shared_preload_libraries, without which it cannot start: install the same there"


@difference("libraries of the primary's installation that are missing")
def libraries(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    lacking = sorted(set(ours.libraries) - set(theirs.libraries))
    if not lacking or _not_preloaded(theirs, needs):
        return None
    return f"it lacks {named(lacking)} of the primary's installation: install the same extensions there"


def _not_preloaded(theirs: Installation, needs: Needs) -> list[str]:
    names = {os.path.basename(name) for name in theirs.libraries}
    return [name for name in needs.preload if library_path(name) is None and os.path.basename(name).replace(".so", "") + ".so" not in names]


@difference("extensions that are missing, or of other versions")
def extensions(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    versions = [
        f"{name} {version} ({theirs.extensions.get(name, 'none')} there)"
        for name, version in ours.extensions.items()
        if theirs.extensions.get(name) != version
    ]
    if not versions:
        return None
    return f"its extensions are not the primary's, {named(versions)}: install the same versions there"


@difference("locales that are missing, of those that the primary's databases or settings use")
def locale(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    there = None if theirs.locales is None else _EVERYWHERE | set(theirs.locales)
    locales = [name for name in needs.locales if there is not None and normal_locale(name) not in there]
    if not locales:
        return None
    return f"it lacks the locale {', '.join(locales)}, which the primary's databases or settings use: generate it there"


@difference("another C library or version of it, by which texts may sort otherwise")
def libc(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    if ours.libc == theirs.libc:
        return None
    return (
        f"its C library is {theirs.libc}, the primary's {ours.libc}: texts may sort otherwise there, and indexes be wrong; "
        "let both hosts have the same system"
    )


@difference("lower limits of open files and processes for the engine's user")
def limits(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    lower = [
        f"{what} {there} ({'no limit' if here is None else here} on the primary's)"
        for what, there, here in (("open files", theirs.open_files, ours.open_files), ("processes", theirs.processes, ours.processes))
        if there is not None and (here is None or there < here)
    ]
    if not lower:
        return None
    return f"its limits for the engine's user are lower, {', '.join(lower)}: raise them in /etc/security/limits.conf"


@difference("a smaller C(/dev/shm), of less than 1 GiB, where the engine has its dynamic shared memory there")
def shared_memory(ours: Installation, theirs: Installation, needs: Needs) -> str | None:
    # by default it is half of a host's memory, which two hosts rarely have alike
    if needs.shared_memory != "posix" or theirs.shared_memory * 10 >= min(ours.shared_memory, ENOUGH_SHARED_MEMORY) * 9:
        return None
    size = f"has {theirs.shared_memory >> 20} MiB" if theirs.shared_memory else "is missing, or not writable for the engine's user"
    return (
        f"its {SHARED_MEMORY} {size}, the primary's has {ours.shared_memory >> 20} MiB, and dynamic_shared_memory_type is posix: what "
        "runs on the primary may fail there; mount it as large"
    )


@check(*BOTH, SQL, about=f"a clock that differs by more than {CLOCK_LIMIT:g} s", acceptable=True, compares=True)
def clock(case: Case, primary: Coordinator, standby: Coordinator, _known: Primary) -> Findings:
    if not primary.asked or not standby.asked:
        return
    (before, after), (asked, answered) = primary.asked, standby.asked
    seconds = clock_difference((before, primary.clock, after), (asked, standby.clock, answered))
    if seconds > CLOCK_LIMIT:
        yield case.host, f"its clock differs from the primary's by at least {seconds:.0f} s: let both follow the same time server"


def clock_difference(first: t.Sequence[float], second: t.Sequence[float]) -> float:
    """By how many seconds the clocks of two hosts differ at least.

    :param first: of one host, the controller's time before the host told its own, that time, and the controller's after it.
    :param second: the same of the other host.
    """
    # a host's clock is ahead of the controller's by something between both bounds
    bounds = [(told - after, told - before) for before, told, after in (first, second)]
    return max(0.0, bounds[0][0] - bounds[1][1], bounds[1][0] - bounds[0][1])
