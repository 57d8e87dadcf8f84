# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of C(status) in a browser. Screenshots of it are left for people to look at."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import page as of_status
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from unit.plugins.plugin_utils.clusters import cluster, document, fleet, history

SHOTS = Path(os.environ["WHPG_CACHE"]) / "page"
WIDTHS = (390, 1400)
SCHEMES = ("light", "dark")
#: milliseconds that anything may take on a machine that is busy
PATIENCE = 300_000
HOSTILE = "<img src=x onerror=document.body.dataset.hacked=1>" + "very-long-name" * 12


def several():
    """A page with a cluster in each of several states, and one that nobody would name so."""
    clusters = {
        "alpha": cluster(segment_hosts=6),
        "beta": cluster("degraded", segment_hosts=3),
        "gamma": cluster("primary_unknown", segment_hosts=4, fenced=True),
        "delta": cluster("split_brain"),
        "epsilon": {**cluster("primary_hung"), "maintenance": "in maintenance since 2026-11-22 02:14:16 UTC by root"},
        "zeta": cluster("unmirrored"),
        "eta": {**cluster(), "warnings": ["the slot standby_coordinator retains 48.0 GiB of WAL, and 2.1 GiB are free on its disk"]},
        "theta": cluster("both_down"),
        HOSTILE: {**cluster("primary_down"), "reasons": [HOSTILE]},
    }
    clusters["alpha"]["replication"].update(lag_bytes=2048, lag_seconds=0.004)
    return of_status.render(document(clusters), {name: history(state=of["state"], seed=7) for name, of in clusters.items()}, "control1")


def one():
    """The page of one mirrored cluster."""
    return of_status.render(document({"alpha": cluster(segment_hosts=4)}), {"alpha": history(seed=3)}, "control1")


def hundred():
    told, histories = fleet(100)
    return of_status.render(told, histories, "control1")


PAGES = {"one": one, "several": several, "hundred": hundred}


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as drivers:
        found = drivers.chromium.launch(executable_path=shutil.which("chromium"))
        yield found
        found.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    where = tmp_path_factory.mktemp("pages")
    for name, made in PAGES.items():
        (where / f"{name}.html").write_text(made(), encoding="utf-8")
    return {name: where / f"{name}.html" for name in PAGES}


@pytest.fixture
def show(browser, files):
    """Shows a page; what it asks for beside itself, and what goes wrong in it, fails the test."""
    contexts, wrong = [], []

    def shown(name, width=1400, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: None if request.url.startswith(("file://", "data:")) else wrong.append(request.url))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(files[name].as_uri())
        return tab

    yield shown
    for context in contexts:
        context.close()
    assert wrong == []


def open_all(tab):
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["one", "several"])
def test_nobody_is_left_out(show, name, width, scheme):
    tab = show(name, width, scheme)
    tab.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    open_all(tab)
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 390, 700, 1000, 1400, 2560])
@pytest.mark.parametrize("name", ["one", "several"])
def test_nothing_is_beyond_the_edge(show, name, width):
    tab = show(name, width)
    open_all(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    beyond = "[...document.querySelectorAll('body *')].filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)"
    assert tab.evaluate(f"{beyond}.map(one => one.outerHTML.slice(0, 200))") == []


def test_names_are_text(show):
    tab = show("several")
    assert tab.locator("img").count() == 0
    assert tab.evaluate("document.body.dataset.hacked") is None
    assert tab.get_by_role("heading", name=HOSTILE).count() == 1


def test_it_tells_how_old_it_is(show):
    tab = show("one")
    assert "ago" in tab.locator(".when").inner_text() and tab.locator(".when .old").count() == 1


def test_all_of_it_is_reached_by_the_keyboard(show):
    tab = show("hundred")
    closed = tab.locator("details:not([open])").count()
    for _summary in range(4):
        tab.keyboard.press("Tab")
    focused = tab.evaluate_handle("document.activeElement")
    assert tab.evaluate("one => one.tagName", focused) == "SUMMARY"
    assert tab.evaluate("one => getComputedStyle(one).outlineStyle", focused) == "solid"
    tab.keyboard.press("Enter")
    assert tab.locator("details:not([open])").count() == closed - 1
    assert tab.evaluate("one => one.parentElement.open", focused)


def test_a_hundred_clusters_are_of_less_than_a_megabyte(show, files):
    """How long they take to be drawn is printed: it is to be less than a second."""
    size = files["hundred"].stat().st_size
    tab = show("hundred")
    drawn = []
    for _time in range(3):
        tab.goto(files["hundred"].as_uri())
        drawn.append(tab.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now() / 1000))))"))
    tab.screenshot(path=SHOTS / "hundred-1400-light.png")
    print(f"{size / 1e3:.0f} kB, drawn in " + ", ".join(f"{seconds:.2f} s" for seconds in drawn))
    assert size < 1_000_000
