# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of the cells that were tried: kept as JSON, one file an engine, and shown as a table of faults and steps.

``python tests/chaos/table.py`` draws the pages anew.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
import shutil
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from cells import FAULTS, INTENTS, Cell, all_cells

#: verdicts: the run succeeded although something failed; it did when it was run again; another playbook, as status advised, was needed
WITHSTOOD, AGAIN, OTHERWISE, WRONG = "withstood", "again", "otherwise", "wrong"

MARKS = {
    WITHSTOOD: ("✓", "#bfe8c5", "the run succeeded although this failed"),
    AGAIN: ("↻", "#d9ecf9", "it failed, and succeeded when it was run again"),
    OTHERWISE: ("➜", "#e9defa", "what the status playbook advised was done, too"),
    WRONG: ("✗", "#f6a5a0", "not as promised"),
}


@dataclasses.dataclass
class Found:
    """What became of a cell.

    :param cell: what was tried.
    :param verdict: one of the above.
    :param reached: whether the run came to the step.
    :param runs: what ran, in order: exit code and last words.
    :param problems: what is not as promised.
    :param acknowledged: commits that were, and were looked for in the end.
    :param engine: version of the engine.
    :param seconds: how long it took.
    """

    cell: Cell
    verdict: str = WRONG
    reached: bool = False
    runs: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    acknowledged: int = 0
    engine: str = ""
    seconds: float = 0.0


class Results:
    """Those of earlier runs on the same engine, too; a cell that is tried again takes its own place.

    :param directory: where they are kept.
    :param version: of the collection.
    :param seed: that the cells of this run were chosen by.
    """

    def __init__(self, directory: Path, version: str = "", seed: int = 0):
        self._directory, self._version, self._seed = directory, version, seed

    def add(self, found: Found) -> None:
        """Keep what became of a cell."""
        self._directory.mkdir(exist_ok=True)
        file = self._directory / f"{engine_name(found.engine)}.json"
        kept = json.loads(file.read_text()) if file.exists() else []
        entry = {**found.cell._asdict(), **{key: value for key, value in dataclasses.asdict(found).items() if key != "cell"}}
        entry.update(collection=self._version, seed=self._seed, date=time.strftime("%Y-%m-%d", time.gmtime()))
        kept = [one for one in kept if tuple(one[field] for field in Cell._fields) != tuple(found.cell)] + [entry]
        file.write_text(json.dumps(sorted(kept, key=_place), indent=1, ensure_ascii=False) + "\n")

    def draw(self) -> None:
        """Show all of them."""
        for file in self._directory.glob("*.json"):
            draw(file)


def _place(entry: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return tuple(entry[field] for field in Cell._fields)


def engine(said: str) -> str:
    """Which engine it is, of what it says as its version; how it was built is left out."""
    found = re.search(r"(?:WarehousePG|Greenplum)[^()]*", said)
    return found[0].strip() if found else said.split(" on ")[0]


def engine_name(version: str) -> str:
    """By what the files of an engine are called."""
    found = re.search(r"(WarehousePG|Greenplum)[^0-9]*([0-9.]+)", version)
    return f"{found[1].lower()}-{found[2].rstrip('.')}" if found else "simulated"


def page(entries: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Faults by steps, each playbook a table."""
    by = {_place(entry): entry for entry in entries}
    there = {tuple(cell) for cell in all_cells()}
    counts = {verdict: sum(entry["verdict"] == verdict for entry in entries) for verdict in MARKS}
    columns = [(fault, part) for fault in FAULTS for part in _parts(fault)]
    heads = "".join(f'<th colspan="{len(_parts(fault))}"><span>{html.escape(fault)}</span></th>' for fault in FAULTS)
    below = "".join(f"<th>{part[:2]}</th>" if part else "<th></th>" for _fault, part in columns)
    body = []
    for name, intent in INTENTS.items():
        body.append(f'<tr class="name"><th colspan="{len(columns) + 1}">{html.escape(name)}</th></tr>')
        for step in intent.steps:
            row = "".join(_shown(by.get((name, step.task, *column)), (name, step.task, *column) in there) for column in columns)
            body.append(f"<tr><th>{html.escape(step.task)}</th>{row}</tr>")
    engines = sorted({entry["engine"] for entry in entries})
    versions = ", ".join(sorted({entry["collection"] for entry in entries}))
    seeds = ", ".join(sorted({str(entry["seed"]) for entry in entries}))
    legend = "".join(
        f'<li><b style="background:{colour}">{mark}</b> {counts[verdict]} · {told}</li>' for verdict, (mark, colour, told) in MARKS.items()
    )
    commits = sum(entry["acknowledged"] for entry in entries)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Faults and steps</title><style>{STYLE}</style>
<h1>Playbooks while something fails</h1>
<p>{len(entries)} of {len(there)} cells were tried on {html.escape("; ".join(engines))}, collection {versions}, seeds {seeds};
{commits:,} acknowledged commits were looked for in the end.</p>
<ul>{legend}<li><b></b> not tried</li><li><b class="none"></b> cannot be</li></ul>
<table><thead><tr><th rowspan="2">at the task</th>{heads}</tr><tr>{below}</tr></thead><tbody>{"".join(body)}</tbody></table>
<p>pr, st, sp: the fault comes to the host of the primary, of the standby, or to the spare host that the standby is moved to.</p></html>
"""


def _parts(fault: str) -> list[str]:
    """The hosts that a fault can come to, in the order in which they are shown."""
    order = ["", "primary", "standby", "spare"]
    return sorted({cell.part for cell in all_cells() if cell.fault == fault}, key=order.index)


def _shown(entry: t.Mapping[str, t.Any] | None, there: bool) -> str:
    if entry is None:
        return "<td></td>" if there else '<td class="none"></td>'
    mark, colour, _told = MARKS[entry["verdict"]]
    told = html.escape("\n".join([*entry["runs"], *entry["problems"]]), quote=True)
    return f'<td style="background:{colour}" title="{told}">{mark}</td>'


STYLE = """
body { font: 14px/1.4 'DejaVu Sans', sans-serif; color: #222; margin: 24px; width: max-content }
h1 { font-size: 20px; margin: 0 0 8px } p { margin: 8px 0; max-width: 1200px }
ul { list-style: none; display: flex; gap: 20px; padding: 0; margin: 12px 0 }
li b { display: inline-block; width: 22px; height: 20px; line-height: 20px; text-align: center; border: 1px solid #bbb }
li b { vertical-align: middle } table { border-collapse: collapse } td, tbody th { border: 1px solid #ccc; height: 22px }
td { width: 26px; text-align: center } .none { background: #e6e6e6 }
tbody th { font-weight: normal; text-align: left; padding: 0 8px } tr.name th { font-weight: bold; background: #f4f4f4; padding: 4px 8px }
thead th { font-weight: normal; font-size: 12px; vertical-align: bottom; padding: 2px }
thead tr:first-child th:first-child { text-align: left }
thead span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap }
"""


def draw(file: Path) -> None:
    """Make the page of a file, and a picture of it where there is a browser."""
    shown = file.with_suffix(".html")
    shown.write_text(page(json.loads(file.read_text())))
    browser = shutil.which("chromium")
    if browser is None:
        return
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"),
                *("--window-size=1640,1520", f"--screenshot={file.with_suffix('.png')}", shown.as_uri()),
            ],
            check=False,
            capture_output=True,
            timeout=120,
        )


if __name__ == "__main__":
    Results(Path(__file__).parent / "results").draw()
