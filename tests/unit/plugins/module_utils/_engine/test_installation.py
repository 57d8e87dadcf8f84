# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import resource

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import (
    Installation,
    Needs,
    clock_difference,
    differences,
    library_path,
    normal_locale,
    read_installation,
)
from hypothesis import given
from hypothesis import strategies as st

PRIMARY = Installation(
    gphome="/usr/local/greenplum-db",
    libraries=("postgis-3.so", "postgresql/gp_inject_fault.so", "postgresql/metrics.so"),
    extensions={"postgis": "3.3.2", "pgcrypto": "1.3"},
    locales=("c.utf8", "en_us.utf8"),
    libc="glibc 2.34",
    open_files=65536,
    processes=None,
)
NEEDS = Needs(preload=("metrics", "$libdir/metrics.so", "/opt/other.so"), locales=("C", "POSIX", "", "en_US.UTF-8"))


def unlike(needs=NEEDS, **changes):
    return differences(PRIMARY, dataclasses.replace(PRIMARY, **changes), needs)


def test_a_host_like_the_primary_s_has_no_differences():
    assert unlike() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"libraries": (*PRIMARY.libraries, "more.so")},
        {"extensions": {**PRIMARY.extensions, "more": "1"}},
        {"locales": (*PRIMARY.locales, "de_de.utf8")},
        {"open_files": 100000},
        {"open_files": None},
    ],
)
def test_more_than_the_primary_has_is_no_difference(changes):
    assert unlike(**changes) == {}


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        (
            {"gphome": "/opt/whpg"},
            "gphome",
            "its installation is in /opt/whpg, the primary's in /usr/local/greenplum-db: install it in the same place",
        ),
        ({"libraries": PRIMARY.libraries[:2]}, "preload", "it lacks metrics, $libdir/metrics.so of shared_preload_libraries"),
        ({"libraries": PRIMARY.libraries[1:]}, "libraries", "it lacks postgis-3.so of the primary's installation: install the same"),
        ({"extensions": {"postgis": "3.3.2"}}, "extensions", "its extensions are not the primary's, pgcrypto 1.3 (none there)"),
        ({"extensions": {**PRIMARY.extensions, "postgis": "3.1"}}, "extensions", "postgis 3.3.2 (3.1 there): install the same versions"),
        ({"locales": ("c.utf8",)}, "locale", "it lacks the locale en_US.UTF-8, which the primary's databases or settings use: generate"),
        ({"libc": "glibc 2.28"}, "libc", "its C library is glibc 2.28, the primary's glibc 2.34: texts may sort otherwise"),
        ({"open_files": 1024}, "limits", "are lower, open files 1024 (65536 on the primary's): raise them in /etc/security/limits.conf"),
        ({"processes": 100}, "limits", "are lower, processes 100 (no limit on the primary's)"),
    ],
)
def test_each_difference_has_its_name_and_remedy(changes, name, said):
    found = unlike(**changes)
    assert list(found) == [name]
    assert said in found[name]


def test_what_the_primary_does_not_use_is_no_difference():
    assert unlike(Needs(), locales=()) == {}
    assert list(unlike(Needs(), libraries=())) == ["libraries"]


@pytest.mark.parametrize(
    ("letters", "said"), [("abcdefgh", "a.so, b.so, c.so, d.so, e.so and 3 more"), ("abcde", "a.so, b.so, c.so, d.so, e.so"), ("a", "a.so")]
)
def test_a_long_list_is_cut_short(letters, said):
    primary = dataclasses.replace(PRIMARY, libraries=tuple(f"{letter}.so" for letter in letters))
    assert f"it lacks {said} of the primary's" in differences(primary, PRIMARY, Needs())["libraries"]


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
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    found = read_installation(host)
    assert found.gphome == str(home)
    assert found.libraries == ("libpq.so", "postgresql/metrics.so")
    assert found.extensions == {"odd": "", "postgis": "3.3.2"}
    assert found.locales == ("c", "c.utf8", "en_us.utf8")
    assert found.libc == os.confstr("CS_GNU_LIBC_VERSION")
    assert (found.open_files, found.processes) == (1024, None)
    assert differences(found, found, Needs(preload=("metrics",))) == {}


moments = st.integers(0, 10**9).map(float)
delays = st.integers(0, 1000).map(float)


def look(moment, ahead, there, back):
    """The times of a look at a host whose clock is ahead of the controller's."""
    return moment, moment + there + ahead, moment + there + back


@given(st.tuples(moments, delays, delays), st.tuples(moments, delays, delays), st.integers(-(10**6), 10**6).map(float))
def test_equal_clocks_never_differ_however_long_the_answers_took(first, second, ahead):
    one, two = (look(moment, ahead, there, back) for moment, there, back in (first, second))
    assert clock_difference(one, two) == 0.0


@given(st.tuples(moments, delays, delays), st.tuples(moments, delays, delays), st.integers(-(10**6), 10**6).map(float))
def test_a_difference_is_found_but_for_the_time_that_the_answers_took(first, second, apart):
    found = clock_difference(look(first[0], 0.0, *first[1:]), look(second[0], apart, *second[1:]))
    took = sum(first[1:]) + sum(second[1:])
    assert max(0.0, abs(apart) - took) <= found <= abs(apart)
