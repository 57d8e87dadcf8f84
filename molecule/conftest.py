# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios use to look at the hosts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import shlex
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import testinfra
import yaml
from inventories import CACHE, NET, SET, rendered

HERE = Path(__file__).parent
INVENTORY = rendered(HERE / "inventory", "demo")
FLEET = rendered(HERE / "fleet/inventory", "fleet")
ENABLE = "warehousepg.coordinator.enable_mirroring"
#: lines without colors, which molecule asks for
PLAIN = {"ANSIBLE_FORCE_COLOR": "false"}
#: a run is shown by our callback
PAIRS = {**PLAIN, "ANSIBLE_STDOUT_CALLBACK": "warehousepg.coordinator.pairs"}
RESET = str(HERE / "shared/reset.yml")
# Where a run of molecule leaves what its playbooks say, see .config/molecule/config.yml, and what was noted before.
TOLD = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
# Of connections that commands on a host share.
SOCKETS = tempfile.TemporaryDirectory(prefix="ssh-")
# Characters that an argument of a command may have, a multiple of four for base64.
PIECE = 1 << 16
# A host with no instance of the cluster demo, for its clients.
CLIENT, CLIENT_ADDRESS = "cdw2", f"{NET}.13"

# The share of the tests marked as drawn that is run, and what it is drawn by.
SHARE = float(os.environ.get("WHPG_SHARE", "1"))
SEED = os.environ.get("WHPG_SEED", str(random.randrange(10**6)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """What converge left is looked at first; of the tests marked as drawn run a share, other ones with another seed."""
    items.sort(key=lambda item: "converged" not in item.fixturenames)
    drawn = [item for item in items if item.get_closest_marker("drawn")]
    left_out = [item for item in drawn if random.Random(f"{SEED} {item.nodeid}").random() >= SHARE]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class Host:
    """A host, and any command on it as gpadmin, in the environment of one cluster."""

    def __init__(self, name: str, cluster: str = "demo"):
        self.name = name
        self.cluster = cluster
        shared = f"-o ControlPath={SOCKETS.name}/%C"
        self.host = testinfra.get_host(f"ssh://{name}", ssh_config=str(CACHE / f"ssh/{SET}.config"), ssh_extra_args=shared)

    def run(self, command: str) -> str:
        done = self.host.run("bash -c " + shlex.quote(f"export WHPG_CLUSTER={self.cluster}; . /run/whpg/profile.sh; {command}"))
        assert done.rc == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, content: str) -> None:
        """A private file of this content."""
        encoded = base64.b64encode(content.encode()).decode()
        self.run(f"umask 077; : > {shlex.quote(path)}")
        for begin in range(0, len(encoded), PIECE):
            self.run(f"base64 -d >> {shlex.quote(path)} <<< {encoded[begin : begin + PIECE]}")


class Coordinator(Host):
    """A coordinator's host: the instance's data directory, SQL in utility mode."""

    def __init__(self, name: str, directory: str, cluster: str = "demo"):
        super().__init__(name, cluster)
        self.directory = directory

    def sql(self, query: str, role: str = "utility") -> str:
        # Dispatch mode is what a plain client gets; asking for it is refused.
        options = "" if role == "dispatch" else f'PGOPTIONS="-c $WHPG_UTILITY_SETTING={role}"'
        return self.run(f"{options} psql -X -At -h /tmp -v ON_ERROR_STOP=1 -c {shlex.quote(query)}")

    @property
    def quoted(self) -> str:
        return shlex.quote(self.directory)

    def start(self) -> None:
        options = '-w -t 60 -o "-p $PGPORT -c gp_role=dispatch"'
        self.run(f"pg_ctl -D {self.quoted} -l {self.quoted}/log/startup.log {options} start > /dev/null")

    def stop(self) -> None:
        self.run(f"pg_ctl -D {self.quoted} -m fast -w stop")

    def signal(self, name: str) -> None:
        """Send a signal to the instance's processes, all of them."""
        leader = self.run(f"head -n 1 {self.quoted}/postmaster.pid")
        self.run(f"kill -{name} {leader} $(ps -o pid= --ppid {leader})")


PRIMARY = Coordinator("cdw", "/data/whpg/v7/coordinator/gpseg-1")
STANDBY = Coordinator("scdw", "/data/whpg/v7/standby/gpseg-1")


@pytest.fixture(scope="session")
def primary() -> Coordinator:
    return PRIMARY


@pytest.fixture(scope="session")
def standby() -> Coordinator:
    return STANDBY


def note(**values: Any) -> None:
    """Keep what was so before the scenario converged, for its test."""
    (TOLD / "noted.json").write_text(json.dumps(values))


@pytest.fixture(scope="session")
def noted() -> dict[str, Any]:
    return json.loads((TOLD / "noted.json").read_text())


@pytest.fixture(scope="session")
def converged() -> str:
    """What the playbook said when the scenario converged; a test that asks for it looks at what that left, before any other test."""
    runs: dict[str, str] = {}
    for line in re.split(r"^(?=[\d, :-]+ p=\d+ )", (TOLD / "ansible.log").read_text(), flags=re.MULTILINE):
        if line:
            head, _end, message = line.partition("| ")
            process = head.split(" p=")[1].split()[0]
            runs[process] = runs.get(process, "") + message
    return next(iter(runs.values()))


@pytest.fixture
def unmirrored() -> None:
    reset()


def collection_hash() -> str:
    """Changes with what makes a pair."""
    files = (path for name in ("plugins", "roles", "playbooks") for path in (HERE.parent / name).rglob("*"))
    sources = sorted(path for path in files if path.suffix in (".py", ".yml", ".j2"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def on_all(function: Callable[[str], Any]) -> dict[str, Any]:
    """What a function returns for each of the test hosts, at once."""
    hosts = list(yaml.safe_load((INVENTORY / "hosts.yml").read_text())["test_hosts"]["hosts"])
    with ThreadPoolExecutor() as pool:
        return dict(zip(hosts, pool.map(function, hosts)))


def lift() -> None:
    """Make all hosts reachable again, whatever a test did to them."""

    def reach(host: str) -> None:
        run_podman("unpause", host)
        podman("exec", host, "/run/whpg/state", "lift")

    on_all(reach)


def reset() -> None:
    """Back to clusters that never had a standby, as RESET brings them: that is asked only where more is lost than what is kept."""
    lift()
    for restore in (True, False):
        found = on_all(lambda host: Host(host).host.run("/run/whpg/cluster originals"))
        if not any(originals.rc for originals in found.values()) and "demo" in found["cdw"].stdout:
            break
        if not (restore and Host("cdw").host.run("/run/whpg/state restore demo").rc == 0):
            assert playbook(RESET).returncode == 0
            for connection in Path(SOCKETS.name).iterdir():
                connection.unlink()  # the host may be a new one
            return
    # First the standbys: until they are gone they would come back.
    on_all(lambda host: found[host].stdout or Host(host).run("/run/whpg/pristine restore"))
    on_all(lambda host: found[host].stdout and Host(host).run("/run/whpg/pristine restore"))


def mirror() -> None:
    """Bring about the pair as enable_mirroring makes it, letting in a client from CLIENT.

    It is kept once, then restored: that takes seconds, also after a failover.
    """
    lift()
    if PRIMARY.run("/run/whpg/state kept demo || true") == collection_hash():
        PRIMARY.run("/run/whpg/state restore demo")
    else:
        reset()
        PRIMARY.run(f"echo 'host all gpadmin {CLIENT_ADDRESS}/32 trust' >> {PRIMARY.directory}/pg_hba.conf")
        PRIMARY.run(f"pg_ctl -D {PRIMARY.directory} reload")
        assert playbook(ENABLE).returncode == 0
        PRIMARY.run(f"/run/whpg/state keep demo {collection_hash()}")
    PRIMARY.run("/run/whpg/state use demo")


@pytest.fixture
def mirrored() -> None:
    """A pair that the test may leave in any state."""
    mirror()


@pytest.fixture(scope="module")
def pair() -> None:
    """A pair that each test of a module leaves mirrored."""
    mirror()


@pytest.fixture
def unconnected() -> Iterator[dict[str, str]]:
    """The environment of a controller that has no connection open: one to a host that falls silent may be waited for long."""
    with tempfile.TemporaryDirectory(prefix="ssh-") as sockets:
        yield {"ANSIBLE_SSH_CONTROL_PATH_DIR": sockets}


@pytest.fixture
def inventory_of(tmp_path: Path) -> Callable[..., Path]:
    """A maker of inventories with the one cluster demo, of which hosts or variables differ."""

    def make(hosts: dict[str, dict[str, Any]] | None = None, **variables: Any) -> Path:
        """An inventory; ``name`` among a host's variables is another name for it, and None takes a variable away."""
        content = yaml.safe_load((INVENTORY / "demo.yml").read_text())
        demo = content["all"]["children"]["whpg_clusters"]["children"]["demo"]
        demo["vars"].update(variables)
        for name, changes in (hosts or {}).items():
            changed = {**demo["hosts"].pop(name), **changes}
            demo["hosts"][changed.pop("name", name)] = {key: value for key, value in changed.items() if value is not None}
        directory = tmp_path / "inventory"
        directory.mkdir(exist_ok=True)
        for file in ("hosts.yml", "connection.yml"):
            if not (directory / file).exists():
                (directory / file).symlink_to(INVENTORY / file)
        (directory / "demo.yml").write_text(yaml.safe_dump(content))
        return directory

    return make


# On each host, of a file system of its own.
MOUNT = "/mnt/whpg/gpseg-1"


@pytest.fixture
def mount(primary: Coordinator, standby: Coordinator) -> Iterator[str]:
    """A mount point on both hosts, with what a new file system has in it; nothing else is left there afterwards."""
    clear = f"chown gpadmin: {MOUNT}; chmod 755 {MOUNT}; find {MOUNT} -mindepth 1 -delete; mkdir -m 700 {MOUNT}/lost+found"
    end = (
        f"pid=$(head -n 1 {MOUNT}/postmaster.pid) && kill -KILL $pid $(ps -o pid= --ppid $pid); "
        'while [ -n "$pid" ] && kill -0 $pid; do sleep 0.1; done; '
    )
    for host in (primary, standby):
        podman("exec", host.name, "sh", "-c", clear)
    yield MOUNT
    for host in (primary, standby):
        run_podman("exec", host.name, "sh", "-c", end + clear)


def wait_until(holds, what: str, limit_s: float = 120) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        time.sleep(0.1)


def wait_in_sync(primary: Coordinator) -> None:
    wait_until(
        lambda: primary.sql("SELECT state, sync_state FROM pg_stat_replication") == "streaming|sync",
        f"{primary.cluster} is mirrored again",
    )


@contextmanager
def stopped(coordinator: Coordinator) -> Iterator[None]:
    coordinator.stop()
    try:
        yield
    finally:
        coordinator.start()


@contextmanager
def suspended(coordinator: Coordinator) -> Iterator[None]:
    """The instance's processes are stopped by a signal, as those of a host that hangs."""
    coordinator.signal("STOP")
    try:
        yield
    finally:
        coordinator.signal("CONT")


def pause(host: str) -> None:
    """Make the host silent, until it is unpaused."""

    def paused() -> bool:
        # Its cgroup cannot be frozen while a process of it waits for the disk; half frozen it would be neither paused nor running.
        done = run_podman("pause", host)
        if done.returncode:
            run_podman("unpause", host)
        return done.returncode == 0

    wait_until(paused, f"{host} is paused", limit_s=60)


@contextmanager
def unreachable(host: str) -> Iterator[None]:
    """The host is cut off."""
    pause(host)
    try:
        yield
    finally:
        podman("unpause", host)


def podman(command: str, host: str, *arguments: str) -> None:
    """A command of podman on the host's container that has to succeed."""
    done = run_podman(command, host, *arguments)
    if done.returncode:
        raise RuntimeError(f"podman {command} {SET}-{host}: {done.stderr}")


def run_podman(command: str, host: str, *arguments: str) -> subprocess.CompletedProcess:
    """A command of podman on the host's container; what is executed in it is so as root."""
    user = ["--user=root"] if command == "exec" else []
    return subprocess.run(["podman", command, *user, f"{SET}-{host}", *arguments], check=False, capture_output=True, text=True)


def inherited() -> dict[str, str]:
    """The environment of these tests without a configuration of molecule's, and without a callback of the shell's, as the demo has it set.

    What is looked for is what Ansible prints by itself.
    """
    return {name: value for name, value in os.environ.items() if name not in ("ANSIBLE_CONFIG", "ANSIBLE_STDOUT_CALLBACK")}


def ansible(*command: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a program of Ansible as an operator does: from anywhere, with no configuration of molecule's."""
    done = subprocess.run(
        command,
        cwd="/",
        env={**inherited(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done


def playbook(
    name: str, *arguments: str, inventory: Path = INVENTORY, environment: dict[str, str] | None = None, **variables: Any
) -> subprocess.CompletedProcess:
    """Run a playbook, with extra variables of any type."""
    return ansible("ansible-playbook", name, "-i", str(inventory), "-e", json.dumps(variables), *arguments, **(environment or {}))


def enable(*arguments: str, **variables: Any) -> subprocess.CompletedProcess:
    return playbook(ENABLE, *arguments, **variables)


def changes(done: subprocess.CompletedProcess) -> int:
    """How many tasks of a run changed something, counted on each host."""
    return sum(map(int, re.findall(r"changed=(\d+)", done.stdout)))


def statuses(*arguments: str, **variables: Any) -> tuple[dict[str, str], int]:
    """The verdicts that the status screens show, by cluster, and the exit code."""
    shown = playbook("warehousepg.coordinator.status", *arguments, **{"status_format": "screen", **variables})
    verdicts = re.findall(r"^Cluster (\w+): ([a-z_]+)$", shown.stdout, re.MULTILINE)
    assert len(verdicts) == len(dict(verdicts)), f"one verdict a cluster expected: {verdicts}"
    return dict(verdicts), shown.returncode


def status(*arguments: str, **variables: Any) -> tuple[str, int]:
    """The verdict that the status screen of the only cluster shows, and the exit code."""
    verdicts, code = statuses(*arguments, **variables)
    (verdict,) = verdicts.values()
    return verdict, code


def module(coordinator: Coordinator, name: str, **options: Any) -> dict[str, Any]:
    """Run one module on a coordinator's host, and return its result; None takes the data directory away."""
    given = {"data_directory": coordinator.directory, **options}
    arguments = json.dumps({name: value for name, value in given.items() if value is not None})
    done = ansible(
        *("ansible", coordinator.name, "-i", str(INVENTORY), "-m", f"warehousepg.coordinator.{name}", "-a", arguments),
        ANSIBLE_LOAD_CALLBACK_PLUGINS="1",
        ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
    )
    return json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"][coordinator.name]


def lock_elsewhere(host: Host, purpose: str) -> None:
    """A run of another controller holds the lock of a host."""
    holder = {"user": "somebody", "controller": "elsewhere", "boot": "b", "namespace": "n", "pid": 1, "started": "1"}
    host.write(f".whpg/{host.cluster}.lock", f"{json.dumps(holder)}\n{json.dumps({'since': 1, 'purpose': purpose})}\n")


def left_of_runs(*hosts: Host) -> str:
    """Locks that are left on hosts, and notes of what was begun."""
    return "".join(host.run(f"ls ~/.whpg/{host.cluster}.lock* 2> /dev/null || true") for host in hosts)


def traces(primary: Coordinator, standby: Coordinator) -> tuple[str, ...]:
    """Everything that mirroring leaves: rows, slots, roles, rules, files."""
    return (
        primary.sql("SELECT count(*) FROM gp_segment_configuration WHERE content = -1 AND role = 'm'"),
        primary.sql("SELECT count(*) FROM pg_replication_slots"),
        primary.sql("SELECT count(*) FROM pg_roles WHERE rolreplication AND NOT rolsuper"),
        primary.run(f"grep -c warehousepg.coordinator {primary.directory}/pg_hba.conf || true"),
        standby.run("ls -A /data/whpg/v7/standby"),
    )


NOTHING = ("0", "0", "0", "0", "")
