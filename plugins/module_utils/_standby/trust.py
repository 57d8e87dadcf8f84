# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether the two ends of an encrypted connection trust each other, tried before anything depends on it.

Whether they do is for the engine's own libpq to say; of a certificate that is not to be trusted it says no more than that, and Python why.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import conninfo

#: what asks a server for TLS: length and code of the packet (pqcomm.h)
TLS_REQUEST = struct.pack("!II", 8, 80877103)

#: seconds for the server to answer
_TIMEOUT = 5

#: what libpq says where TLS is not to be had, and what helps (fe-secure-openssl.c, fe-secure-common.c, fe-connect.c); the first one counts
_REMEDIES = (
    (r"certificate verify failed", ""),  # why is for Python to say
    (
        r"does not match host name|get server's host name from server certificate",
        "give the server a certificate with that name as a DNS name, or in standby_primary_host a name that it has",
    ),
    (r"server does not support SSL", "set ssl=on there, with a certificate"),
    (
        r"alert (?:unknown ca|certificate expired|certificate revoked|bad certificate|certificate unknown|certificate required)",
        "the server refuses the certificate of this host: renew sslcert and sslkey here, or have ssl_ca_file there name its authority",
    ),
    (r"group or world access", "set its mode to 0600"),
    (r"root certificate file|certificate file|private key|certificate present|SSL certificate", "correct that file"),
    (r"SSL error|SSL SYSCALL error|SSL negotiation", "see what the server's log says of it"),
)

#: by OpenSSL's code of why a certificate is not to be trusted (x509_vfy.h), what helps
_CERTIFICATE_REMEDIES = {
    3: "give in sslcrl a list of the authority that signed it",
    9: "set the clocks right, or wait until it is valid",
    10: "have its authority renew it, put it in its place, and reload the server",
    12: "get a newer list from the authority, and put it where sslcrl says",
    18: "give that certificate in sslrootcert if it is the right one",
    19: "give in sslrootcert the authority that signed it",
    20: "give in sslrootcert the authority that signed it",
    21: "give in sslrootcert the authority that signed it",
    23: "give the server one that is valid, and find out why the other one was revoked",
}


def distrust(host: Host, parameters: t.Mapping[str, str]) -> str:
    """Why a server cannot be connected to by TLS, and what helps; empty where it can, or where it does not answer.

    :param parameters: of libpq, by which it is connected to. No password is given, so that none goes to a server that is not to be trusted.
    """
    unread = _why_unread(parameters.get("sslcrl"))
    if unread:
        return unread
    tried = {**parameters, "dbname": "postgres", "passfile": "/dev/null"}
    tried.setdefault("connect_timeout", str(_TIMEOUT))
    try:
        host.run("psql", "--no-psqlrc", "--no-password", "--dbname", conninfo(tried), "--command", "")
    except CoordinatorError as error:
        return explain(error.message, lambda: _verify(parameters))
    return ""


def explain(said: str, verify: t.Callable[[], tuple[int, str]]) -> str:
    """Why there is no TLS, and what helps, by what libpq said; empty where that is about something else.

    :param verify: OpenSSL's code, and its words, for why a certificate is not to be trusted; 0 where that is not known.
    """
    for pattern, remedy in _REMEDIES:
        line = next((line.strip() for line in said.splitlines() if re.search(pattern, line)), "")
        if line:
            why = re.sub(r"^.*?(?:could not connect to server|connection to server at .*? failed): ", "", line)
            if not remedy:
                code, words = verify()
                why += f", {words}" if words else ""
                remedy = _CERTIFICATE_REMEDIES.get(code, "give the server a certificate that sslrootcert proves")
            return "".join(letter if letter.isprintable() else "?" for letter in f"{why}: {remedy}")
    return ""


def _why_unread(path: str | None) -> str:
    """What is wrong with a list of revoked certificates, which libpq passes over where it cannot read it; empty where nothing is."""
    if not path or not os.path.exists(path):
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        return f"{path}, given by sslcrl, is no list of revoked certificates ({error}): correct it, the engine would pass over it"
    return ""


def _verify(parameters: t.Mapping[str, str]) -> tuple[int, str]:
    """What OpenSSL has against a server's certificate, whatever names are in it; 0 and nothing where that was not found out."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.load_verify_locations(parameters.get("sslrootcert"))
        if parameters.get("sslcrl"):
            context.load_verify_locations(parameters["sslcrl"])
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        if parameters.get("sslcert"):
            context.load_cert_chain(parameters["sslcert"], parameters.get("sslkey"))
        address = parameters.get("hostaddr") or parameters["host"], int(parameters["port"])
        with socket.create_connection(address, _TIMEOUT) as raw:
            raw.sendall(TLS_REQUEST)
            if raw.recv(1) == b"S":
                context.wrap_socket(raw).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
    except (OSError, ssl.SSLError, KeyError, TypeError, ValueError):
        pass
    return 0, ""
