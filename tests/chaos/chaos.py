# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks while something fails, each at a step, and sees that the pair is whole again and nothing acknowledged was lost.

CHAOS_SEED chooses the cells, CHAOS_CELLS says how many; ``results/`` gets what became of them, as JSON and as a table.
"""

from __future__ import annotations

import contextlib
import dataclasses
import html
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t
from pathlib import Path

from activating import CLIENT, PARTS, Client, parted
from cells import FAULTS, PREFIX, STEPS, Cell, chosen
from conftest import (
    CLIENT_ADDRESS,
    INVENTORY,
    NET,
    PRIMARY,
    STANDBY,
    Coordinator,
    Host,
    left_of_runs,
    lift,
    mirror,
    pause,
    playbook,
    podman,
    reset,
    run_podman,
    status,
)
from history import History, Stated, Write, problems

HERE = Path(__file__).parent
RESULTS = HERE / "results"
COORDINATORS = {"cdw": PRIMARY, "scdw": STANDBY}
CONTROLLER, ADDRESSES = f"{NET}.1", {"cdw": f"{NET}.11", "scdw": f"{NET}.12"}
OBSERVED = "/tmp/observer"

#: seconds: how long a host stays silent; how long a module is looked for that is to be killed; how long a run may take
SILENCE, SOUGHT, LIMIT = 15, 10, 240

#: playbooks that are run again at most, and that an operator runs after them, until the pair is whole
ATTEMPTS = 6


class Observer(Host):
    """The program that asks both coordinators, on a host outside of the pair."""

    def __init__(self) -> None:
        super().__init__(CLIENT)

    def __enter__(self) -> Observer:
        for host in COORDINATORS:
            PRIMARY.sql(f"CREATE TABLE observed_on_{host} (number bigint)", role="dispatch")
        self.run(f"rm -rf {OBSERVED}; mkdir {OBSERVED}")
        self.write(f"{OBSERVED}/observer.py", (HERE / "observer.py").read_text())
        begin = f"nohup setsid python3 observer.py {OBSERVED} {' '.join(COORDINATORS)} > log 2>&1 < /dev/null & echo $! > pid"
        self.run(f"cd {OBSERVED}; {begin}")
        return self

    def __exit__(self, *_: object) -> None:
        self.run(f"kill -- -$(cat {OBSERVED}/pid) 2> /dev/null || true")

    def writes(self) -> list[Write]:
        found = []
        for host in COORDINATORS:
            for line in self.run(f"cat {OBSERVED}/{host} 2> /dev/null || true").splitlines():
                number, begun, returned, timeline = line.split()
                told = (float(returned), host, int(timeline)) if timeline != "-" else ()
                found.append(Write(f"observer on {host}", int(number), float(begun), *told))
        return found


class Run:
    """A playbook that stops at a task until it may go on."""

    def __init__(self, cell: Cell, home: Path):
        self._files = {"reached": home / "reached", "go": home / "go"}
        for file in self._files.values():
            os.mkfifo(file)
        environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
        environment.update(
            HOME=str(home),
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="at_task",
            ANSIBLE_FORCE_COLOR="false",
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(home / "ssh"),
            WHPG_CHAOS_TASK=cell.step,
            WHPG_CHAOS_REACHED=str(self._files["reached"]),
            WHPG_CHAOS_GO=str(self._files["go"]),
        )
        self._output = (home / "output").open("w+")
        self._process = subprocess.Popen(
            ["ansible-playbook", PREFIX + cell.playbook, "-i", str(INVENTORY)],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def comes(self) -> bool:
        """Whether it comes to the task; False where it ends before."""
        pipe = os.open(self._files["reached"], os.O_RDONLY | os.O_NONBLOCK)
        try:
            deadline = time.monotonic() + LIMIT
            while time.monotonic() < deadline:
                with contextlib.suppress(BlockingIOError):
                    if os.read(pipe, 10):
                        return True
                if self._process.poll() is not None:
                    return False
                time.sleep(0.05)
            return False
        finally:
            os.close(pipe)

    def goes_on(self) -> None:
        with contextlib.suppress(OSError), open(os.open(self._files["go"], os.O_WRONLY | os.O_NONBLOCK), "w") as go:
            go.write("go\n")

    def lives(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """The controller is gone, with all processes of the run."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ends(self) -> tuple[int, str]:
        """Its exit code, and what it said last."""
        try:
            code = self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -9
        self._output.seek(0)
        lines = [line.strip() for line in self._output if line.startswith("demo: ")]
        return code, lines[-1] if lines else ""


# Faults: each begins while the run waits at the task, and ends when it is told to.


@contextlib.contextmanager
def _controller_killed(_cell: Cell, run: Run) -> t.Iterator[None]:
    run.kill()
    yield


@contextlib.contextmanager
def _module_killed(cell: Cell, run: Run) -> t.Iterator[None]:
    run.goes_on()
    deadline = time.monotonic() + SOUGHT
    while time.monotonic() < deadline and run.lives():
        if run_podman("exec", cell.host, "pkill", "-KILL", "-f", "[A]nsiballZ_").returncode == 0:
            break
    yield


@contextlib.contextmanager
def _ssh_cut(cell: Cell, _run: Run) -> t.Iterator[None]:
    with parted(cell.host, CONTROLLER):
        yield


@contextlib.contextmanager
def _postmaster_killed(cell: Cell, _run: Run) -> t.Iterator[None]:
    file = f"{COORDINATORS[cell.host].directory}/postmaster.pid"
    run_podman("exec", cell.host, "sh", "-c", f"kill -KILL $(head -n 1 {file})")
    yield


@contextlib.contextmanager
def _host_paused(cell: Cell, _run: Run) -> t.Iterator[None]:
    pause(cell.host)
    try:
        yield
    finally:
        podman("unpause", cell.host)


@contextlib.contextmanager
def _packets_dropped(cell: Cell, _run: Run) -> t.Iterator[None]:
    rule = "add table inet cut_off { chain in { type filter hook input priority -10; iifname != lo drop; }; }"
    podman("exec", cell.host, "nft", rule)
    try:
        yield
    finally:
        podman("exec", cell.host, "nft", "delete table inet cut_off")


@contextlib.contextmanager
def _link_cut(cell: Cell, _run: Run) -> t.Iterator[None]:
    (other,) = ADDRESSES.keys() - {cell.host}
    with parted(cell.host, ADDRESSES[other]):
        yield


MAKERS: dict[str, t.Callable[[Cell, Run], t.ContextManager[None]]] = {
    "controller killed": _controller_killed,
    "module killed": _module_killed,
    "ssh cut": _ssh_cut,
    "postmaster killed": _postmaster_killed,
    "host paused": _host_paused,
    "packets to it dropped": _packets_dropped,
    "link cut": _link_cut,
}
assert MAKERS.keys() == FAULTS.keys()


@dataclasses.dataclass
class Result:
    """What became of a cell.

    :param cell: what was tried.
    :param reached: whether the run came to the step.
    :param runs: what ran, in order: exit code and last words.
    :param problems: what is not as promised.
    :param seconds: how long it took.
    """

    cell: Cell
    reached: bool = False
    runs: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def begin(cell: Cell, home: Path) -> None:
    """What the playbook is for."""
    if cell.playbook == "enable_mirroring":
        reset()
        PRIMARY.run(f"echo 'host all gpadmin {CLIENT_ADDRESS}/32 trust' >> {PRIMARY.directory}/pg_hba.conf")
        PRIMARY.run(f"pg_ctl -D {PRIMARY.directory} reload")
        return
    mirror()
    if cell.playbook == "rejoin":
        PRIMARY.signal("KILL")
        done = playbook(PREFIX + "activate_standby", environment={"HOME": str(home)})
        assert done.returncode == 0, done.stdout[-500:]


def desired(cell: Cell) -> str:
    return "unmirrored" if cell.playbook == "disable_mirroring" else "mirrored"


def running_primary() -> Coordinator | None:
    """The coordinator that serves."""
    for coordinator in COORDINATORS.values():
        with contextlib.suppress(AssertionError):
            if coordinator.sql("SELECT pg_is_in_recovery()") == "f":
                return coordinator
    return None


def recover(cell: Cell, result: Result, home: Path) -> None:
    """Run the playbook again, and what an operator runs after it, until the pair is as it is to be."""
    due = cell.playbook
    for _attempt in range(ATTEMPTS):
        done = playbook(PREFIX + due, environment={"HOME": str(home), "ANSIBLE_FORCE_COLOR": "false"})
        said = [line.strip() for line in done.stdout.splitlines() if line.startswith("demo: ")]
        result.runs.append(f"{due}: {done.returncode}: {said[-1] if said else ''}")
        state, _code = status(environment={"HOME": str(home), "ANSIBLE_FORCE_COLOR": "false"})
        if state == desired(cell) and done.returncode == 0:
            return
        if state == "both_down":
            with contextlib.suppress(AssertionError):
                PRIMARY.start()
        due = {
            "primary_down": "activate_standby" if due == cell.playbook and due != "activate_standby" else cell.playbook,
            "unmirrored": cell.playbook if cell.playbook == "disable_mirroring" else "rejoin",
            "degraded": cell.playbook if due != cell.playbook and cell.playbook == "switchover" else "rejoin",
            "mirrored": cell.playbook,
        }.get(state, cell.playbook)
        if cell.playbook == "activate_standby" and state == "mirrored":
            return
        if cell.playbook in ("disable_mirroring", "enable_mirroring") and state == "degraded":
            due = cell.playbook
    result.problems.append(f"after {ATTEMPTS} runs the pair is {state}, and was to be {desired(cell)}")


def left(home: Path) -> t.Iterator[str]:
    """What is left that should not be."""
    locks = left_of_runs(*COORDINATORS.values())
    if locks:
        yield f"locks or notes are left: {locks}"
    for host, coordinator in COORDINATORS.items():
        armed = coordinator.run("ls ~/.whpg/ 2> /dev/null | grep armed || true")
        if armed:
            yield f"{host}: files of an arming are left: {armed}"
        if coordinator.run("pgrep -f '[A]nsiballZ_' || true"):
            yield f"{host}: a module still works"
        if coordinator.run(f"grep -l FENCED {coordinator.quoted}/postgresql.conf 2> /dev/null || true"):
            yield f"{host}: its instance is start-blocked"
    if Host("sdw1").run("ls /etc/warehousepg-coordinator 2> /dev/null || true"):
        yield "sdw1: a fence is left"
    primary = running_primary()
    slots = primary.sql("SELECT slot_name FROM pg_replication_slots WHERE NOT active") if primary else ""
    if slots:
        yield f"slots are left that nobody uses: {slots}"


def stated(home: Path, former: str) -> tuple[Stated, ...]:
    """What activations said may be lost."""
    file = home / ".whpg/demo.activation.json"
    loss = json.loads(file.read_text()).get("loss") if file.exists() else None
    if not loss or loss["known"] == "none":
        return ()
    return (Stated(former, loss["window"]["in_sync"] or 0.0, loss["window"]["fenced"] or time.time(), loss["commits"]),)


def rows() -> dict[tuple[str, int], float]:
    """What is there in the end."""
    primary = running_primary()
    if primary is None:
        return {}
    tables = {"client": ("written_by_chaos", PARTS), **{f"observer on {host}": (f"observed_on_{host}", 1) for host in COORDINATORS}}
    found: dict[tuple[str, int], float] = {}
    for writer, (table, whole) in tables.items():
        for line in primary.sql(f"SELECT number, count(*) FROM {table} GROUP BY number", role="dispatch").splitlines():
            number, count = map(int, line.split("|"))
            found[writer, number] = count / whole
    return found


def written(client: Client, observer: Observer) -> tuple[Write, ...]:
    """What clients asked for: a number that was not acknowledged is unknown."""
    known = {commit.number: Write("client", commit.number, commit.begun, commit.returned, commit.host) for commit in client.commits()}
    last = max(known, default=0) + 50  # those that it tried after its last commit
    return (*(known.get(number) or Write("client", number, 0.0) for number in range(1, last)), *observer.writes())


def attempt(cell: Cell) -> Result:
    """Try one cell."""
    result = Result(cell)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
        home = Path(directory)
        try:
            begin(cell, home)
            podman("exec", CLIENT, "rm", "-rf", "/tmp/clients/chaos")
            client = Client("chaos").start()
            with Observer() as observer:
                client.wait_for("scdw" if cell.playbook == "rejoin" else "cdw")
                broke = time.time()
                if cell.playbook == "activate_standby":
                    PRIMARY.signal("KILL")
                _break(cell, result, home)
                recover(cell, result, home)
                whole = time.time()
                time.sleep(2)
                client.stop()
            former = "scdw" if cell.playbook == "rejoin" else "cdw"
            excused = ((broke, whole),) if _excuses(cell) else ()
            history = History(written(client, observer), rows(), stated(home, former), excused, patience=15.0)
            result.problems += problems(history)
            result.problems += left(home)
        except Exception as error:
            result.problems.append(f"the frame: {error!r:.600}")
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                lift()
                podman("exec", CLIENT, "sh", "-c", "pkill -f client.py; pkill -f observer.py; true")
    result.seconds = round(time.monotonic() - began, 1)
    return result


def _excuses(cell: Cell) -> bool:
    """Whether there may be no primary for a time: it is stopped by what is run, or hit by what fails."""
    return cell.playbook in ("switchover", "activate_standby") or cell.host == ("scdw" if cell.playbook == "rejoin" else "cdw")


def _break(cell: Cell, result: Result, home: Path) -> None:
    """Run the playbook, and have it fail at the step."""
    run = Run(cell, home)
    result.reached = run.comes()
    if result.reached:
        with MAKERS[cell.fault](cell, run):
            run.goes_on()
            silent = time.monotonic() + SILENCE
            while run.lives() and time.monotonic() < silent:
                time.sleep(0.1)
    code, said = run.ends()
    result.runs.append(f"{cell.playbook}: {code}: {said}")


def table(results: t.Sequence[Result]) -> str:
    """The results as a page: faults by steps."""
    faults = [f"{fault}{f' on {host}' if host else ''}" for fault, hosts in FAULTS.items() for host in hosts]
    by = {
        (found.cell.playbook, found.cell.step, f"{found.cell.fault}{f' on {found.cell.host}' if found.cell.host else ''}"): found
        for found in results
    }
    lines = [f"<tr><th>playbook</th><th>at</th>{''.join(f'<th>{fault}</th>' for fault in faults)}</tr>"]
    for name, steps in STEPS.items():
        for step in steps:
            cells = []
            for fault in faults:
                found = by.get((name, step, fault))
                if found is None:
                    cells.append("<td></td>")
                    continue
                what = "wrong" if found.problems else "right" if found.reached else "not reached"
                told = html.escape("\n".join([*found.runs, *found.problems]), quote=True)
                cells.append(f'<td class="{what.replace(" ", "-")}" title="{told}">{what}</td>')
            lines.append(f"<tr><th>{name}</th><th>{html.escape(step)}</th>{''.join(cells)}</tr>")
    colours = "".join(f".{what}{{background:{colour}}}" for what, colour in (("right", "#cfc"), ("wrong", "#fbb"), ("not-reached", "#eee")))
    style = f"th,td{{border:1px solid #999;padding:.3em;font:13px sans-serif}}{colours}"
    return f"<!doctype html><title>Faults and steps</title><style>{style}</style><table>{''.join(lines)}</table>\n"


def main() -> int:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    cells = chosen(seed, int(os.environ.get("CHAOS_CELLS", "10")))
    print(f"CHAOS_SEED={seed}: {len(cells)} cells", flush=True)
    results = []
    RESULTS.mkdir(exist_ok=True)
    for cell in cells:
        found = attempt(cell)
        results.append(found)
        what = "; ".join(found.problems) or ("right" if found.reached else "right, though the step was not reached")
        print(f"{cell}: {what} ({found.seconds:.0f} s)", *(f"    {line}" for line in found.runs), sep="\n", flush=True)
        told = [{**dataclasses.asdict(one), "cell": one.cell._asdict()} for one in results]
        (RESULTS / f"{seed}.json").write_text(json.dumps({"seed": seed, "cells": told}, indent=1) + "\n")
        (RESULTS / f"{seed}.html").write_text(table(results))
    wrong = [one for one in results if one.problems]
    print(f"CHAOS_SEED={seed}: {len(results)} cells, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
