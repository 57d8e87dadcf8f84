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
import sys
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import logout
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection, configured

#: where the shared memory is of an instance that has C(dynamic_shared_memory_type) at ``posix``
SHARED_MEMORY = "/dev/shm"


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
    :param shared_memory: bytes of :data:`SHARED_MEMORY` as a whole; 0 where it is not there, or that user cannot write to it.
    """

    gphome: str
    libraries: tuple[str, ...]
    extensions: t.Mapping[str, str]
    locales: tuple[str, ...] | None
    libc: str
    open_files: int | None
    processes: int | None
    logout: str = ""
    shared_memory: int = 0


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a primary uses of its installation.

    :param preload: names in ``shared_preload_libraries``.
    :param locales: of databases and settings.
    :param ssl: whether it lets clients encrypt their connections.
    :param listen_addresses: value of that setting.
    :param shared_memory: value of C(dynamic_shared_memory_type).
    """

    preload: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    ssl: bool = False
    listen_addresses: str = ""
    shared_memory: str = ""


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
        shared_memory=_shared_memory(),
    )


def _shared_memory() -> int:
    if not os.access(SHARED_MEMORY, os.W_OK | os.X_OK):
        return 0
    status = os.statvfs(SHARED_MEMORY)
    return status.f_blocks * status.f_frsize or sys.maxsize  # a file system without a limit has no number of blocks


def read_needs(connection: Connection) -> Needs:
    """What the primary uses of its installation and of the operating system."""
    locales = ("lc_messages", "lc_monetary", "lc_numeric", "lc_time")
    values = configured(connection, ("shared_preload_libraries", *locales, "ssl", "listen_addresses", "dynamic_shared_memory_type"))
    databases = connection.query("SELECT datcollate::text AS locale FROM pg_database UNION SELECT datctype::text FROM pg_database")
    preload = (name.strip().strip('"') for name in values.get("shared_preload_libraries", "").split(","))
    return Needs(
        preload=tuple(name for name in preload if name),
        locales=tuple(sorted({*(values[name] for name in locales if name in values), *(row["locale"] for row in databases)})),
        ssl=values.get("ssl") == "on",
        listen_addresses=values.get("listen_addresses", ""),
        shared_memory=values.get("dynamic_shared_memory_type", ""),
    )


def library_path(name: str) -> str | None:
    """The path of a preloaded library that is not among the installation's, None for one that is named as one of them."""
    return name if os.path.isabs(name) else None


def named(names: t.Sequence[str], count: int = 5) -> str:
    """A list that is read in a sentence."""
    more = len(names) - count
    return ", ".join(names[:count]) + (f" and {more} more" if more > 0 else "")
