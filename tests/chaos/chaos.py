# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs playbooks while something fails, each at a step, and sees that the pair is whole again and nothing acknowledged was lost.

CHAOS_SEED chooses the cells, CHAOS_CELLS says how many; ``results/`` gets what became of them, see README.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t
from pathlib import Path

import yaml
from activating import PARTS, Client
from cells import INTENTS, PRIMARY, SPARE, STANDBY, Cell, Intent, chosen
from conftest import HERE as MOLECULE
from conftest import INVENTORY, NET, Coordinator, Host, changes, inherited, lift, mirror, playbook, podman, reset
from conftest import SEED as DRAWN
from faults import COORDINATORS, MAKERS, mend
from history import History, Stated, Write, problems
from inventories import rendered
from table import AGAIN, OTHERWISE, WITHSTOOD, WRONG, Found, Results, engine

HERE = Path(__file__).parent
PREFIX = "warehousepg.coordinator."
MOVED = rendered(MOLECULE / "move/inventory", "move")

#: the host that clients and the observer are on, to which no fault comes, and the table of the client
OUTSIDE, OUTSIDE_ADDRESS = "sdw1", f"{NET}.21"
CLIENT_NAME, OBSERVED = "chaos", "/tmp/observer"

#: that cells are chosen by
SEED = int(os.environ.get("CHAOS_SEED") or DRAWN)

#: seconds: how long something fails, unless the run has ended before; how long a run may take; for how long no commit need be acknowledged
#: without any reason, and after what failed is there again
FAILING, LIMIT, PATIENCE, COMING_BACK = 15, 600, 60.0, 60.0

#: seconds after which segment hosts see no sign of life of a coordinator that is silent
UNSEEN = 12

#: runs at most until the pair is whole
ATTEMPTS = 6

#: what a pair may have in the directory of the collection's own files on a host, and the names that staged files have
KEPT = re.compile(r"demo\.(pgpass|record\.json|audit\.jsonl|discarded\.jsonl)")
STAGED = r"find /data -maxdepth 6 \( -name '.gpseg*' -o -name '*.partial' \) ; find /tmp /var/tmp -maxdepth 1 -name '*whpg*' -user gpadmin"


#: what runs advise
ADVICE = re.compile(r"\brun (enable_mirroring|rejoin|activate_standby|lift_fence)\b")

#: how a run asks for the option by which a standby is started that is stopped, too, and that
GIVE_BOTH_DOWN, BOTH_DOWN = "activate_standby_both_down=true", {"activate_standby_both_down": True}

#: how a run asks for another one like it
AGAIN_PLEASE = "run this again"

#: what is asked of a primary
OF_ITSELF = """
SELECT 'primary with '
  || (SELECT coalesce(string_agg(state || ' ' || sync_state, ', '), 'no standby') FROM pg_stat_replication) || ', '
  || (SELECT count(*) FROM gp_segment_configuration WHERE content = -1 AND role = 'm') || ' registered'
"""


class Observer(Host):
    """The program that asks both coordinators, on a host outside of the pair."""

    def __init__(self) -> None:
        super().__init__(OUTSIDE)

    def start(self, primary: Coordinator, hosts: t.Iterable[str]) -> None:
        self.stop()
        for host in hosts:
            primary.sql(f"DROP TABLE IF EXISTS observed_on_{host}; CREATE TABLE observed_on_{host} (number bigint)", role="dispatch")
        self.run(f"rm -rf {OBSERVED}; mkdir {OBSERVED}")
        self.write(f"{OBSERVED}/observer.py", (HERE / "observer.py").read_text())
        begin = f"nohup setsid python3 observer.py {OBSERVED} {' '.join(hosts)} > log 2>&1 < /dev/null & echo $! > pid"
        self.run(f"cd {OBSERVED}; {begin}")

    def stop(self) -> None:
        self.run(f"kill -- -$(cat {OBSERVED}/pid 2> /dev/null) 2> /dev/null || true; rm -f {OBSERVED}/pid")

    def writes(self, hosts: t.Iterable[str]) -> list[Write]:
        found = []
        for host in hosts:
            number = "0"
            for line in self.run(f"cat {OBSERVED}/{host} 2> /dev/null || true").splitlines():
                number, begun, returned, timeline = line.split()
                told = (float(returned), host, int(timeline)) if timeline != "-" else ()
                found.append(Write(f"observer on {host}", int(number), float(begun), *told))
            found.append(Write(f"observer on {host}", int(number) + 1, 0.0))  # it was stopped while it tried that one
        return found


class Run:
    """A playbook that stops at a task until it may go on."""

    def __init__(self, cell: Cell, home: Path):
        self._files = {"reached": home / "reached", "go": home / "go"}
        for file in self._files.values():
            os.mkfifo(file)
        intent = INTENTS[cell.intent]
        environment = inherited()
        environment.update(
            operated(home),
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="at_task",
            WHPG_CHAOS_TASK=cell.step,
            WHPG_CHAOS_REACHED=str(self._files["reached"]),
            WHPG_CHAOS_GO=str(self._files["go"]),
        )
        self._output = (home / "output").open("w+")
        variables = json.dumps(dict(intent.variables))
        self._process = subprocess.Popen(
            ["ansible-playbook", PREFIX + intent.playbook, "-i", str(inventory_of(intent)), "-e", variables],
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
            while time.monotonic() < deadline and self.lives():
                with contextlib.suppress(BlockingIOError):
                    if os.read(pipe, 10):
                        return True
                time.sleep(0.05)
            return False
        finally:
            os.close(pipe)

    def goes_on(self) -> None:
        """Let it go on."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.lives():
            with contextlib.suppress(OSError):  # it does not wait yet
                pipe = os.open(self._files["go"], os.O_WRONLY | os.O_NONBLOCK)
                os.write(pipe, b"go\n")
                os.close(pipe)
                return
            time.sleep(0.02)

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """The controller is gone, with all processes of the run."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ends(self) -> tuple[int, str]:
        """Its exit code, and what it said."""
        try:
            code = self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"the run did not end within {LIMIT} s") from None
        self._output.seek(0)
        return code, self._output.read()


def operated(home: Path) -> dict[str, str]:
    """The environment of an operator."""
    return {"HOME": str(home), "ANSIBLE_FORCE_COLOR": "false"}


def inventory_of(intent: Intent) -> Path:
    """The inventory that it is run with."""
    return MOVED if SPARE in intent.hosts else INVENTORY


def last_word(output: str) -> str:
    """What a run said of the cluster in the end."""
    lines = [line.strip() for line in output.splitlines() if line.startswith("demo: ")]
    return lines[-1] if lines else next((line.strip() for line in output.splitlines() if "fatal:" in line or "ERROR" in line), "")[:500]


class Trial:
    """One cell, tried.

    :param cell: what is tried.
    :param home: the operator's home directory.
    """

    def __init__(self, cell: Cell, home: Path):
        self.cell, self.home, self.intent = cell, home, INTENTS[cell.intent]
        self.found = Found(cell)
        self.hosts = sorted(set(self.intent.hosts.values()))
        self.primary = COORDINATORS[self.intent.hosts[PRIMARY]]
        self.silent = False

    def begin(self) -> None:
        """What the playbook is for, and clients that write."""
        mend(self.hosts)
        if self.intent.playbook == "enable_mirroring" and SPARE not in self.intent.hosts:
            reset()
        else:
            mirror()
        if SPARE in self.intent.hosts:
            COORDINATORS["cdw2"].run("mkdir -p /data/whpg/v7/standby")
        if self.intent.playbook == "rejoin":
            COORDINATORS["cdw"].signal("KILL")
            done = playbook(PREFIX + "activate_standby", environment=operated(self.home))
            assert done.returncode == 0, done.stdout[-500:]
        for host in self.hosts:
            at = COORDINATORS[host]
            rule = f"host all gpadmin {OUTSIDE_ADDRESS}/32 trust"
            at.run(
                f"! cd {at.quoted} 2> /dev/null || ! [ -f postmaster.pid ] || (echo '{rule}' >> pg_hba.conf; pg_ctl -D . reload || true)"
            )
        self.found.engine = engine(self.primary.sql("SELECT version()"))
        self.client = Client(CLIENT_NAME, host=OUTSIDE, where=f"host={','.join(self.hosts)} port=5432", pause=0.1)
        self.client.run(f"kill -KILL $(cat /tmp/clients/{CLIENT_NAME}/pid) 2> /dev/null; rm -rf /tmp/clients/{CLIENT_NAME}")
        self.primary.sql(f"DROP TABLE IF EXISTS written_by_{CLIENT_NAME}", role="dispatch")
        self.observer = Observer()
        self.observer.start(self.primary, self.hosts)
        self.client.start().wait_for(self.primary.name)

    def break_it(self) -> None:
        """Run the playbook, and have something fail at the step."""
        self.broke = time.time()
        if self.intent.playbook == "activate_standby":
            if self.intent.silent:
                podman("pause", self.primary.name)
                self.silent = True
                time.sleep(UNSEEN)
            else:
                self.primary.signal("KILL")
        run = Run(self.cell, self.home)
        try:
            self.found.reached = run.comes()
            if self.found.reached:
                with MAKERS[self.cell.fault](self.cell, run):
                    over = time.monotonic() + FAILING
                    while run.lives() and time.monotonic() < over:
                        time.sleep(0.1)
            code, output = run.ends()
        finally:
            run.kill()
        self.healed = time.time()
        self.note(self.intent.playbook, code, output)
        if not self.found.reached:
            self.found.problems.append("the run did not come to the step")
        self.succeeded(code)

    def note(self, name: str, code: int, output: str) -> None:
        self.found.runs.append(f"{name}: {code}: {last_word(output)}")
        self.told = output
        (self.home / f"run-{len(self.found.runs)}").write_text(output)

    def succeeded(self, code: int) -> None:
        """The host that was silent answers once its standby has been activated."""
        if self.silent and code == 0:
            podman("unpause", self.primary.name)
            self.silent = False

    def run(self, name: str) -> int:
        """Run a playbook as the operator does; the one that is tried is given what it was given before."""
        same = name == self.intent.playbook
        given = {**(self.intent.variables if same else {}), **(BOTH_DOWN if same and GIVE_BOTH_DOWN in self.told else {})}
        done = playbook(PREFIX + name, inventory=inventory_of(self.intent), environment=operated(self.home), **given)
        self.note(name, done.returncode, done.stdout + done.stderr)
        if same:
            self.succeeded(done.returncode)
        self.changed = changes(done)
        return done.returncode

    def recover(self) -> None:
        """Run the playbook again, then what the status playbook advises, until the pair is as it is to be."""
        first = self.found.runs[0].split(": ")[1] == "0"
        if first and self.whole():
            self.found.verdict = WITHSTOOD
            again = "enable_mirroring" if self.intent.swaps and AGAIN_PLEASE not in self.told else self.intent.playbook
            # the first of them puts right what failed later, and releases a lock that was not; the second has nothing to do
            for name in (again, "enable_mirroring" if self.intent.swaps else self.intent.playbook):
                if self.run(name):
                    self.found.problems.append("what had succeeded failed when it was run again")
            if self.changed:
                self.found.problems.append("what had succeeded, and was run again, changed something when it was run once more")
            return
        activated = first and self.intent.playbook == "activate_standby"
        due = "rejoin" if activated else self.intent.playbook
        self.found.verdict = WITHSTOOD if activated else AGAIN
        for _attempt in range(ATTEMPTS):
            code = self.run(due)
            if code == 0 and self.whole():
                return
            if code == 0 and due == self.intent.playbook == "activate_standby":
                due = "rejoin"  # which follows each activation
                continue
            due = self.advised()
            self.found.verdict = OTHERWISE
        self.found.problems.append(f"after {len(self.found.runs)} runs the pair is not whole: {self.look()}")

    def advised(self) -> str:
        """The playbook that an operator runs next, who follows the advice of the last run, or else that of the status playbook."""
        if GIVE_BOTH_DOWN in self.told:
            return "activate_standby"
        named = ADVICE.search(self.found.runs[-1])
        if named and named[1] != self.intent.playbook:
            return named[1]
        file = self.home / "status.json"
        file.unlink(missing_ok=True)
        variables = {"status_file": str(file), "status_fail": False}
        playbook(PREFIX + "status", inventory=inventory_of(self.intent), environment=operated(self.home), **variables)
        cluster = json.loads(file.read_text())["clusters"]["demo"]
        self.found.runs.append(f"status: {cluster['state']}: {'; '.join(cluster['reasons'])}: {cluster['advice']}")
        if (
            cluster["state"] == "split_brain"
            and self.intent.silent
            and f"stop {self.primary.name}, the former primary" in cluster["advice"]
        ):
            # it was fenced where its writes would land, and its host answers again
            self.found.runs.append(f"the instance on {self.primary.name} is stopped")
            self.primary.run(f"pg_ctl -D {self.primary.quoted} -m immediate stop")
            return "rejoin"
        if cluster["state"] == "split_brain":
            self.found.problems.append("two primaries")
        if cluster["state"] in ("primary_down", "both_down", "primary_hung", "primary_unknown"):
            if cluster["activation"]["allowed"] and self.intent.swaps:
                return "activate_standby"
            self.start(COORDINATORS[cluster["primary"]])
        named = ADVICE.search(cluster["advice"])
        return named[1] if named and self.intent.mirrored else self.intent.playbook

    def start(self, coordinator: Coordinator) -> None:
        """As gpstart does."""
        self.found.runs.append(f"the instance on {coordinator.name} is started")
        with contextlib.suppress(AssertionError):
            coordinator.start()

    def look(self) -> dict[str, str]:
        """By host, what the instance that runs there is: a primary, and what it says of its standby, or a standby."""
        seen = {}
        for host in self.hosts:
            at = COORDINATORS[host]
            if self.silent and at is self.primary:
                continue
            query = f'PGOPTIONS="-c $WHPG_UTILITY_SETTING=utility" timeout 20 psql -X -At -h /tmp -c "{OF_ITSELF}"'
            standby = f"[ -f {at.quoted}/standby.signal ] && pg_ctl -D {at.quoted} status > /dev/null && echo standby"
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                seen[host] = at.run(f"{standby} || {query}")
        return seen

    def whole(self) -> bool:
        """Whether the engine itself shows what the playbook is for, within a while."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            seen = self.look()
            said = sorted(seen.values())
            if not self.intent.mirrored and said == ["primary with no standby, 0 registered"]:
                return True
            if self.intent.mirrored and said == ["primary with streaming sync, 1 registered", "standby"]:
                # who is standby is open where clients are to go to another coordinator
                return self.intent.swaps or seen.get(self.intent.hosts.get(SPARE, self.intent.hosts[STANDBY])) == "standby"
            if not any(one.startswith("primary") for one in said):
                return False
            time.sleep(0.5)
        return False

    def end(self) -> None:
        """Ask the clients what they were told, and compare it with what is there."""
        whole = time.time()
        self.client.wait_for(self.serving().name)
        self.stop()
        history = History(self.written(), self.rows(), self.stated(), self.excused(whole), patience=PATIENCE)
        self.found.acknowledged = len(history.acknowledged)
        self.found.problems += problems(history)
        self.found.problems += self.left()

    def stop(self) -> None:
        """No client writes any more."""
        self.client.stop()
        self.observer.stop()

    def serving(self) -> Coordinator:
        """The only primary."""
        (host,) = (host for host, said in self.look().items() if said.startswith("primary"))
        return COORDINATORS[host]

    def excused(self, whole: float) -> tuple[tuple[float, float], ...]:
        """When nobody had to serve: while something failed; where the primary was hit, or is stopped by the run, until all was mended."""
        hit = self.cell.part == PRIMARY or not self.cell.part
        return ((self.broke, whole if hit or self.intent.swaps else self.healed + COMING_BACK),)

    def stated(self) -> tuple[Stated, ...]:
        """What an activation said may be lost."""
        file = self.home / ".whpg/demo.activation.json"
        loss = json.loads(file.read_text()).get("loss") if file.exists() else None
        if not loss or loss["known"] == "none":
            return ()
        return (Stated(self.primary.name, loss["window"]["in_sync"] or 0.0, loss["window"]["fenced"] or time.time(), loss["commits"]),)

    def rows(self) -> dict[tuple[str, int], float]:
        """What is there in the end."""
        serving = self.serving()
        tables = {"client": (f"written_by_{CLIENT_NAME}", PARTS)}
        tables.update({f"observer on {host}": (f"observed_on_{host}", 1) for host in self.hosts})
        found: dict[tuple[str, int], float] = {}
        for writer, (table, whole) in tables.items():
            for line in serving.sql(f"SELECT number, count(*) FROM {table} GROUP BY number", role="dispatch").splitlines():
                number, count = map(int, line.split("|"))
                found[writer, number] = count / whole
        return found

    def written(self) -> tuple[Write, ...]:
        """What clients asked for: of a number that was not acknowledged it is not known what became of it."""
        known = {
            commit.number: Write("client", commit.number, commit.begun, commit.returned, commit.host) for commit in self.client.commits()
        }
        last = max(known, default=0) + 50  # those that it tried after its last commit
        return (
            *(known.get(number) or Write("client", number, 0.0) for number in range(1, last)),
            *self.observer.writes(self.hosts),
        )

    def left(self) -> t.Iterator[str]:
        """What is left that should not be."""
        serving = self.serving()
        for host in self.hosts:
            at = COORDINATORS[host]
            files = [name for name in at.run("ls -A ~/.whpg 2> /dev/null || true").split() if not KEPT.fullmatch(name)]
            if files:
                yield f"{host}: files are left: {', '.join(files)}"
            staged = at.run(f"({STAGED}) 2> /dev/null || true")
            if staged:
                yield f"{host}: staged files are left: {staged}"
            busy = at.run("ps -C python3 -o pid=,args= || true")
            if busy:
                yield f"{host}: something still works: {busy}"
            if self.intent.mirrored and at.run(f"grep -l FENCED {at.quoted}/postgresql.conf 2> /dev/null || true"):
                yield f"{host}: its instance is start-blocked"
            if at.run("nft list ruleset 2> /dev/null || true"):
                yield f"{host}: a packet filter is left"
            instances = at.run("pgrep -fc '^[^ ]*postgres .*-D ' || true")
            if int(instances) != (host in self.look()):
                yield f"{host}: {instances} instances run"
        if Host(OUTSIDE).run("ls /etc/warehousepg-coordinator 2> /dev/null || true"):
            yield f"{OUTSIDE}: a fence is left"
        slots = serving.sql("SELECT count(*), count(*) FILTER (WHERE active) FROM pg_replication_slots")
        if slots != ("1|1" if self.intent.mirrored else "0|0"):
            yield f"slots, and those in use: {slots}"
        roles = serving.sql("SELECT count(*) FROM pg_roles WHERE rolreplication AND NOT rolsuper")
        if roles != ("1" if self.intent.mirrored else "0"):
            yield f"{roles} roles for replication"


def attempt(cell: Cell, keep: Path | None = None) -> Found:
    """Try one cell; what its runs said is kept in a directory where something is wrong."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
        trial = Trial(cell, Path(directory))
        try:
            with contextlib.redirect_stdout(open(os.devnull, "w")):
                trial.begin()
                trial.break_it()
                trial.recover()
                if not trial.found.problems or trial.found.reached:
                    trial.end()
        except Exception as error:
            traceback.print_exc()
            trial.found.problems.append(f"the frame: {error!r:.600}")
        finally:
            lift()
        if trial.found.problems:
            trial.found.verdict = WRONG
            if keep:
                keep.mkdir(parents=True, exist_ok=True)
                name = re.sub(r"[^a-z0-9]+", "-", str(cell).lower())
                for file in Path(directory).glob("run-*"):
                    (keep / f"{name}-{file.name}.txt").write_text(file.read_text())
    trial.found.seconds = round(time.monotonic() - began, 1)
    return trial.found


def main() -> int:
    """Try some cells."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever runs or fails is ended, as by Ctrl-C
    wanted = os.environ.get("CHAOS_ONLY", "")
    cells = [cell for cell in chosen(SEED, 10**6) if wanted in str(cell)][: int(os.environ.get("CHAOS_CELLS", "10"))]
    print(f"CHAOS_SEED={SEED}: {len(cells)} cells", flush=True)
    version = yaml.safe_load((HERE.parents[1] / "galaxy.yml").read_text())["version"]
    results = Results(HERE / "results", version, SEED)
    wrong = 0
    for cell in cells:
        found = attempt(cell, Path(os.environ["WHPG_CACHE"]) / "chaos")
        wrong += found.verdict == WRONG
        print(
            f"{cell}: {found.verdict} ({found.seconds:.0f} s)",
            *(f"    {line}" for line in (*found.runs, *found.problems)),
            sep="\n",
            flush=True,
        )
        results.add(found)
    results.draw()
    print(f"CHAOS_SEED={SEED}: {len(cells)} cells, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
