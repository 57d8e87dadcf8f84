# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test hosts as the benchmark needs them: commands, playbooks, the reset, data of a given size, memory."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Iterator

import figures
import usage
from figures import Run
from inventories import SET, rendered
from usage import Usage

HERE = Path(__file__).parent
REPO = HERE.parent.parent
DATA = "/data/whpg/v7/coordinator/gpseg-1"
DIRECTORIES = {"cdw": DATA, "scdw": "/data/whpg/v7/standby/gpseg-1"}
COORDINATORS = tuple(DIRECTORIES)
HOSTS = (*COORDINATORS, "sdw1")
ENGINE = "real" if os.environ.get("WHPG_IMAGE") else "simulated"
DEMO = rendered(REPO / "molecule/inventory", "demo")

# One row fills nearly a quarter of a page of 32 KiB, or a page of 8 KiB.
ROW_BYTES = 7680


def ssh_command(host: str, command: str) -> list[str]:
    return ["ssh", "-F", str(REPO / f".cache/ssh/{SET}.config"), host, command]


def ssh(host: str, command: str, stdin: str = "") -> str:
    done = subprocess.run(ssh_command(host, command), input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{host}: {command}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def sql(query: str, host: str = "cdw") -> str:
    return ssh(host, ". /run/whpg/profile.sh; PGOPTIONS='-c gp_role=utility' psql -X -At -h /tmp -v ON_ERROR_STOP=1", query)


def pg_ctl(host: str, command: str) -> str:
    return ssh(host, f". /run/whpg/profile.sh; pg_ctl -D {DIRECTORIES[host]} -w {command} > /dev/null")


def ansible(name: str, *arguments: str, inventory: Path = DEMO, **environment: str) -> tuple[str, Usage]:
    """Run a playbook as an operator's first of the day: no connection is open, and the home directory empty.

    Returns what it printed, and what it took.
    """
    with tempfile.TemporaryDirectory(prefix="ssh-") as home:
        own = {"ANSIBLE_SSH_CONTROL_PATH_DIR": home, "ANSIBLE_FORKS": "20", "HOME": home}
        used = Path(home, "usage")
        done = subprocess.run(
            usage.command(used, "ansible-playbook", name, "-i", str(inventory), *arguments),
            cwd="/",
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name}\n{done.stdout[-5000:]}{done.stderr}")
        return done.stdout, usage.read(used)


def reported(name: str, *arguments: str, inventory: Path = DEMO) -> tuple[dict, str, Usage]:
    """Run a playbook; returns its report, the tasks that executed something on a host as the callback noted them, and what it took."""
    with tempfile.NamedTemporaryFile("r", prefix="executions-") as noted:
        printed, used = ansible(
            name,
            *arguments,
            inventory=inventory,
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="executions",
            WHPG_BENCH_EXECUTIONS=noted.name,
        )
        return json.loads(printed[printed.index("{") :]), noted.read(), used


def playbook(name: str, *arguments: str, inventory: Path = DEMO, module: str = "") -> Run:
    """Run a playbook. Of the modules one may be named: then it is the only one whose time counts."""
    began_at = time.time()
    report, executed, used = reported(name, *arguments, inventory=inventory)
    in_modules = sum(figures.module_seconds(results, module) for results in figures.tasks(report).values())
    run = Run(used.wall_s, in_modules, *figures.executed(report, executed))
    for task in (task for play in report["plays"] for task in play["tasks"]):
        for result in task["hosts"].values():
            if any(step["name"] == "wait_streaming" for step in result.get("steps", ())):
                run.streaming_s = datetime.fromisoformat(task["task"]["duration"]["end"]).timestamp() - began_at
                run.copied_mib = (result.get("bytes_copied") or 0) >> 20
    return run


def copy(name: str, *arguments: str) -> dict[str, float]:
    """Run a playbook that copies the primary; the seconds of its copying, and the MiB that travelled."""
    done = subprocess.run(
        ["ansible-playbook", name, "-i", str(DEMO), *arguments],
        cwd="/",
        env=dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name}\n{done.stdout[-5000:]}{done.stderr}")
    report = json.loads(done.stdout[done.stdout.index("{") :])
    for result in (result for results in figures.tasks(report).values() for result in results.values()):
        for step in result.get("steps", ()):
            if step["name"] == "copy":
                return {"copy_s": step["seconds"], "copied_mib": result["bytes_copied"] >> 20}
    raise RuntimeError(f"{name} copied nothing\n{done.stdout[-5000:]}")


def floor(run: Run) -> float:
    """Seconds of a play of as many pings as a run had executions, on the same hosts."""
    ping = {"name": "Ping", "ansible.builtin.ping": {}}
    play = {"name": "Floor", "hosts": list(run.hosts), "gather_facts": False, "tasks": [ping] * run.executions}
    with tempfile.NamedTemporaryFile("w", prefix="floor-", suffix=".yml") as file:
        json.dump([play], file)
        file.flush()
        return playbook(file.name).wall_s


@contextlib.contextmanager
def collection_of(checkout: Path) -> Iterator[None]:
    """Playbooks are those of another checkout meanwhile, and all that they use of the collection."""
    before = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    with tempfile.TemporaryDirectory(prefix="collections-") as collections:
        link = Path(collections, "ansible_collections/warehousepg/coordinator")
        link.parent.mkdir(parents=True)
        link.symlink_to(checkout)
        os.environ["ANSIBLE_COLLECTIONS_PATH"] = collections
        try:
            yield
        finally:
            os.environ["ANSIBLE_COLLECTIONS_PATH"] = before


def bare() -> float:
    began = time.monotonic()
    ssh("cdw", "bash -s", (HERE / "bare.sh").read_text())
    return time.monotonic() - began


def bare_promotion() -> float:
    """The host's own seconds, not those of a connection to it."""
    return float(ssh("scdw", "bash -s", (HERE / "promote.sh").read_text()))


class Kept:
    """A mirrored pair, of which each use begins with what was kept at first, and which is reset at the end.

    ``rule`` lets clients in.
    """

    def __init__(self, rule: str = "") -> None:
        self._rule = rule

    def __enter__(self) -> Kept:
        reset()
        ssh("cdw", f"echo '{self._rule}' >> {DATA}/pg_hba.conf")
        pg_ctl("cdw", "reload")
        playbook("warehousepg.coordinator.enable_mirroring")
        ssh("cdw", "/run/whpg/state keep demo bench")
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()
        reset()

    def restore(self) -> None:
        for host in HOSTS:
            podman(host, "/run/whpg/state lift")
        ssh("cdw", "/run/whpg/state restore demo")


def podman(host: str, command: str) -> None:
    """A command as root, also on a host that is cut off."""
    subprocess.run(["podman", "exec", "--user=root", f"{SET}-{host}", "bash", "-c", command], check=True, capture_output=True)


def lose_primary(host: str = "cdw") -> None:
    ssh(host, f"leader=$(head -n 1 {DIRECTORIES[host]}/postmaster.pid); kill -KILL $leader $(ps -o pid= --ppid $leader)")


def silence_primary() -> None:
    """Its host neither takes nor refuses packets."""
    podman("cdw", "nft 'add table inet silent { chain in { type filter hook input priority -10; iifname != lo drop; }; }'")


class WithWal:
    """A mirrored pair, both of which keep so much WAL; it is reset at the end."""

    def __init__(self, gib: int) -> None:
        self._mib = gib * 1024
        self.primary, self.standby = COORDINATORS

    def __enter__(self) -> WithWal:
        reset()
        # renamed after PostgreSQL 12, and counted in segments before
        name = sql("SELECT name FROM pg_settings WHERE name IN ('wal_keep_segments', 'wal_keep_size')")
        sql(f"ALTER SYSTEM SET {name} = {self._mib // (64 if name == 'wal_keep_segments' else 1)}")
        sql("SELECT pg_reload_conf()")
        playbook("warehousepg.coordinator.enable_mirroring")
        make_table("bench_wal", self._mib)
        sql("DROP TABLE bench_wal")
        for statement in ("CHECKPOINT", "CHECKPOINT"):
            sql(statement)
        return self

    def __exit__(self, *failed: object) -> None:
        if not any(failed):
            if self.primary != COORDINATORS[0]:
                self.diverge()
                playbook("warehousepg.coordinator.rejoin")
            repair()  # numbers and timeline of the coordinators are others by now

    def diverge(self) -> None:
        """The standby becomes primary, and the former primary has commits of its own."""
        pg_ctl(self.standby, "-m fast stop")
        sql("CREATE TABLE bench_discarded AS SELECT generate_series(1, 1000) AS number", self.primary)
        lose_primary(self.primary)
        pg_ctl(self.standby, f"-l {DIRECTORIES[self.standby]}/log/startup.log restart")  # with the command line that it had
        pg_ctl(self.standby, "promote")
        self.primary, self.standby = self.standby, self.primary
        ssh(self.primary, ". /run/whpg/profile.sh; until psql -X -h /tmp -d postgres -c 'SELECT 1' > /dev/null 2>&1; do sleep 0.1; done")
        sql("CHECKPOINT", self.primary)

    def stop_standby(self) -> None:
        pg_ctl(self.standby, "-m fast stop")

    def remove_aside(self) -> None:
        ssh(self.standby, f"rm -rf {DIRECTORIES[self.standby]}.*")


def settle(seconds: float = 4) -> None:
    """What follows does not pay for what came before: that is on the disk, and the machine has been idle for a moment."""
    for host in COORDINATORS:
        ssh(host, "sync")
    time.sleep(seconds)


def repair() -> None:
    """A cluster without a standby, whatever was there before."""
    playbook(str(REPO / "molecule/shared/reset.yml"))


def reset() -> None:
    """No standby, and no trace of one. The primary comes last: until then its standby would come back."""
    for host in ("scdw", "sdw1", "cdw"):
        ssh(host, "/run/whpg/pristine restore")


def fill(size: str) -> int:
    """Give the coordinator's data directory a size; returns what it then holds besides WAL, in MiB.

    :param size: ``small``, gigabytes in one table, such as ``2g``, or ``files``: thousands of small ones.
    """
    sql("DROP TABLE IF EXISTS bench_filler")
    for schema in sql("SELECT nspname FROM pg_namespace WHERE nspname ~ '^bench_files_'").split():
        sql(f"DROP SCHEMA {schema} CASCADE")
    if size == "files":
        make_files()
    elif size != "small":
        make_table("bench_filler", int(size.removesuffix("g")) * 1024)
    for statement in ("CHECKPOINT", "CHECKPOINT"):  # the second one recycles WAL that the first still needed
        sql(statement)
    return int(ssh("cdw", f"du -sm --exclude=pg_wal {DATA}").split()[0])


def make_table(name: str, mib: int) -> None:
    """A table of this size, and as much WAL."""
    sql(f"CREATE TABLE {name} (content text)")
    sql(f"ALTER TABLE {name} ALTER content SET STORAGE PLAIN")
    sql(f"INSERT INTO {name} SELECT repeat(md5(n::text), {ROW_BYTES // 32}) FROM generate_series(1, {mib * 2**20 // ROW_BYTES}) n")


def make_files() -> None:
    """4000 tables of a row each, every hundred in a schema: no transaction has more locks than it may have."""
    for number in range(40):
        create = f"EXECUTE format('CREATE TABLE bench_files_%s.t%s AS SELECT 1 AS n', {number}, n)"
        sql(f"CREATE SCHEMA bench_files_{number}; DO $$ BEGIN FOR n IN 1..100 LOOP {create}; END LOOP; END $$")


@contextlib.contextmanager
def link(mbit: int | None) -> Iterator[None]:
    """What leaves the primary's host does so at a rate, in Mbit/s; None: as it can."""
    if mbit is None:
        yield
        return
    asked = ["podman", "inspect", "--format", "{{.State.Pid}}", f"{SET}-cdw"]
    first = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    shaped = ["nsenter", "--net", "--target", first, "tc", "qdisc"]
    shape = ["root", "tbf", "rate", f"{mbit}mbit", "burst", "256k", "latency", "300ms"]
    subprocess.run([*shaped, "add", "dev", "eth0", *shape], check=True)
    try:
        yield
    finally:
        subprocess.run([*shaped, "del", "dev", "eth0", "root"], check=True)


@contextlib.contextmanager
def watch_memory() -> Iterator[dict[str, float]]:
    """Afterwards the dictionary holds, by host, the peak of the largest module process in MiB."""
    peaks: dict[str, float] = {}
    source = (HERE / "rss.py").read_text()
    watchers = {}
    for host in COORDINATORS:
        ssh(host, "cat > /tmp/rss.py", source)
        watchers[host] = subprocess.Popen(
            ssh_command(host, "python3 /tmp/rss.py"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    try:
        yield peaks
    finally:
        for host, watcher in watchers.items():
            peaks[host] = float(watcher.communicate()[0])
