# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pairs
type: stdout
short_description: Show of a run what it did, and how it ended
version_added: 0.1.0
description:
  - Prints a line for each step that did something, with the clusters on which it did, and its seconds; of tasks that changed nothing, none.
  - Prints failures once, when the run ends, with what to do. One that a role takes into account, and one that was rescued, is part of how
    that ended.
  - Prints the state of the pairs last.
  - In check mode the lines say what would be done.
  - Tasks of other collections are shown by the same rules, and what C(ansible.builtin.debug) is asked to show.
  - With C(-v) all is printed that C(ansible.builtin.default) prints, too.
  - On a terminal, work that takes long shows below these lines how far it has come.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - It is set as the callback for the screen, by E(ANSIBLE_STDOUT_CALLBACK) or C(stdout_callback) of C(ansible.cfg).
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import threading
import time
import typing as t

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import progress_lines, result_words, run_lines
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import PAIRS, harmless, stdout_callback
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.run_lines import FAILED, OK, UNREACHABLE, Line, Run

#: how the names of our roles begin, and where their files are: they include the operator's, too
_OURS = "warehousepg.coordinator."
_ROLES = os.path.realpath(os.path.join(__file__, *[os.pardir] * 3, "roles")) + os.sep
#: the play in which a run is refused that is for no cluster; a limit leaves it without hosts
_REFUSAL = "require_clusters.yml:"
#: by how a line is meant, the name of its colour
_COLORS = {run_lines.GOOD: "COLOR_OK", run_lines.CHANGED: "COLOR_CHANGED", run_lines.WARNING: "COLOR_WARN", run_lines.BAD: "COLOR_ERROR"}
#: seconds between two looks at what work has come to
_EVERY = 1.0
#: what Ansible's own functions raise for results of a form that they do not expect: what they would show is left out
_UNEXPECTED = (AttributeError, KeyError, TypeError, ValueError)


def _plainly(name: str) -> t.Callable[..., None]:
    """An event of which only Ansible's own output tells, which C(-v) asks for."""

    def method(self: CallbackModule, *arguments: t.Any, **keywords: t.Any) -> None:
        self._plain(name, *arguments, **keywords)

    return method


class CallbackModule(Default):
    """See the documentation of the plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = PAIRS

    def __init__(self) -> None:
        super().__init__()
        self._run = Run()
        self._work: _Work | None = None
        self._play_path, self._play_name = "", ""

    v2_runner_item_on_ok = _plainly("v2_runner_item_on_ok")
    v2_runner_item_on_failed = _plainly("v2_runner_item_on_failed")
    v2_runner_item_on_skipped = _plainly("v2_runner_item_on_skipped")
    v2_runner_retry = _plainly("v2_runner_retry")
    v2_runner_on_async_poll = _plainly("v2_runner_on_async_poll")
    v2_runner_on_async_ok = _plainly("v2_runner_on_async_ok")
    v2_runner_on_async_failed = _plainly("v2_runner_on_async_failed")
    v2_playbook_on_no_hosts_remaining = _plainly("v2_playbook_on_no_hosts_remaining")
    v2_playbook_on_include = _plainly("v2_playbook_on_include")
    v2_playbook_on_notify = _plainly("v2_playbook_on_notify")

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """A playbook begins, before any process of a task does."""
        atexit.unregister(self._leave)
        atexit.register(self._leave, os.getpid())
        if self._work is None and stdout_callback() == PAIRS and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            self._work = _Work()
        self._plain("v2_playbook_on_start", playbook)

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """A play begins."""
        self._print(self._run.play())
        self._play_path, self._play_name = str(play.get_path()), harmless(str(play.get_name()))
        self._plain("v2_playbook_on_play_start", play)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """A play is for no host."""
        if _REFUSAL not in self._play_path:
            self._print([Line(f"{self._play_name}: left out, it is for none of the hosts", run_lines.WARNING)])
        self._plain("v2_playbook_on_no_hosts_matched")

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """A task begins."""
        self._print(self._run.task())
        self._plain("v2_playbook_on_task_start", task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        """A handler begins."""
        self._print(self._run.task())
        self._plain("v2_playbook_on_handler_task_start", task)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        """A task begins on a host."""
        self._run.begin(task._uuid, host.get_name(), time.monotonic())
        self._plain("v2_runner_on_start", host, task)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """A task ended well on a host."""
        self._ended(result, OK)
        self._plain("v2_runner_on_ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """A task failed on a host."""
        self._ended(result, FAILED, bool(ignore_errors))
        self._plain("v2_runner_on_failed", result, ignore_errors)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """A host could not be reached."""
        self._ended(result, UNREACHABLE, bool(_task(result).ignore_unreachable))
        self._plain("v2_runner_on_unreachable", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """A task was skipped on a host."""
        self._run.skip(_task(result)._uuid, _host(result))
        self._plain("v2_runner_on_skipped", result)

    def v2_on_file_diff(self, result: t.Any) -> None:
        """A task changed something, and diff mode is to show what."""
        if self._display.verbosity:
            self._plain("v2_on_file_diff", result)
            return
        for one in result_words.rounds(_result(result)):
            if one.get("changed") and one.get("diff"):
                with contextlib.suppress(*_UNEXPECTED):
                    self._run.difference(_described(result), self._get_diff(_harmless_within(one["diff"])))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """A playbook has ended."""
        self._plain("v2_playbook_on_stats", stats)
        self._print(self._run.finish({host: stats.summarize(host)["failures"] for host in stats.processed}))
        self._stop()

    def _ended(self, result: t.Any, ending: str, ignored: bool = False) -> None:
        if not self._display.verbosity:
            with self._above_work(), contextlib.suppress(*_UNEXPECTED):
                self._handle_warnings(_result(result))
        self._run.end(_described(result), _host(result), ending, _result(result), time.monotonic(), ignored)

    def _plain(self, event: str, *arguments: t.Any, **keywords: t.Any) -> None:
        """Print what Ansible prints of an event, if more is asked for."""
        if self._display.verbosity:
            with self._above_work():
                getattr(Default, event)(self, *arguments, **keywords)

    def _print(self, lines: t.Iterable[Line]) -> None:
        for line in lines:
            color = getattr(constants, _COLORS[line.tone]) if line.tone in _COLORS else None
            with self._above_work():
                self._display.display(line.text, color=color)

    def _above_work(self) -> t.ContextManager[None]:
        return self._work.hidden() if self._work else contextlib.nullcontext()

    def _stop(self) -> None:
        if self._work:
            self._work.stop()
            self._work = None

    def _leave(self, process: int) -> None:
        """Print what is left where a run ended otherwise than by its end."""
        if os.getpid() == process:
            self._print(self._run.finish())
            self._stop()


class InPlace:
    """Lines below what was printed, which are drawn anew in their place.

    Between two drawings the cursor is on an empty line above them: what somebody else prints goes there.

    :param terminal: descriptor of the terminal. It is written to directly: a process that is forked meanwhile inherits no lock.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._drawn = False

    def draw(self, lines: t.Sequence[str]) -> None:
        """Draw these lines instead of those that are there."""
        self.clear()
        if lines:
            self._write("".join(f"\n{line}" for line in lines) + f"\r\x1b[{len(lines)}A")
            self._drawn = True

    def clear(self) -> None:
        """Remove the lines."""
        if self._drawn:
            self._write("\r\x1b[J")
            self._drawn = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._terminal, text.encode(errors="backslashreplace"))


class _Work:
    """Shows how far the work of tasks has come, from a directory where they keep it as long as this is there."""

    def __init__(self) -> None:
        self._directory = tempfile.mkdtemp(prefix="whpg-")
        os.environ[progress_lines.DIRECTORY] = self._directory
        self._below = InPlace(sys.stdout.fileno())
        self._alone = threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            columns, rows = shutil.get_terminal_size()
            with contextlib.suppress(OSError):
                lines = progress_lines.lines(self._directory, columns - 1)[: max(rows - 2, 0)]
                with self._alone:
                    if not self._over.is_set():
                        self._below.draw(lines)

    @contextlib.contextmanager
    def hidden(self) -> t.Iterator[None]:
        """What is printed meanwhile comes above the lines."""
        with self._alone:
            self._below.clear()
            yield

    def stop(self) -> None:
        """Remove the lines, and the directory."""
        self._over.set()
        with self.hidden():
            os.environ.pop(progress_lines.DIRECTORY, None)
            shutil.rmtree(self._directory, ignore_errors=True)


def _task(result: t.Any) -> t.Any:
    """The task of a result; of an ansible-core before 2.19 it has another name, and so have the next two."""
    return result.task if hasattr(result, "task") else result._task


def _host(result: t.Any) -> str:
    return str((result.host if hasattr(result, "host") else result._host).get_name())


def _result(result: t.Any) -> dict[str, t.Any]:
    found = result.result if hasattr(result, "result") else result._result
    return found if isinstance(found, dict) else {}


def _described(result: t.Any) -> run_lines.Task:
    """What is to be known of the task of a result."""
    task, full = _task(result), str(_task(result).get_name())
    role = full.partition(" : ")[0] if " : " in full else ""
    fields = result._task_fields or {}  # every core has these; the public name is deprecated as of 2.21
    return run_lines.Task(
        key=task._uuid,
        name=str(result.task_name).rpartition(f"{role} : ")[2],
        action=str(task.action),
        own=role.startswith(_OURS) and os.path.realpath(str(task.get_path())).startswith(_ROLES),
        once=bool(fields.get("run_once")),
        check_mode=bool(fields.get("check_mode")),
    )


def _harmless_within(value: t.Any) -> t.Any:
    """What is within a difference, its lines harmless."""
    if isinstance(value, str):
        return "".join(harmless(line.expandtabs()) + "\n" * line.endswith("\n") for line in value.splitlines(keepends=True))
    if isinstance(value, dict):
        return {name: _harmless_within(inner) for name, inner in value.items()}
    return [_harmless_within(inner) for inner in value] if isinstance(value, (list, tuple)) else value
