# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The engine's installation on a host and what surrounds it: whether a standby there could serve as primary."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import resource
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import logout
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text

#: seconds by which the clocks of two hosts may differ
CLOCK_LIMIT = 10.0

_EVERYWHERE = frozenset({"", "c", "posix"})


@dataclasses.dataclass(frozen=True)
class Installation:
    """What a host offers to an instance.

    :param gphome: directory of the installation.
    :param libraries: names of the libraries that the engine can load, relative to ``$GPHOME/lib``.
    :param extensions: by name of each extension that can be created, its default version.
    :param locales: locales of the operating system, as :func:`normal_locale` writes them; None where it does not tell.
    :param libc: name and version of the C library, whose collations differ between versions.
    :param open_files: how many files a process of the engine's user may open; None for no limit.
    :param processes: how many processes that user may have; None for no limit.
    :param logout: why what a run starts there would be ended with its session; empty where it would not.
    """

    gphome: str
    libraries: tuple[str, ...]
    extensions: t.Mapping[str, str]
    locales: tuple[str, ...] | None
    libc: str
    open_files: int | None
    processes: int | None
    logout: str = ""


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a primary uses of its installation.

    :param preload: names in ``shared_preload_libraries``.
    :param locales: of databases and settings.
    :param ssl: whether it lets clients encrypt their connections.
    :param listen_addresses: value of that setting.
    """

    preload: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    ssl: bool = False
    listen_addresses: str = ""


def normal_locale(name: str) -> str:
    """The one way to write the name of a locale: ``en_US.UTF-8`` and ``en_US.utf8`` are the same."""
    language, dot, encoding = name.lower().partition(".")
    return language + dot + encoding.replace("-", "")


def _limit(kind: int) -> int | None:
    soft = resource.getrlimit(kind)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _version_of(control_file: str) -> str:
    match = re.search(r"^\s*default_version\s*=\s*'([^']*)'", read_text(control_file) or "", re.MULTILINE)
    return match.group(1) if match else ""


def read_installation(host: Host) -> Installation:
    """Observe what this host offers."""
    lib = os.path.join(host.gphome, "lib")
    libraries = [os.path.relpath(path, lib) for pattern in ("*.so", "postgresql/*.so") for path in glob.glob(os.path.join(lib, pattern))]
    controls = glob.glob(os.path.join(host.gphome, "share", "postgresql", "extension", "*.control"))
    locales = host.locales()
    return Installation(
        gphome=host.gphome,
        libraries=tuple(sorted(libraries)),
        extensions={os.path.basename(path)[: -len(".control")]: _version_of(path) for path in sorted(controls)},
        locales=None if locales is None else tuple(sorted({normal_locale(name) for name in locales})),
        libc=os.confstr("CS_GNU_LIBC_VERSION") or "" if "CS_GNU_LIBC_VERSION" in os.confstr_names else "",
        open_files=_limit(resource.RLIMIT_NOFILE),
        processes=_limit(resource.RLIMIT_NPROC),
        logout=logout.ending(host),
    )


def library_path(name: str) -> str | None:
    """The path of a preloaded library that is not among the installation's, None for one that is named as one of them."""
    return name if os.path.isabs(name) else None


def _lower(theirs: int | None, ours: int | None) -> bool:
    return theirs is not None and (ours is None or theirs < ours)


def differences(primary: Installation, standby: Installation, needs: Needs) -> dict[str, str]:
    """By its name, each difference for which a standby on the other host could not serve as the primary does.

    :param primary: what the primary's host offers.
    :param standby: what the standby's host offers.
    :param needs: what the primary uses.
    """
    found = {}
    if primary.gphome != standby.gphome:
        found["gphome"] = (
            f"its installation is in {standby.gphome}, the primary's in {primary.gphome}: install it in the same place, "
            "or correct greenplum_path"
        )
    names = {os.path.basename(name) for name in standby.libraries}
    preload = [
        name for name in needs.preload if library_path(name) is None and os.path.basename(name).replace(".so", "") + ".so" not in names
    ]
    lacking = sorted(set(primary.libraries) - set(standby.libraries))
    if preload:
        found["preload"] = (
            f"it lacks {', '.join(preload)} of shared_preload_libraries, without which it cannot start: install the same there"
        )
    elif lacking:
        found["libraries"] = f"it lacks {named(lacking)} of the primary's installation: install the same extensions there"
    versions = [
        f"{name} {version} ({standby.extensions.get(name, 'none')} there)"
        for name, version in primary.extensions.items()
        if standby.extensions.get(name) != version
    ]
    if versions:
        found["extensions"] = f"its extensions are not the primary's, {named(versions)}: install the same versions there"
    there = None if standby.locales is None else _EVERYWHERE | set(standby.locales)
    locales = [name for name in needs.locales if there is not None and normal_locale(name) not in there]
    if locales:
        found["locale"] = f"it lacks the locale {', '.join(locales)}, which the primary's databases or settings use: generate it there"
    if primary.libc != standby.libc:
        found["libc"] = (
            f"its C library is {standby.libc}, the primary's {primary.libc}: texts may sort otherwise there, and indexes be wrong; "
            "let both hosts have the same system"
        )
    limits = [
        f"{what} {theirs} ({'no limit' if ours is None else ours} on the primary's)"
        for what, theirs, ours in (
            ("open files", standby.open_files, primary.open_files),
            ("processes", standby.processes, primary.processes),
        )
        if _lower(theirs, ours)
    ]
    if limits:
        found["limits"] = f"its limits for the engine's user are lower, {', '.join(limits)}: raise them in /etc/security/limits.conf"
    return found


def named(names: t.Sequence[str], count: int = 5) -> str:
    """A list that is read in a sentence."""
    more = len(names) - count
    return ", ".join(names[:count]) + (f" and {more} more" if more > 0 else "")


def clock_difference(first: t.Sequence[float], second: t.Sequence[float]) -> float:
    """By how many seconds the clocks of two hosts differ at least.

    :param first: of one host, the controller's time before the host told its own, that time, and the controller's after it.
    :param second: the same of the other host.
    """
    # a host's clock is ahead of the controller's by something between both bounds
    bounds = [(told - after, told - before) for before, told, after in (first, second)]
    return max(0.0, bounds[0][0] - bounds[1][1], bounds[1][0] - bounds[0][1])
