# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients reach a coordinator by, of Debian's packages: a PgBouncer for instance."""

from __future__ import annotations

import shlex
import socket
import struct
import subprocess
from contextlib import contextmanager
from typing import Callable, Iterator

from activating import Client
from conftest import CLIENT, CLIENT_ADDRESS, HERE, Coordinator, Host, podman, run_podman, wait_until
from inventories import CACHE, SET

EXAMPLES = HERE.parent / "docs/docsite/examples"
#: of Debian's packages, with the libraries that a host may lack, where they are unpacked
PACKAGES = "/tmp/packages"
PGBOUNCER = ("pgbouncer", "libc-ares2", "libevent-2.1-7")
LIBRARIES = f"LD_LIBRARY_PATH={PACKAGES}/usr/lib/x86_64-linux-gnu:{PACKAGES}/lib/x86_64-linux-gnu"
#: what the examples are told of the PgBouncer
BOUNCER = {
    "pgbouncer_host": CLIENT,
    "pgbouncer_user": "gpadmin",
    "pgbouncer_socket": "/tmp",
    "pgbouncer_databases": "/tmp/pgbouncer/databases.ini",
}
DNSMASQ = (
    *("dnsmasq-base", "libdbus-1-3", "libgmp10", "libhogweed6", "libidn2-0", "libnetfilter-conntrack3", "libnettle8", "libnfnetlink0"),
    "libunistring2",
)
KEEPALIVED = ("keepalived", "libglib2.0-0", "libnl-3-200", "libnl-genl-3-200", "libpci3", "libsensors5", "libsnmp40")
PAUSE = {"switchover_pre_tasks": str(EXAMPLES / "pgbouncer_pause.yml")}
RESUME = {"switchover_post_tasks": str(EXAMPLES / "pgbouncer_resume.yml")}
CONSOLE = "psql -X -At -h /tmp -p 6432 -U pgbouncer -d pgbouncer -c"

INI = """
[databases]
%include /tmp/pgbouncer/databases.ini
[pgbouncer]
listen_addr = *
listen_port = 6432
unix_socket_dir = /tmp
auth_type = trust
auth_file = /tmp/pgbouncer/users
pool_mode = transaction
ignore_startup_parameters = extra_float_digits, options
logfile = /tmp/pgbouncer/log
pidfile = /tmp/pgbouncer/pid
"""


def bring(host: Host, *packages: str) -> None:
    """Unpack packages on a host, which reaches no archive of packages."""
    kept = CACHE / "packages"
    for package in packages:
        if not list(kept.glob(f"{package}_*.deb")):
            kept.mkdir(exist_ok=True)
            download = f"apt-get -qq download {package} || {{ apt-get -qq update && apt-get -qq download {package}; }}"
            subprocess.run(["sh", "-c", download], cwd=kept, check=True)
        (file,) = kept.glob(f"{package}_*.deb")
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", file], check=True, capture_output=True).stdout
        unpack = ["podman", "exec", "--interactive", "--user=gpadmin", f"{SET}-{host.name}"]
        unpack += ["sh", "-c", f"mkdir -p {PACKAGES} && tar -x --no-same-owner -C {PACKAGES}"]
        subprocess.run(unpack, check=True, input=content)


def bring_pgbouncer() -> None:
    """One that serves clients by cdw, on the host of the clients."""
    host = Host(CLIENT)
    host.run("test ! -e /tmp/pgbouncer/pid || kill -KILL $(cat /tmp/pgbouncer/pid) || true; rm -rf /tmp/pgbouncer; mkdir /tmp/pgbouncer")
    bring(host, *PGBOUNCER)
    # for the operator's tasks, who have no profile of the engine's
    script = '#!/bin/bash\n. /usr/local/greenplum-db/greenplum_path.sh\nexec $GPHOME/bin/psql "$@"\n'
    host.run(f"test -e /usr/bin/psql || printf %s {shlex.quote(script)} | sudo install -m 755 /dev/stdin /usr/local/bin/psql")
    host.write("/tmp/pgbouncer/pgbouncer.ini", INI)
    host.write("/tmp/pgbouncer/users", '"gpadmin" ""\n')
    host.write("/tmp/pgbouncer/databases.ini", "[databases]\n* = host=cdw port=5432\n")
    host.run(f"{LIBRARIES} {PACKAGES}/usr/sbin/pgbouncer --daemon /tmp/pgbouncer/pgbouncer.ini > /tmp/pgbouncer/out 2>&1 < /dev/null")
    wait_until(lambda: host.run(f"{CONSOLE} 'SHOW VERSION' 2>&1 || true").startswith("PgBouncer"), "PgBouncer answers")


def through_pgbouncer(name: str) -> Client:
    return Client(f"pgbouncer_{name}", where=f"host={CLIENT} port=6432", patience=120)


def is_paused() -> bool:
    """Whether clients wait."""
    paused = [line.split("|")[-2] for line in Host(CLIENT).run(f"{CONSOLE} 'SHOW DATABASES'").splitlines() if "postgres" in line]
    return paused == ["1"]


def check_no_error(client: Client) -> None:
    """None was seen by the client, all that was acknowledged is there, and it is served."""
    before = len(client.commits())
    wait_until(lambda: len(client.commits()) > before, "the client is served")
    client.stop()
    assert client.errors() == ""


def bring_dnsmasq() -> None:
    """A server of names, on the host of the clients."""
    host = Host(CLIENT)
    host.run("pkill -KILL -x dnsmasq || true; echo > /tmp/dnsmasq.coordinators")
    bring(host, *DNSMASQ)
    options = "--conf-file=/dev/null --port=5353 --no-resolv --no-hosts --addn-hosts=/tmp/dnsmasq.coordinators --pid-file"
    host.run(f"{LIBRARIES} {PACKAGES}/usr/sbin/dnsmasq {options} > /tmp/dnsmasq.out 2>&1 < /dev/null")


def named_in_dns(name: str) -> str:
    """The address of a name, as that server says."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(10)
        asker.sendto(struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1), (CLIENT_ADDRESS, 5353))
        answer = asker.recv(512)
    assert struct.unpack(">6H", answer[:12])[3] == 1, "it has one address"
    return socket.inet_ntoa(answer[-4:])


KEEPALIVED_CONF = """
track_file primary {{
  file /tmp/keepalived.primary
}}
vrrp_instance demo {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 100
  advert_int 1
  track_file {{
    primary weight 100
  }}
  virtual_ipaddress {{
    {address}/24
  }}
}}
"""


@contextmanager
def keepalived(address: str, primary: Coordinator, standby: Coordinator) -> Iterator[Callable[[Coordinator], None]]:
    """One on either host of the coordinators, the address on the primary's; what waits until it is on a host, and on no other."""
    program = f"{LIBRARIES} exec {PACKAGES}/usr/sbin/keepalived -P -p /run/keepalived.pid -r /run/vrrp.pid -f /tmp/keepalived.conf"

    def has(host: Coordinator) -> bool:
        return f" {address}/" in host.run("ip -o -4 address show dev eth0")

    def holds(host: Coordinator) -> None:
        wait_until(lambda: [one.name for one in (primary, standby) if has(one)] == [host.name], f"{host.name} alone has {address}")

    try:
        for host, number in ((primary, 1), (standby, 0)):
            bring(host, *KEEPALIVED)
            host.write("/tmp/keepalived.conf", KEEPALIVED_CONF.format(address=address))
            host.write("/tmp/keepalived.primary", f"{number}\n")
            podman("exec", host.name, "sh", "-c", program)
        yield holds
    finally:
        for host in (primary, standby):
            run_podman("exec", host.name, "sh", "-c", "pkill -TERM -x keepalived; rm -rf /tmp/packages /tmp/keepalived.*")
