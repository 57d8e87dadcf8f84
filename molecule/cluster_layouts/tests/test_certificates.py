# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby and its primary that prove to each other who they are by certificates."""

from __future__ import annotations

import subprocess

import pytest
from conftest import NET, NOTHING, changes, enable, reset, status, traces

PLACE = "/data/layouts/tls"
STREAMS = "SELECT state, sync_state FROM pg_stat_replication"
CERTIFIED = "SELECT ssl, client_dn FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Files by name: of an authority, of the primary's host, of the role that the standby connects as."""
    directory = tmp_path_factory.mktemp("certificates")

    def certify(name, subject, *options):
        request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7"]
        openssl(*request, "-subj", f"/CN={subject}", "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.crt", *options)

    signed = ["-CA", f"{directory}/root.crt", "-CAkey", f"{directory}/root.key", "-addext", "basicConstraints=critical,CA:FALSE"]
    certify("root", "authority of the test hosts")
    certify("server", "cdw", *signed, "-addext", f"subjectAltName=DNS:cdw,DNS:cdw-ic,IP:{NET}.11")
    certify("client", "standby_replicator", *signed)
    return {path.name: path.read_text() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def encrypted(primary, standby, certificates):
    """The primary takes encrypted connections, and both coordinators have the certificates that they need."""
    reset()
    for name in ("root.crt", "server.crt", "server.key"):
        primary.write(f"{primary.directory}/{name}", certificates[name])
    for setting in ("ssl_ca_file = 'root.crt'", "ssl = on"):
        primary.sql(f"ALTER SYSTEM SET {setting}")
    primary.run(f"pg_ctl -D {primary.directory} reload")
    for coordinator in (primary, standby):
        coordinator.run(f"mkdir -p {PLACE}")
        for name in ("root.crt", "client.crt", "client.key"):
            coordinator.write(f"{PLACE}/{name}", certificates[name])
    yield
    primary.run(f"rm -f {primary.directory}/{{root.crt,server.crt,server.key}}")


def rules_for_replication(primary) -> set[str]:
    lines = primary.run(f"sed -n '/^# BEGIN/,/^# END/p' {primary.directory}/pg_hba.conf").splitlines()
    fields = [line.replace('"', "").split() for line in lines if "\treplication\t" in line or " replication " in line]
    return {" ".join([*rule[:3], *rule[4:]]) for rule in fields}


@pytest.mark.usefixtures("encrypted")
def test_a_certificate_that_is_missing_is_said_before_anything_is_changed(primary, standby):
    missing = {"sslmode": "verify-full", "sslrootcert": f"{PLACE}/root.crt", "sslcert": f"{PLACE}/no.crt", "sslkey": f"{PLACE}/client.key"}
    done = enable(standby_tls=missing, standby_clientcert="verify-full")
    assert done.returncode == 2
    assert f"{PLACE}/no.crt" in done.stdout
    assert "NOT mirrored" in done.stdout
    assert traces(primary, standby) == NOTHING


@pytest.mark.usefixtures("encrypted")
def test_certificates_beside_and_instead_of_the_password(primary):
    tls = {
        "sslmode": "verify-full",
        "sslrootcert": f"{PLACE}/root.crt",
        "sslcert": f"{PLACE}/client.crt",
        "sslkey": f"{PLACE}/client.key",
    }
    beside = {"standby_tls": tls, "standby_clientcert": "verify-full"}
    assert enable(**beside).returncode == 0
    assert primary.sql(STREAMS) == "streaming|sync"
    assert primary.sql(CERTIFIED) == "t|/CN=standby_replicator"
    assert rules_for_replication(primary) == {"hostssl replication standby_replicator scram-sha-256 clientcert=verify-full"}
    again = enable(**beside)
    assert (again.returncode, changes(again)) == (0, 0)

    instead = {"standby_tls": tls, "standby_replication_auth": "cert"}
    assert enable(**instead).returncode == 0
    assert primary.sql(CERTIFIED) == "t|/CN=standby_replicator"
    (rule,) = rules_for_replication(primary)
    assert rule.startswith("hostssl replication standby_replicator cert")
    again = enable(**instead)
    assert (again.returncode, changes(again)) == (0, 0)
    assert status() == ("mirrored", 0)
