# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that is not to be trusted is refused with the cause and the remedy; status tells of one that becomes so."""

from __future__ import annotations

import re
from typing import Any, Iterator

import pytest
import yaml
from certificates import HOSTS, PLACE, TLS, Authority, encrypt, present, put
from conftest import INVENTORY, NET, NOTHING, Coordinator, changes, enable, playbook, reset, status, traces, wait_in_sync, wait_until

STREAMS = "SELECT ssl, state, sync_state FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"
MACHINES = {"coordinator": f"{NET}.11", "standby": f"{NET}.12", "segment": f"{NET}.21"}
#: by what is wrong, what of the options is another thing, and what is said of it
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "authority": (
        {"sslrootcert": f"{PLACE}/other/root.crt", "sslcrl": f"{PLACE}/other/root.crl"},
        ("certificate verify failed", "give in sslrootcert the authority that signed it"),
    ),
    "revoked": ({"sslcrl": f"{PLACE}/other/revoked.crl"}, ("certificate revoked", "give the server one that is valid")),
    "name": ({"standby_primary_host": "cdw-ic"}, ('does not match host name "cdw-ic"', "give the server a certificate with that name")),
    "no_list": ({"sslcrl": f"{PLACE}/other/no.crl"}, (f"{PLACE}/other/no.crl, given by sslcrl, is no list", "correct it")),
    "old_list": ({"sslcrl": f"{PLACE}/other/old.crl"}, ("CRL has expired", "get a newer list from the authority")),
    "own": (
        {"sslcert": f"{PLACE}/other/own.crt", "sslkey": f"{PLACE}/other/own.key"},
        ("the server refuses the certificate of this host", "renew sslcert and sslkey"),
    ),
    "open": ({"sslkey": f"{PLACE}/other/open.key"}, ("has group or world access", "set its mode to 0600")),
}


def inventory() -> dict[str, Any]:
    """A cluster for each of them, all of which mean demo's hosts."""
    demo = yaml.safe_load((INVENTORY / "demo.yml").read_text())["all"]["children"]["whpg_clusters"]["children"]["demo"]["vars"]
    found = {}
    for name, (changed, _said) in WRONG.items():
        tls = {**TLS, **{key: value for key, value in changed.items() if key in TLS}}
        more = {key: value for key, value in changed.items() if key not in TLS}
        hosts = {f"{name}-{role}": {"ansible_host": address, "whpg_role": role} for role, address in MACHINES.items()}
        found[name] = {"vars": {**demo, "cluster_name": name, "standby_tls": tls, **more}, "hosts": hosts}
    return {"whpg_clusters": {"children": found}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certified") / "authority")


@pytest.fixture(scope="module", autouse=True)
def encrypted(authority: Authority, primary: Coordinator, standby: Coordinator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The primary takes encrypted connections, and the standby's host has what is right and what is not."""
    reset()
    encrypt(authority)
    other = Authority(tmp_path_factory.mktemp("other") / "authority", "another authority")
    other.certify("own", "standby_replicator")
    standby.run(f"mkdir -p {PLACE}/other")
    for name in ("root.crt", "root.crl", "own.crt", "own.key"):
        put(standby, f"{PLACE}/other/{name}", other.text(name))
    put(standby, f"{PLACE}/other/no.crl", "no list\n")
    put(standby, f"{PLACE}/other/open.key", authority.text("client.key"))
    standby.run(f"chmod 644 {PLACE}/other/open.key")
    authority.list_revoked("old.crl", "-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200102000000Z")
    put(standby, f"{PLACE}/other/old.crl", authority.text("old.crl"))
    authority.revoke("server", "revoked.crl")
    put(standby, f"{PLACE}/other/revoked.crl", authority.text("revoked.crl"))
    yield
    for coordinator in (primary, standby):
        coordinator.run(f"rm -rf {PLACE}")
    reset()


def test_it_is_refused_before_anything_is_changed(primary, standby, tmp_path):
    (tmp_path / "connection.yml").symlink_to(INVENTORY / "connection.yml")
    (tmp_path / "clusters.yml").write_text(yaml.safe_dump(inventory()))
    done = enable("--forks", "20", inventory=tmp_path)
    assert (done.returncode, changes(done)) == (2, 0)
    told = dict(re.findall(r"^(\w+): (.*)$", done.stdout, re.MULTILINE))
    for name, (_changed, words) in WRONG.items():
        begins = f"NOT mirrored: nothing was changed: {name}-standby: no TLS connection to {name}-coordinator by standby_tls: "
        assert told[name].startswith(begins), name
        assert all(word in told[name] for word in words), told[name]
    assert traces(primary, standby) == NOTHING


def test_a_pair_that_streams_is_left_as_it_is_and_status_tells_of_a_certificate_that_expired(primary, standby, authority):
    assert enable().returncode == 0
    wrong = {**TLS, "sslrootcert": f"{PLACE}/other/root.crt", "sslcrl": f"{PLACE}/other/root.crl"}
    refused = enable("--check", standby_tls=wrong), enable(standby_tls=wrong)
    for done in refused:
        assert done.returncode == 2
        assert "nothing was changed: scdw: no TLS connection to cdw by standby_tls: " in done.stdout
        assert "give in sslrootcert the authority that signed it" in done.stdout
    assert primary.sql(STREAMS).endswith("|streaming|sync"), "as before"

    assert enable(standby_tls=TLS).returncode == 0
    assert primary.sql(STREAMS) == "t|streaming|sync"
    assert changes(enable(standby_tls=TLS)) == 0
    authority.certify("expired", "cdw", HOSTS, "200101000000Z", "200102000000Z")
    present(primary, authority, "expired")
    primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    wait_until(lambda: "certificate verify failed" in told_by_status(), "status tells why it does not stream")
    assert status(standby_tls=TLS) == ("degraded", 2)
    done = enable(standby_tls=TLS)
    assert (done.returncode, changes(done)) == (2, 0)
    assert "certificate has expired: have its authority renew it" in done.stdout

    authority.certify("renewed", "cdw", HOSTS)
    present(primary, authority, "renewed")
    wait_in_sync(primary)
    assert status(standby_tls=TLS) == ("mirrored", 0)


def told_by_status() -> str:
    return playbook("warehousepg.coordinator.status", status_format="screen", standby_tls=TLS).stdout
