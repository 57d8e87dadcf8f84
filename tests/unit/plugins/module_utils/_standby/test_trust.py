# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why there is no TLS connection is told with what helps; what is about something else is no reason."""

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import trust

FAILED = "psql failed with exit code 2: psql: error: could not connect to server: "
LATER = 'psql failed with exit code 2: psql: error: connection to server at "cdw" (10.0.0.11), port 5432 failed: '
SERVER = {"host": "cdw", "hostaddr": "10.0.0.11", "port": "5432", "user": "standby_replicator", "sslmode": "verify-full"}


@pytest.mark.parametrize(
    ("said", "verified", "told"),
    [
        (
            "SSL error: certificate verify failed",
            (10, "certificate has expired"),
            "SSL error: certificate verify failed, certificate has expired: have its authority renew it",
        ),
        ("SSL error: certificate verify failed", (23, "certificate revoked"), "certificate revoked: give the server one that is valid"),
        ("SSL error: certificate verify failed", (20, "unable to get local issuer certificate"), "give in sslrootcert the authority"),
        ("SSL error: certificate verify failed", (0, ""), "failed: give the server a certificate that sslrootcert proves"),
        (
            'server certificate for "cdw" does not match host name "cdw-ic"',
            None,
            'server certificate for "cdw" does not match host name "cdw-ic": give the server a certificate with that name as a DNS name',
        ),
        ("server does not support SSL, but SSL was required", None, "but SSL was required: set ssl=on there"),
        ("SSL error: tlsv1 alert unknown ca", None, "the server refuses the certificate of this host: renew sslcert and sslkey"),
        ("SSL error: sslv3 alert certificate expired", None, "the server refuses the certificate of this host"),
        ('private key file "/s.key" has group or world access; permissions should be u=rw', None, "set its mode to 0600"),
        ('root certificate file "/ca.crt" does not exist', None, '"/ca.crt" does not exist: correct that file'),
        ("SSL SYSCALL error: EOF detected", None, "EOF detected: see what the server's log says of it"),
    ],
)
@pytest.mark.parametrize("before", [FAILED, LATER])
def test_it_is_told_what_is_wrong_and_what_helps(before, said, verified, told):
    found = trust.explain(before + said, lambda: verified)
    assert told in found and found.startswith(said.split(";")[0])


@pytest.mark.parametrize(
    "said",
    [
        'FATAL:  no pg_hba.conf entry for host "10.0.0.12", user "standby_replicator", database "postgres", SSL on',
        "FATAL:  the database system is in recovery mode",
        "fe_sendauth: no password supplied",
        "Connection refused\n\tIs the server running on host",
        "timeout expired",
    ],
)
def test_what_is_about_something_else_is_no_reason(said):
    assert trust.explain(FAILED + said, lambda: pytest.fail("nothing was wrong with a certificate")) == ""


def test_names_in_a_certificate_have_no_effect():
    said = trust.explain(FAILED + 'server certificate for "\x1b[2J" does not match host name "cdw"', lambda: (0, ""))
    assert said.isprintable() and '"?[2J"' in said


class Told:
    """A host that keeps what it is to run, and fails."""

    def __init__(self, message=""):
        self.message = message
        self.ran = ()

    def run(self, *command):
        self.ran = command
        if self.message:
            raise CoordinatorError(self.message)
        return ""


def test_no_password_is_given_to_a_server_that_is_only_tried():
    host = Told()
    assert trust.distrust(host, SERVER) == ""
    assert "--no-password" in host.ran and "passfile=/dev/null" in host.ran[host.ran.index("--dbname") + 1]


def test_a_certificate_that_nobody_shows_any_more_is_told_as_libpq_does(tmp_path):
    host = Told(FAILED + "SSL error: certificate verify failed")
    for more in ({}, {"sslrootcert": str(tmp_path / "nothing")}, {"hostaddr": "127.0.0.1", "port": "9"}):
        assert trust.distrust(host, {**SERVER, **more}).startswith("SSL error: certificate verify failed: give the server")


def test_a_list_that_libpq_would_pass_over_is_told(tmp_path):
    path = tmp_path / "root.crl"
    path.write_text("no list\n")
    host = Told()
    assert trust.distrust(host, {**SERVER, "sslcrl": str(path)}).startswith(f"{path}, given by sslcrl, is no list of revoked certificates")
    assert host.ran == ()
