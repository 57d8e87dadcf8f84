# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How a run takes the lock of a host: the commands that it sends there, and what it makes of the answers.

Each command changes the file only if it still is what the run thinks, while its directory is locked; so commands cannot race, whoever
sends them from wherever. Who may take a lock is decided on the controller, which alone sees whether another run of its own lives.
"""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import platform
import shlex
import subprocess
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import (
    LIFETIME,
    Holder,
    Lock,
    clock_time,
    line_of,
    note_file,
    parse,
)

#: seconds after which the run that holds it renews it, so that some of that may fail
RENEWAL = 60.0

#: seconds between two tries to get a lock
PAUSE = 0.5


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a command saw at its end.

    :param file: the whole path of the file.
    :param text: what is in it; None where it is missing.
    :param renewed: when it was taken or renewed, by the clock of the host.
    :param age: seconds since then.
    :param changed: whether the command changed the file.
    """

    file: str
    text: str | None
    renewed: int
    age: int
    changed: bool

    @property
    def lock(self) -> Lock | None:
        """The lock that is held.

        :raises CoordinatorError: the file tells of none.
        """
        if self.text is None:
            return None
        found = parse(self.text)
        if found is None:
            raise CoordinatorError(f"{self.file} is no lock of this collection: see what it is, and remove it")
        return found


@dataclasses.dataclass(frozen=True)
class Taken:
    """How taking a lock ended.

    :param seen: the file by then.
    :param former: the lock of a run that is gone, which was taken over; None without one.
    :param refusal: why this run does not hold it; empty where it does.
    """

    seen: Seen
    former: Lock | None = None
    refusal: str = ""


@dataclasses.dataclass(frozen=True)
class Ask:
    """What a run asks of a host.

    :param what: :data:`LOOK`; :data:`TAKE` the lock if nobody holds it; :data:`RENEW` it, or :data:`RELEASE` it, if this run does.
    :param file: the file.
    :param own: this run.
    :param purpose: what it does.
    :param instead_of: to take it if this run holds it, which is gone, and it was not renewed since this time.
    :param finished: when it is released, of what may have been noted that it was begun, that which is finished.
    """

    what: str
    file: str
    own: Holder
    purpose: str = ""
    instead_of: tuple[Holder, int] | None = None
    finished: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command for it."""
        return _COMMANDS[self.what](self)


LOOK, TAKE, RENEW, RELEASE = "look", "take", "renew", "release"

#: asks something of the host, or None for a pause, and is sent what was seen then
Taking = t.Generator[t.Optional[Ask], t.Optional[Seen], Taken]


def taking(file: str, own: Holder, purpose: str, is_gone: t.Callable[[Holder], bool], wait: float = 0.0, check: bool = False) -> Taking:
    """Take the lock of a host.

    :param is_gone: whether a run is known to have ended.
    :param wait: seconds to try again while another run holds it.
    :param check: only foretell it.
    """
    first = Ask(LOOK if check else TAKE, file, own, purpose)
    ask, former, pauses = first, None, 0
    while True:
        seen = t.cast(Seen, (yield ask))
        lock = seen.lock
        if lock is None and not check:
            ask, former = first, None  # it was released meanwhile
        elif lock is None or lock.holder == own:
            return Taken(seen, former)
        elif seen.age > LIFETIME or is_gone(lock.holder):
            if check:
                return Taken(seen, lock)
            ask, former = dataclasses.replace(first, instead_of=(lock.holder, seen.renewed)), lock
        elif pauses * PAUSE >= wait:
            return Taken(seen, None, refusal(lock, seen))
        else:
            pauses += 1
            yield None
            ask, former = first, None


def refusal(lock: Lock, seen: Seen) -> str:
    """Who holds a lock, and what to do."""
    return (
        f"another run works on this pair: {lock.purpose} by {lock.holder}, since {clock_time(lock.since)}, alive {max(seen.age, 0)} s ago. "
        f"Wait for it, and run this again; the lock of a run that was killed counts for {LIFETIME:.0f} s more at most. If you must not "
        f"wait, remove {seen.file}: that run stops before its next change"
    )


def _take(ask: Ask) -> str:
    condition = '[ ! -e "$file" ]'
    if ask.instead_of:
        holder, renewed = ask.instead_of
        condition = f'[ "$line" = {_quoted(line_of(holder))} ] && [ "$(stat -c %Y "$file")" = {renewed} ]'
    write = (
        f'printf \'%s\\n{{"since": %s, "purpose": %s}}\\n\' {_quoted(line_of(ask.own))} "$(date +%s)" {_quoted(json.dumps(ask.purpose))} '
        '> "$file.$$" && sync "$file.$$" && mv -f "$file.$$" "$file" && sync "${file%/*}"'
    )
    return _change(ask, condition, f'{{ {write}; }} || {{ rm -f "$file.$$"; exit 1; }}')


def _renew(ask: Ask) -> str:
    return _change(ask, _holds(ask), 'touch -c "$file"')


def _release(ask: Ask) -> str:
    forget = "".join(f'[ "$begun" != {_quoted(what)} ] || rm -f "$note" || exit 1; ' for what in ask.finished)
    read = f'note={_path(note_file(ask.file))}; begun=$(cat "$note" 2> /dev/null); ' if forget else ""
    return _change(ask, _holds(ask), f'{read}{forget}rm -f "$file" || exit 1')


def _look(ask: Ask) -> str:
    return f"file={_path(ask.file)}; done=0; {_TELL}"


_COMMANDS: dict[str, t.Callable[[Ask], str]] = {LOOK: _look, TAKE: _take, RENEW: _renew, RELEASE: _release}

#: what is before it was printed by others, such as a login shell
_MARK = "lock of the pair:"

_TELL = (
    f'echo "{_MARK}"; echo "$done"; date +%s; stat -c %Y "$file" 2> /dev/null || echo 0; printf "%s\\n" "$file"; '
    'cat "$file" 2> /dev/null || true'
)


def _holds(ask: Ask) -> str:
    return f'[ "$line" = {_quoted(line_of(ask.own))} ]'


def _change(ask: Ask, condition: str, change: str) -> str:
    """A command that makes a change under a condition, while nobody else does.

    The directory goes with the last file in it; whoever waited for one that was removed meanwhile waits for the next.
    """
    alone = 'mkdir -p "${file%/*}" && exec 9< "${file%/*}" && flock 9 || exit 1'
    return (
        f'umask 077; file={_path(ask.file)}; done=0; line=; {alone}; [ "${{file%/*}}" -ef /dev/fd/9 ] || {{ {alone}; }}; '
        f'if [ -e "$file" ]; then IFS= read -r line < "$file"; fi; if {condition}; then {change}; done=1; fi; {_TELL}; '
        'rmdir "${file%/*}" 2> /dev/null || true'
    )


def parse_seen(printed: str) -> Seen:
    """What a command printed.

    :raises CoordinatorError: it is not what these commands print.
    """
    try:
        # a terminal ends lines otherwise
        done, now, renewed, file, text = printed.replace("\r\n", "\n").split(f"{_MARK}\n", 1)[1].split("\n", 4)
        return Seen(file, text or None if renewed == "0" else text, int(renewed), int(now) - int(renewed), done == "1")
    except (ValueError, IndexError) as error:
        raise CoordinatorError(f"the host answered {printed!r:.200} where it was asked for the lock") from error


def _path(path: str) -> str:
    """A path as a shell reads it; C(~/) is the home directory."""
    return '"$HOME"/' + _quoted(path[2:]) if path.startswith("~/") else _quoted(path)


def _quoted(text: str) -> str:
    return shlex.quote(text)


def this_run(pid: int) -> Holder:
    """A run of this controller.

    :param pid: process of the playbook.
    """
    return Holder(
        user=getpass.getuser(),
        controller=platform.node(),
        boot=_read("/proc/sys/kernel/random/boot_id"),
        namespace=_namespace(),
        pid=pid,
        started=started(pid) or "",
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def started(pid: int) -> str | None:
    """When a process of this host started, as the host tells it; empty where it does not tell, None where no such process lives."""
    if os.path.isdir("/proc/self"):
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if fields:  # fields 3 and 22: its state, where Z and X are of a process that has ended; ticks since the host started
            return None if fields[0] in "ZX" else fields[19]
    else:
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return shown.stdout.strip() or None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # another user's, whom this one may not see
    return ""


def is_gone(holder: Holder, own: Holder) -> bool:
    """Whether a run is known to have ended: its process would be seen by the own one, and is not."""
    there, here = ((run.controller, run.boot, run.namespace) for run in (holder, own))
    if there != here or not all(here):  # what is not known is not the same
        return False
    found = started(holder.pid)
    return found is None or (found != "" and found != holder.started)
