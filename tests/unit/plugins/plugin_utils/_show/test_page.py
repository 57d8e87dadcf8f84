# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, page, pictures, samples
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.course import History
from hypothesis import given
from hypothesis import strategies as st

from ...nested import put
from ..clusters import ACTIVATION, cluster, document, event, fleet, history
from ..observed import MIRRORED, VARIABLES

#: elements without an end
_VOID = {"meta", "link", "br"}


class Reader(html.parser.HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and its text."""

    def __init__(self):
        super().__init__()
        self.elements, self.open, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open += [] if tag in _VOID else [tag]

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} ends what it did not begin"

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def shown(clusters, **histories):
    """The page on clusters, and what a browser makes of it."""
    text = page.render(document(clusters), histories, "control1")
    reader = read(text)
    return text, reader, " ".join(" ".join(reader.text).split())


def test_a_mirrored_pair():
    told = cluster(segment_hosts=2)
    told["replication"].update(lag_bytes=2048, lag_seconds=0.25)
    _text, reader, said = shown({"alpha": told})
    assert said.startswith("alpha is mirrored · WarehousePG coordinators")
    for words in (
        "Seen 2026-11-22 12:00 UTC",
        "from control1",
        "alpha mirrored cdw → scdw",
        "primary cdw up",
        "streams in sync lag 2.0 KiB 0.250 s to replay standby scdw in recovery",
        "write acknowledged, replayed, 0.100 s",
        "2 segment instances, all up sdw1 2 instances sdw2 2 instances",
        "Seen scdw streams in sync from cdw",
        "Activation refused: the primary serves: use a switchover",
    ):
        assert words in said
    assert [name for name, _attributes in reader.elements if name in ("h1", "h2", "h3")] == ["h1", "h2", "h3", "h3", "h3", "h3"]


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_told_in_words_a_colour_and_a_shape(state):
    text, reader, said = shown({"alpha": cluster(state)})
    look = pictures.look(state, state == "mirrored")
    assert look.words == state.replace("_", " ") and f"alpha is {look.words}" in said
    assert ("svg", {"class": f"glyph {look.tone}", "aria-hidden": "true"}) in reader.elements
    drawn = [attributes["href"] for name, attributes in reader.elements if name == "use"]
    assert {f"#{look.shape}"} <= set(drawn) <= {f"#{attributes['id']}" for name, attributes in reader.elements if name == "symbol"}
    assert "alpha" in re.findall(r"<h2>(.*)</h2>", text)


def test_no_two_kinds_of_trouble_are_told_apart_by_their_colour_alone():
    looks = [pictures.look(state, state == "mirrored") for state in STATES]
    assert len({look.words for look in looks}) == len(STATES)
    assert {look.shape: look.tone for look in looks}.items() == {(look.shape, look.tone) for look in looks}
    assert pictures.look("unmirrored", True).tone == "ok"
    assert pictures.look("<new>", True).words == "<new>"


def test_the_worst_cluster_comes_first():
    states = ["mirrored", "degraded", "split_brain", "primary_unknown"]
    clusters = {f"of-{state}": cluster(state) for state in states}
    clusters["a-little"] = {**cluster(), "warnings": ["the disk is small"]}
    clusters["warned"] = {**cluster(), "warnings": ["the disk is small", "and old"]}
    text, _reader, said = shown(clusters)
    assert re.findall(r"<h2>(.*)</h2>", text) == [
        "of-split_brain",
        "of-primary_unknown",
        "of-degraded",
        "warned",
        "a-little",
        "of-mirrored",
    ]
    assert said.startswith("3 of 6 clusters need attention")
    assert "1 split brain 1 primary unknown 1 degraded 3 mirrored" in said
    assert re.findall(r'<details class="card \w+"( open)?>', text) == [" open"] * 3 + [""] * 3


@pytest.mark.parametrize(
    ("clusters", "headline"),
    [
        ({}, "No cluster was looked at"),
        ({"alpha": cluster("degraded")}, "alpha is degraded"),
        ({"": cluster()}, "a cluster without a name is mirrored"),
        ({"alpha": {**cluster(), "warnings": ["w"]}}, "alpha is mirrored, with warnings"),
        ({"alpha": cluster(), "beta": cluster()}, "All 2 clusters are as they should be"),
        ({"alpha": cluster(), "beta": {**cluster(), "warnings": ["w"]}}, "All 2 clusters are as they should be, 1 with warnings"),
        ({"alpha": cluster(), "beta": cluster("primary_down")}, "1 of 2 clusters needs attention"),
    ],
)
def test_the_headline(clusters, headline):
    _text, _reader, said = shown(clusters)
    assert said.startswith(f"{headline} · ")


def test_fences_name_what_is_rejected():
    _text, _reader, said = shown({"demo": cluster("primary_down", segment_hosts=2, fenced=True)})
    assert said.count("rejects 10.0.0.11 on 6000, 6001, 7000, 7001, by nft, since 2026-11-22 11:58:03 UTC") == 2
    told = cluster("primary_down", fenced=True)
    told["hosts"]["sdw1"]["fences"][0].update(cluster="other", since=None, ports=list(range(6000, 6010)))
    _text, _reader, said = shown({"demo": told})
    assert "rejects 10.0.0.11 on 10 ports from 6000 to 6009, by nft, not complete, for other" in said


@pytest.mark.parametrize(
    ("state", "changes", "words"),
    [
        ("degraded", {}, "no stream"),
        ("unmirrored", {}, "no stream no standby is registered"),
        ("primary_down", {}, "not connected, as the standby's host sees it"),
        ("primary_unknown", {}, "not connected, as the standby's host sees it"),
        ("split_brain", {}, "both accept writes"),
        ("mirrored", {"state": "catchup", "sync_state": "async", "lag_bytes": 1 << 30}, "catchup, async lag 1.0 GiB"),
    ],
)
def test_what_is_between_the_two(state, changes, words):
    told = cluster(state)
    told["replication"].update(changes)
    if "not connected" in words:
        told["hosts"]["scdw"]["connected"] = False
    _text, _reader, said = shown({"alpha": told})
    assert words in said


def test_a_host_that_was_not_seen_is_unknown_with_the_reason():
    _text, _reader, said = shown({"alpha": cluster("primary_unknown")})
    assert "primary, last known cdw unknown why unreachable: Failed to connect to the host via ssh: No route to host" in said


def test_of_many_segment_hosts_those_are_shown_that_something_is_the_matter_with():
    told = cluster(segment_hosts=40)
    told["hosts"]["sdw37"] = {**told["hosts"]["sdw37"], "observed": False, "missing": "no route", "segments": None}
    _text, _reader, said = shown({"alpha": told})
    assert "all up sdw37 unknown: no route sdw1 2 instances" in said and "and 24 more, as they should be" in said


def test_what_happened_is_told_the_latest_first():
    past = history()
    _text, reader, said = shown({"demo": cluster()}, demo=past)
    assert "mirrored at 951, degraded at 49 of 1000 looks" in said
    assert "Lag now" in said and "Retained WAL now" in said
    assert "switchover: switched with trouble cdw → scdw · no write for 1.62 s · no loss · by operator on control1 sdw3: access" in said
    assert said.index("switched with trouble") < said.index("switchover: not switched") < said.index("activation: activated")
    assert "Last switchover 2026-11-20 12:00 cdw → scdw; no write for 1.62 s phase seconds prepare 0.05 s" in said
    assert "Last activation 2026-10-13 12:00 scdw → cdw phase seconds fence 0.41 s" in said
    assert ("rect", {"width": "100%"}) in reader.elements


DRILL = {
    "action": "drill",
    "outcome": "rehearsed",
    "new_primary": "cdw",
    "gap": None,
    "rto": 0.94,
    "rpo": 0,
    "phases": {"there_stop": 0.31, "back_first_write": 0.12},
}


def test_a_drill_is_told_with_its_figures_and_phases():
    halved = {**DRILL, "outcome": "half_rehearsed", "new_primary": "scdw", "reason": "a transaction runs", "phases": {"there_stop": 0.3}}
    past = History([], [event(9, **DRILL), event(8, **{**DRILL, "outcome": "not_rehearsed", "rto": None, "rpo": None, "phases": {}})])
    text, _reader, said = shown({"demo": cluster()}, demo=past)
    assert "drill: rehearsed cdw is primary RTO 0.94 s RPO 0 commits" in said.replace(" · ", " ")
    assert "drill: not rehearsed" in said
    assert "Last drill 2026-11-13 12:00 cdw is primary; RTO 0.94 s; RPO 0 commits phase seconds there stop 0.31 s back first write" in said
    assert '<use href="#check"/>' in text
    text, _reader, said = shown({"demo": cluster()}, demo=History([], [event(9, **halved)]))
    assert "drill: half rehearsed cdw → scdw" in said
    assert re.search(r'<li><svg class="glyph warn" aria-hidden="true"><use href="#warning"/>', text)


def test_a_state_that_was_seen_for_the_first_time_is_told_as_it_looks():
    told = {**cluster("degraded"), "since": "2026-11-22T11:03:00Z"}
    first = event(
        0, action="status", outcome="degraded", state="mirrored", gap=None, loss=None, phases={}, new_primary="cdw", reason="it stopped"
    )
    text, _reader, said = shown({"demo": told}, demo=History([], [first]))
    assert "What was seen, since 2026-11-22 11:03" in said
    assert "seen: degraded primary cdw · by operator on control1 it stopped" in said and "Last" not in said
    assert re.search(r'<li><svg class="glyph warn" aria-hidden="true"><use href="#warning"/>', text)


def test_of_many_runs_the_last_ones_are_told():
    _text, _reader, said = shown({"demo": cluster()}, demo=History([], [event(day) for day in range(20, 0, -1)]))
    assert said.count("switchover: switched") == 8 and "and 12 earlier ones in the audit trail" in said
    assert "Nothing is kept yet" in said


def test_it_fetches_nothing_and_only_its_own_style_and_script_have_an_effect():
    text, reader, _said = shown({"demo": cluster()}, demo=history())
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text)
    assert {name for name, attributes in reader.elements if "src" in attributes} == set()
    assert [attributes["href"][:19] for name, attributes in reader.elements if name == "link"] == ["data:image/svg+xml,"]
    policy = next(
        attributes["content"] for name, attributes in reader.elements if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    for part in ("style", "script"):
        (content,) = re.findall(rf"<{part}>(.*?)</{part}>", text, re.DOTALL)
        assert f"{part}-src 'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not any(name.startswith("on") or name == "style" for _tag, attributes in reader.elements for name in attributes)


def outline(text):
    """The elements of a page, without what it says."""
    return [(name, sorted(attributes)) for name, attributes in read(text).elements]


HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "' x='",
        "{{ 7 * 7 }}{% raw %}",
        "&lt;b&gt;",
        "\u202eevil\x00\x1b[2J\udcff\n<b>",
        "]]>-->",
    ]
) | st.text(st.characters(), min_size=1, max_size=20)


def texts(value, way=()):
    """The ways to all texts of a document."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in texts(inner, (*way, key))]
    if isinstance(value, list):
        return [found for at, inner in enumerate(value) for found in texts(inner, (*way, at))]
    return [way] if isinstance(value, str) else []


TOLD = {**cluster(fenced=True), "warnings": ["w"], "maintenance": "m"}
PAST = History([], [event(1), event(2, **ACTIVATION, reason="r")])


@given(st.sampled_from([way for way in texts(TOLD) if way[0] != "coordinators"]), HOSTILE)
def test_whatever_a_host_tells_it_is_text(way, hostile):
    told = put(TOLD, way, hostile)
    text = page.render(document({"demo": told}), {"demo": PAST}, "control1")
    text.encode()
    reader = read(text)
    assert {name for name, _attributes in reader.elements} <= {name for name, _attributes in read(HARMLESS).elements}
    known = {name for _tag, attributes in read(HARMLESS).elements for name in attributes}
    assert {name for _tag, attributes in reader.elements for name in attributes} <= known
    assert all(line.isprintable() for line in "".join(reader.text).split("\n"))


HARMLESS = page.render(
    document({"demo": TOLD, "other": cluster("degraded")}), {"demo": dataclasses.replace(PAST, samples=history().samples)}, "c"
)


@given(HOSTILE, HOSTILE, st.lists(HOSTILE, min_size=5, max_size=5))
def test_names_of_clusters_hosts_and_runs_are_text(name, host, words):
    told = cluster()
    told["hosts"] = {(host if known == "scdw" else known): of for known, of in told["hosts"].items()}
    told.update(coordinators=["cdw", host], standby=host)
    told["hosts"].setdefault("cdw", told["hosts"][host])
    plain = cluster()
    runs = [event(1, who=words[0], controller=words[1], outcome=words[2], reason=words[3], phases={words[4]: 1.0})]
    same = [event(1, outcome=_plain(words[2]), reason="r", phases={"p": 1.0})]
    text = page.render(document({name: told}), {name: History([], runs)}, words[0])
    expected = page.render(document({"n": plain}), {"n": History([], same)}, "c")
    if host not in ("cdw", "sdw1"):
        assert outline(text) == outline(expected)


def _plain(outcome):
    """An outcome that looks as another one does."""
    return next(
        (word for word in ("not_x", "x_with_trouble", "unconfirmed") if page.course._ended(word) == page.course._ended(outcome)), "x"
    )


def pair_with(home, **options):
    """The verdict on a mirrored pair whose files on the controller are in a directory."""
    files = {f"{name}_audit_file": str(home / "audit.jsonl") for name in ("activate_standby", "drill", "status", "switchover")}
    known = {"cluster_name": "demo", "status_samples_file": str(home / "samples.jsonl"), **files, **options}
    return {"demo": dataclasses.replace(assess("demo", VARIABLES, MIRRORED), options=known)}


def test_each_run_adds_a_look(tmp_path):
    for name in ("demo", "of another"):
        line = {"time": "2026-11-22T11:00:00Z", "action": "switchover", "outcome": "switched", "cluster": name}
        audit.append(str(tmp_path / "audit.jsonl"), line)
    for count in (1, 2):
        page.write(str(tmp_path / "status.html"), document({"demo": cluster()}), pair_with(tmp_path), False)
        assert len(samples.read(str(tmp_path / "samples.jsonl"))) == count
    page.write(str(tmp_path / "status.html"), document({"demo": cluster()}), pair_with(tmp_path), True)
    assert len(samples.read(str(tmp_path / "samples.jsonl"))) == 2, "in check mode it is only shown"
    text = (tmp_path / "status.html").read_text(encoding="utf-8")
    assert "mirrored at each of 3 looks" in text and text.count("switchover: switched") == 1
    assert (tmp_path / "status.html").stat().st_mode & 0o777 == 0o644


def test_where_no_host_of_a_pair_took_part_its_files_are_not_known(tmp_path):
    page.write(str(tmp_path / "status.html"), document({"demo": cluster()}), pair_with(tmp_path, cluster_name="other"), False)
    assert [path.name for path in tmp_path.iterdir()] == ["status.html"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("samples.jsonl", r"the past of demo is kept in .*samples\.jsonl: Is a directory"),
        ("audit.jsonl", r"audit trail .*audit\.jsonl cannot be read: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, said):
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=said):
        page.write(str(tmp_path / "status.html"), document({"demo": cluster()}), pair_with(tmp_path), False)


def test_a_hundred_clusters_are_less_than_a_megabyte():
    told, histories = fleet(100, segment_hosts=16)
    assert len(page.render(told, histories, "control1").encode()) < 1_000_000
