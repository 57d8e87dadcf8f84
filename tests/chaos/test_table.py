# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of cells is kept by engine, one entry a cell, and each is shown at its place."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from cells import INTENTS, all_cells
from table import AGAIN, MARKS, WITHSTOOD, WRONG, Found, Results, engine, engine_name, page

REAL = "PostgreSQL 12 (Greenplum Database 7.0.0 build dev) on x86_64-pc-linux-gnu, compiled by gcc"


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (REAL, "greenplum-7.0.0"),
        ("PostgreSQL 12.12 (WarehousePG 7.2.1-WHPG build 1) on x86_64", "warehousepg-7.2.1"),
        ("PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu", "simulated"),
    ],
)
def test_an_engine_has_a_file(version, name):
    assert engine_name(version) == name
    assert engine_name(engine(version)) == name


def test_of_an_engine_it_is_told_which_one_it_is():
    assert engine(REAL) == "Greenplum Database 7.0.0 build dev"


def test_a_cell_that_is_tried_again_takes_its_own_place(tmp_path):
    one, other = all_cells()[:2]
    results = Results(tmp_path, "1.2.3", 7)
    for cell, verdict in ((one, WRONG), (other, AGAIN), (one, WITHSTOOD)):
        results.add(Found(cell, verdict, engine=REAL))
    kept = json.loads((tmp_path / "greenplum-7.0.0.json").read_text())
    assert sorted((entry["fault"], entry["part"], entry["verdict"]) for entry in kept) == sorted(
        [(one.fault, one.part, WITHSTOOD), (other.fault, other.part, AGAIN)]
    )
    assert {(entry["collection"], entry["seed"], entry["engine"]) for entry in kept} == {("1.2.3", 7, REAL)}


def test_each_cell_is_shown_once_at_its_place():
    cells = all_cells()
    entries = [{**cell._asdict(), **vars(Found(cell, WITHSTOOD, engine=REAL)), "collection": "1.2.3", "seed": 7} for cell in cells]
    entries[0].update(verdict=WRONG, problems=["<lost>"])
    shown = page(entries)
    body = shown.partition("<tbody>")[2].partition("</tbody>")[0]
    assert body.count(f">{MARKS[WITHSTOOD][0]}</td>") == len(cells) - 1
    assert body.count(f">{MARKS[WRONG][0]}</td>") == 1
    assert "&lt;lost&gt;" in body and "<td></td>" not in body
    assert body.count('<tr class="name">') == len(INTENTS)
    assert f"{len(cells)} of {len(cells)} cells" in shown and "seeds 7" in shown
