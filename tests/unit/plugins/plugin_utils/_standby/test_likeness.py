# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import Installation, Needs
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight import checks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.likeness import clock_difference
from hypothesis import given
from hypothesis import strategies as st

from ..observed import MIRRORED, seen

CDW, SCDW, _SDW1 = seen(MIRRORED).values()

PRIMARY = Installation(
    gphome="/usr/local/greenplum-db",
    libraries=("postgis-3.so", "postgresql/gp_inject_fault.so", "postgresql/metrics.so"),
    extensions={"postgis": "3.3.2", "pgcrypto": "1.3"},
    locales=("c.utf8", "en_us.utf8"),
    libc="glibc 2.34",
    open_files=65536,
    processes=None,
    shared_memory=8 << 30,
)
NEEDS = Needs(preload=("metrics", "$libdir/metrics.so", "/opt/other.so"), locales=("C", "POSIX", "", "en_US.UTF-8"), shared_memory="posix")


def differences(primary, standby, needs):
    """By name of the check, what is told of a standby's host that offers that."""
    cdw, scdw = (dataclasses.replace(one, installation=offered) for one, offered in ((CDW, primary), (SCDW, standby)))
    return checks.unlike(
        Case(
            primary_host="cdw",
            primary=dataclasses.replace(cdw, primary=dataclasses.replace(CDW.primary, needs=needs)),
            host="scdw",
            standby=scdw,
        )
    )


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
        {"shared_memory": 1 << 30},  # less, and enough
        {"shared_memory": 950 << 20},  # half of memories that are nearly alike
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
        (
            {"shared_memory": 64 << 20},
            "shared_memory",
            "its /dev/shm has 64 MiB, the primary's has 8192 MiB, and dynamic_shared_memory_type",
        ),
        (
            {"shared_memory": 0},
            "shared_memory",
            "its /dev/shm is missing, or not writable for the engine's user, the primary's has",
        ),
        ({"processes": 100}, "limits", "are lower, processes 100 (no limit on the primary's)"),
    ],
)
def test_each_difference_has_its_name_and_remedy(changes, name, said):
    found = unlike(**changes)
    assert list(found) == [name]
    assert said in found[name]


def test_what_the_primary_does_not_use_is_no_difference():
    assert unlike(Needs(), locales=(), shared_memory=0) == {}
    assert unlike(Needs(shared_memory="mmap"), shared_memory=0) == {}
    assert list(unlike(Needs(), libraries=())) == ["libraries"]


def test_a_host_that_has_as_little_as_the_primary_s_is_like_it():
    small = dataclasses.replace(PRIMARY, shared_memory=64 << 20)
    assert differences(small, small, NEEDS) == {}


@pytest.mark.parametrize(
    ("letters", "said"), [("abcdefgh", "a.so, b.so, c.so, d.so, e.so and 3 more"), ("abcde", "a.so, b.so, c.so, d.so, e.so"), ("a", "a.so")]
)
def test_a_long_list_is_cut_short(letters, said):
    primary = dataclasses.replace(PRIMARY, libraries=tuple(f"{letter}.so" for letter in letters))
    assert f"it lacks {said} of the primary's" in differences(primary, PRIMARY, Needs())["libraries"]


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
