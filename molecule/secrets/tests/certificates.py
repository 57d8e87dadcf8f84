# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of the test's own, what it certifies, and where that is put."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from conftest import NET, PRIMARY, STANDBY, Coordinator
from inventories import SET

#: on both coordinators' hosts, for whichever is the standby
PLACE = "/data/tls"
TLS = {
    "sslmode": "verify-full",
    "sslrootcert": f"{PLACE}/root.crt",
    "sslcert": f"{PLACE}/client.crt",
    "sslkey": f"{PLACE}/client.key",
    "sslcrl": f"{PLACE}/root.crl",
}
HOSTS = f"DNS:cdw,DNS:scdw,IP:{NET}.11,IP:{NET}.12"

CONFIGURATION = """
[ca]
default_ca = own
[own]
new_certs_dir = .
database = index
serial = serial
crlnumber = crlnumber
certificate = root.crt
private_key = root.key
default_md = sha256
default_days = 7
default_crl_days = 7
unique_subject = no
copy_extensions = copy
policy = any
[any]
commonName = supplied
"""


class Authority:
    """One in a directory, which is made where it is not there."""

    def __init__(self, directory: Path, name: str = "authority of the test hosts"):
        self.directory = directory
        if directory.exists():
            return
        directory.mkdir(parents=True)
        (directory / "own.cnf").write_text(CONFIGURATION)
        (directory / "index").write_text("")
        for counter in ("serial", "crlnumber"):
            (directory / counter).write_text("01\n")
        self._openssl("req", "-x509", *_key("root"), "-days", "7", "-subj", f"/CN={name}", "-out", "root.crt")
        self.list_revoked()

    def certify(self, name: str, subject: str, names: str = "", begin: str = "", end: str = "") -> None:
        """A certificate and its key.

        :param names: what else its owner is called.
        :param begin: from when it is valid, as C(YYMMDDHHMMSSZ), and until when; by default from now on for a week.
        """
        more = ["-addext", f"subjectAltName={names}"] if names else []
        self._openssl("req", "-new", *_key(name), "-subj", f"/CN={subject}", *more, "-out", f"{name}.csr")
        when = ["-startdate", begin, "-enddate", end] if begin else []
        self._openssl("ca", "-batch", "-notext", "-config", "own.cnf", *when, "-in", f"{name}.csr", "-out", f"{name}.crt")

    def revoke(self, name: str, file: str = "root.crl") -> None:
        """Have a certificate on the list of those that are revoked."""
        self._openssl("ca", "-config", "own.cnf", "-revoke", f"{name}.crt")
        self.list_revoked(file)

    def list_revoked(self, file: str = "root.crl", *options: str) -> None:
        """Make the list of those that are revoked."""
        self._openssl("ca", "-config", "own.cnf", "-gencrl", *options, "-out", file)

    def text(self, name: str) -> str:
        """A file of it."""
        return (self.directory / name).read_text()

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)


def _key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def put(coordinator: Coordinator, path: str, content: str) -> None:
    """A private file of this content, which is in no argument of a program."""
    command = ["podman", "exec", "--interactive", "--user=gpadmin", f"{SET}-{coordinator.name}", "sh", "-c"]
    subprocess.run([*command, f"umask 077; cat > {shlex.quote(path)}"], input=content, check=True, text=True)


def present(coordinator: Coordinator, authority: Authority, name: str) -> None:
    """Have an instance show a certificate from now on."""
    for kind in ("crt", "key"):
        put(coordinator, f"{coordinator.directory}/server.{kind}", authority.text(f"{name}.{kind}"))
    coordinator.run(f"pg_ctl -D {coordinator.quoted} reload")


def trust(authority: Authority) -> None:
    """Have both hosts take what an authority certifies, and have the certificate of the role."""
    for coordinator in (PRIMARY, STANDBY):
        coordinator.run(f"mkdir -p {PLACE}")
        for name in ("root.crt", "root.crl", "client.crt", "client.key"):
            put(coordinator, f"{PLACE}/{name}", authority.text(name))


def encrypt(authority: Authority) -> None:
    """Have the primary take encrypted connections, and both hosts have what they need."""
    authority.certify("server", "cdw", HOSTS)
    authority.certify("client", "standby_replicator")
    trust(authority)
    put(PRIMARY, f"{PRIMARY.directory}/root.crt", authority.text("root.crt"))
    for setting in ("ssl_ca_file = 'root.crt'", "ssl = on"):
        PRIMARY.sql(f"ALTER SYSTEM SET {setting}")
    present(PRIMARY, authority, "server")
