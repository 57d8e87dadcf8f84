# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.options import DIFFERENCES, problems

from .wishes import ARGUMENTS, OPTIONS, WANTED

CERTIFICATE = {"sslmode": "verify-full", "sslrootcert": "/ca.crt", "sslcert": "/s.crt", "sslkey": "/s.key"}


def test_the_defaults_of_the_role_are_right():
    assert problems(OPTIONS) == []


def test_these_are_the_options_that_the_role_gives():
    assert set(OPTIONS) == set(WANTED)


def test_the_role_documents_what_can_be_accepted():
    assert tuple(ARGUMENTS["standby_accept"]["choices"]) == DIFFERENCES


@pytest.mark.parametrize(
    "changes",
    [
        {"slot_name": "a" * 63},
        {"replication_user": "ü" * 31},
        {"timeout": "0.5"},
        {"commit_timeout": "10"},
        {"commit_timeout": 1.0},
        {"port": "5433"},
        {"port": 1, "replication_user": "r"},
        {"port": 65535},
        {"retention_limit": "20GB"},
        {"max_rate": "32"},
        {"max_rate": "32k"},
        {"max_rate": "1024M"},
        {"addresses": ["10.0.0.12", "10.0.0.0/24", "fd00::/64"]},
        {"hostname": "scdw-1.example.org", "address": "fd00::12", "primary_host": "cdw_ic"},
        {"connection": {"connect_timeout": 5}},
        {"tls": {"sslmode": "require"}},
        {"tls": CERTIFICATE, "clientcert": "verify-full"},
        {"tls": CERTIFICATE, "replication_auth": "cert"},
        {"accept": list(DIFFERENCES)},
        {"tablespace_mapping": {"/fast": "/slow"}},
    ],
)
def test_takes_what_is_right(changes):
    assert problems({**OPTIONS, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slot_name": "Standby"}, "slot_name is 'Standby': give up to 63 lower-case letters, digits and underscores"),
        ({"slot_name": ""}, "slot_name is '': give up to 63"),
        ({"slot_name": "a" * 64}, f"slot_name is '{'a' * 64}': give up to 63"),
        ({"slot_name": "internal_wal_replication_slot"}, "slot_name is 'internal_wal_replication_slot', a slot that the engine drops"),
        ({"replication_user": "pg_standby"}, "replication_user is 'pg_standby': give the name of a role, up to 63 bytes, that does not"),
        ({"replication_user": ""}, "replication_user is '': give the name of a role"),
        ({"replication_user": "ü" * 32}, f"replication_user is '{'ü' * 32}': give the name of a role"),
        ({"replication_user": "a\nb"}, "replication_user is 'a\\nb': give the name of a role"),
        ({"replication_user": "gpadmin"}, "replication_user is 'gpadmin', the engine's own superuser: choose a role of its own"),
        ({"timeout": 0}, "timeout is 0: give seconds above zero"),
        ({"timeout": "soon"}, "timeout is 'soon': give seconds above zero"),
        ({"timeout": float("inf")}, "timeout is inf: give seconds"),
        ({"timeout": None}, "timeout is None: give seconds above zero"),
        ({"commit_timeout": 0}, "commit_timeout is 0: give whole seconds, 1 or more"),
        ({"commit_timeout": 1.5}, "commit_timeout is 1.5: give whole seconds, 1 or more"),
        ({"commit_timeout": "10s"}, "commit_timeout is '10s': give whole seconds, 1 or more"),
        ({"commit_timeout": float("inf")}, "commit_timeout is inf: give whole seconds, 1 or more"),
        ({"port": 0}, "port is 0: give a port, 1 to 65535"),
        ({"port": 65536}, "port is 65536: give a port, 1 to 65535"),
        ({"port": "http"}, "port is 'http': give a port, 1 to 65535"),
        ({"port": "5432.5"}, "port is '5432.5': give a port, 1 to 65535"),
        ({"retention_limit": "20 GiB"}, "retention_limit: '20 GiB' is no size of 1 MB or more: give a number with kB, MB, GB or TB"),
        ({"retention_limit": 0}, "retention_limit: 0 is no size"),
        ({"max_rate": "31k"}, "max_rate is '31k': give 32k to 1024M, kilobytes or megabytes a second"),
        ({"max_rate": "1025M"}, "max_rate is '1025M': give 32k to 1024M"),
        ({"max_rate": "1G"}, "max_rate is '1G': give 32k to 1024M"),
        ({"max_rate": ""}, "max_rate is '': give 32k to 1024M"),
        ({"addresses": ["scdw"]}, "addresses has 'scdw', which is no address: give IPv4 or IPv6 addresses, with or without the length"),
        ({"addresses": ["10.0.0.1/33"]}, "addresses has '10.0.0.1/33', which is no address"),
        ({"hostname": "s cdw"}, "hostname is 's cdw': give the name or address of a host"),
        ({"address": ""}, "address is '': give the name or address of a host"),
        ({"primary_host": "cdw;"}, "primary_host is 'cdw;': give the name or address of a host"),
        ({"connection": {"host": "cdw"}}, "connection has 'host': there can be connect_timeout, gssencmode, keepalives,"),
        ({"connection": {"sslmode": "require"}}, "connection has 'sslmode': give it in standby_tls"),
        ({"connection": {"options": "-c a=b"}}, "connection has 'options': there can be"),
        ({"tls": {**CERTIFICATE, "keepalives": 1}}, "tls has 'keepalives': there can be sslcert,"),
        ({"tls": {"sslmode": "prefer"}}, "tls has sslmode 'prefer': give one of require, verify-ca, verify-full"),
        ({"tls": {"sslrootcert": "/ca.crt"}}, "tls has sslmode None: give one of require, verify-ca, verify-full"),
        ({"tls": {"sslmode": "verify-ca"}}, "tls has sslmode 'verify-ca' without sslrootcert: give the certificate of the authority"),
        ({"clientcert": "verify-ca"}, "clientcert is 'verify-ca', and standby_tls has no sslcert and sslkey: give the files"),
        ({"replication_auth": "cert"}, "replication_auth is 'cert', and standby_tls has no sslcert and sslkey: give the files"),
        (
            {"replication_auth": "cert", "tls": {**CERTIFICATE, "sslkey": ""}},
            "replication_auth is 'cert', and standby_tls has no sslcert and sslkey",
        ),
        ({"tls": {**CERTIFICATE, "sslkey": "~/s.key"}}, "tls has sslkey '~/s.key': give an absolute path, the engine knows no home"),
        ({"accept": ["libc", "luck"]}, "accept has 'luck': there can be gphome, preload, libraries,"),
        ({"tablespace_mapping": {"fast": "/slow"}}, "tablespace_mapping has 'fast': give absolute paths"),
        ({"tablespace_mapping": {"/fast": "slow"}}, "tablespace_mapping has 'slow': give absolute paths"),
    ],
)
def test_each_mistake_is_told_with_value_and_remedy(changes, said):
    (found,) = problems({**OPTIONS, **changes})
    assert found.startswith(f"standby_{said}")


def test_all_mistakes_are_told_at_once():
    assert len(problems({**OPTIONS, "slot_name": "", "port": 0, "tls": {"sslmode": "verify-ca", "sslcert": "s.crt"}})) == 4
