# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that the status playbook writes of a pair."""

from __future__ import annotations

import json
import re

import pytest
from conftest import playbook
from document import STATUS

pytestmark = pytest.mark.usefixtures("pair")


def test_a_page_of_the_mirrored_pair(tmp_path):
    page, kept = tmp_path / "status.html", tmp_path / "demo.samples.jsonl"
    done = playbook(STATUS, status_html=str(page), status_samples_file=str(kept))
    assert done.returncode == 0
    text = page.read_text(encoding="utf-8")
    assert "<h2>demo</h2>" in text and "demo is mirrored" in text and "streams in sync" in text
    assert re.findall(r'class="name">([^<]*)<', text) == ["cdw", "scdw"]
    assert re.search(r"<b>sdw1</b> \d+ instances", text)
    assert not re.search(r"https?://(?!www.w3.org/2000/svg)", text)
    (look,) = map(json.loads, kept.read_text().splitlines())
    assert (look["state"], look["as_desired"]) == ("mirrored", True)
    assert look["lag_bytes"] >= 0 and look["retained_bytes"] >= 0
