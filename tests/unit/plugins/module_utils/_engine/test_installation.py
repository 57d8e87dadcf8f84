# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import resource
import types

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import installation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import (
    library_path,
    normal_locale,
    read_installation,
)


@pytest.mark.parametrize(
    ("name", "normal"),
    [("en_US.UTF-8", "en_us.utf8"), ("en_US.utf8", "en_us.utf8"), ("C", "c"), ("de_DE", "de_de"), ("de-x.ISO-8859-1", "de-x.iso88591")],
)
def test_a_locale_is_written_in_one_way(name, normal):
    assert normal_locale(name) == normal == normal_locale(normal)


def test_a_library_with_a_path_is_a_file_of_its_own():
    assert library_path("/opt/other.so") == "/opt/other.so"
    assert library_path("$libdir/metrics") is None


def test_reads_what_an_installation_offers(host, tmp_path, monkeypatch):
    home, programs = tmp_path / "greenplum-db", tmp_path / "bin"
    for directory in (home / "lib" / "postgresql", home / "share" / "postgresql" / "extension", programs):
        directory.mkdir(parents=True)
    for library in ("lib/libpq.so", "lib/libpq.so.5", "lib/postgresql/metrics.so"):
        (home / library).touch()
    extensions = home / "share" / "postgresql" / "extension"
    (extensions / "postgis.control").write_text("comment = 'maps'\n  default_version='3.3.2'  # latest\n")
    (extensions / "odd.control").write_text("relocatable = true\n")
    (extensions / "postgis--3.3.2.sql").touch()
    (programs / "locale").write_text("#!/bin/sh\nprintf 'C\\nC.UTF-8\\nc.utf8\\nen_US.utf8\\n'\n")
    (programs / "locale").chmod(0o755)
    limits = {resource.RLIMIT_NOFILE: (1024, 4096), resource.RLIMIT_NPROC: (resource.RLIM_INFINITY, resource.RLIM_INFINITY)}
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(installation, "SHARED_MEMORY", str(home))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    found = read_installation(host)
    assert found.gphome == str(home)
    assert found.libraries == ("libpq.so", "postgresql/metrics.so")
    assert found.extensions == {"odd": "", "postgis": "3.3.2"}
    assert found.locales == ("c", "c.utf8", "en_us.utf8")
    assert found.libc == os.confstr("CS_GNU_LIBC_VERSION")
    assert (found.open_files, found.processes) == (1024, None)
    assert found.shared_memory == os.statvfs(home).f_blocks * os.statvfs(home).f_frsize
    status = os.statvfs(home)
    with monkeypatch.context() as unlimited:
        unlimited.setattr(os, "statvfs", lambda path: types.SimpleNamespace(f_blocks=0, f_frsize=status.f_frsize, f_bavail=status.f_bavail))
        assert read_installation(host).shared_memory > 1 << 50
    monkeypatch.setattr(installation, "SHARED_MEMORY", str(home / "nothing"))
    assert read_installation(host).shared_memory == 0
