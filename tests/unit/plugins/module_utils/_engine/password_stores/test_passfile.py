# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores import passfile, registry
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from hypothesis import given
from hypothesis import strategies as st

PEER = ("cdw", 5432)
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def test_is_found_by_the_option_of_its_name():
    assert registry.store_of({"passfile": "/p", "replication_user": "r"}) == Passfile("/p", "r")
    assert registry.store_of({"passfile": None, "replication_user": "r"}) is None
    seen = Passfile("/nonexistent/pass", "r").read()
    assert registry.store_at(seen, "r") == Passfile("/nonexistent/pass", "r")
    assert seen.title == "the passfile /nonexistent/pass"


@given(text, text)
def test_passwords_survive_the_passfile(tmp_path_factory, user, password):
    path = tmp_path_factory.mktemp("home") / "pass"
    path.write_text("# mine\nhost:1:db:other:x\n" + passfile.entry(("cdw", 5432), user, password))
    assert Passfile(str(path), user).password() == ("x" if user == "other" else password)


def test_the_passfile_is_for_its_owner_alone(host, tmp_path):
    path = tmp_path / "home" / "demo.pgpass"
    store = Passfile(str(path), "r")
    store.write(host, ("cdw", 5432), "secret:\\1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    seen = store.read()
    assert seen.usable
    assert "secret" not in repr(seen)
    assert len(seen.check) == 4
    path.chmod(0o644)
    assert not store.read().usable
    store.write(host, ("cdw", 5432), None)
    assert store.read() == seen
    store.write(host, ("cdw", 5432), "other")
    assert Passfile(str(path), "r").password() == "other"


def test_a_password_of_two_lines_is_refused_and_not_told():
    with pytest.raises(CoordinatorError, match="line break") as raised:
        passfile.entry(("cdw", 5432), "r", "geheim\n2")
    assert "geheim" not in raised.value.message


def test_no_passfile():
    assert not Passfile("/nonexistent/pass", "r").read().usable
    assert Passfile("/nonexistent/pass", "r").password() is None


def libpq_gives(line, host, port, user):
    """The password that libpq takes from a line for a connection (passwordFromFile of fe-connect.c); None for none."""
    rest = line.rstrip("\r\n")
    for token in (host, port, "replication", user):
        if rest.startswith("*:"):
            rest = rest[2:]
            continue
        for letter in token:
            rest = rest[1:] if rest.startswith("\\") else rest
            if not rest or rest[0] != letter:
                return None
            rest = rest[1:]
        if not rest.startswith(":"):
            return None
        rest = rest[1:]
    return re.sub(r"\\(.)", r"\1", rest)


hosts = st.text(st.sampled_from("*:\\#.a1-"), min_size=1) | st.sampled_from(["cdw", "*", "fe80::1", "10.0.0.11", "\\*", "cdw:1:*:r:x"])


@given(hosts, hosts, hosts, st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1))
def test_a_password_is_given_to_the_server_that_it_is_for_and_to_no_other(host, other, user, password):
    try:
        line = passfile.entry((host, 5432), user, password)
    except CoordinatorError:
        assert host.startswith("#")
        return
    assert libpq_gives(line, host, "5432", user) == password
    assert libpq_gives(line, host, "5433", user) is None
    assert other == host or libpq_gives(line, other, "5432", user) is None
    assert other == user or libpq_gives(line, host, "5432", other) is None


@pytest.mark.parametrize(("host", "user"), [("cdw\n*", "r"), ("cdw", "r\r\n*:*:*:r:x"), ("#cdw", "r")])
def test_what_a_passfile_cannot_hold_is_refused(host, user):
    with pytest.raises(CoordinatorError, match="a passfile cannot hold the host"):
        passfile.entry((host, 5432), user, "secret")


def test_a_passfile_for_every_server_is_seen_and_corrected(host, tmp_path):
    path = tmp_path / "pass"
    path.write_text("*:*:*:r:kept\\:\n")
    store = Passfile(str(path), "r")
    path.chmod(0o600)
    before = store.read(("cdw", 5432))
    assert before.usable and not before.named and store.read().named
    store.write(host, ("cdw", 5432), None)
    assert path.read_text() == "cdw:5432:*:r:kept\\:\n"
    after = store.read(("cdw", 5432))
    assert after.named and after.check == before.check, "the two hosts of a pair name different servers"
    assert not store.read(("scdw", 5432)).named


@pytest.mark.parametrize("text", ["*:*:*:r:kept\n*:*:*:me:mine\n", "*:*:*:me:mine\n", ""])
def test_a_passfile_of_somebody_s_own_is_left_as_it_is(tmp_path, text):
    (tmp_path / "pass").write_text(text)
    assert Passfile(str(tmp_path / "pass"), "r").read(("cdw", 5432)).named


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (passfile.entry(PEER, "standby_replicator", "secret:1"), True),
        ("*:*:*:standby_replicator:before\\:\n", True),
        (passfile.entry(PEER, "other", "secret"), False),
        (passfile.entry(PEER, "standby_replicator", "secret") + "*:*:*:me:mine\n", False),
        ("localhost:5432:postgres:standby_replicator:secret\n", False),
        ("", False),
    ],
)
def test_only_what_this_collection_wrote_is_its_own(tmp_path, text, own):
    (tmp_path / "pass").write_text(text)
    path = str(tmp_path / "pass")
    assert Passfile(path, "standby_replicator").own_files() == ([path] if own else [])
    assert Passfile(str(tmp_path / "none"), "standby_replicator").own_files() == []


def test_a_relay_gets_the_password_by_the_socket_that_it_listens_on(host, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("cdw:5432:*:r:secret\\:\n")
    (tmp_path / "private").mkdir()
    directory = str(tmp_path / "private")
    path = Passfile(str(kept), "r").lend(host, directory, 5432).parameters()["passfile"]
    assert os.path.dirname(path) == directory and os.stat(path).st_mode & 0o777 == 0o600
    assert passfile.entries(path) == [[directory, "5432", "*", "r", "secret:"]]
