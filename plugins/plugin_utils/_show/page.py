# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The state of the pairs as one page that people look at, in one file that fetches nothing.

Part of what it shows is what some host said. All of it is put into the template as text of one line, escaped; and the page itself tells a
browser that nothing but its own style and script, known by their hashes, may have any effect.
"""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import hashlib
import platform
import typing as t
from pathlib import Path

import jinja2
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import AUDIT_FILES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, course, pictures, report, samples, trail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.course import History
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.pictures import Look
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.severity import worst_first
from markupsafe import Markup

_TEMPLATES = Path(__file__).parents[3] / "roles" / "status" / "templates"

#: how many clusters that somebody has to look at are shown whole at once
_OPEN = 3

Document = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence on a cluster, and what kind of sentence it is."""

    kind: str
    text: str
    tone: str = ""


@dataclasses.dataclass(frozen=True)
class Card:
    """A cluster.

    :param look: of its state.
    :param opened: whether it is shown whole at once.
    :param since: when its state was first seen; empty where that is not known, as lag and retained WAL.
    :param warned: how many warnings there are, in words; empty without one.
    :param coordinators: their hosts, the primary first.
    :param stream: what is between the first two of them; None where there is one host only.
    """

    name: str
    look: Look
    opened: bool
    warned: str
    maintenance: bool
    since: str
    lag: str
    retained: str
    coordinators: list[pictures.Machine]
    stream: pictures.Stream | None
    segments: pictures.Segments
    notes: list[Note]
    past: course.Past


@dataclasses.dataclass(frozen=True)
class Page:
    """All that the template is given.

    :param headline: all clusters in one sentence.
    :param look: of the worst of them.
    :param counts: how many clusters look how, the worst first.
    :param seen: when they were judged.
    :param controller: where.
    """

    headline: str
    look: Look
    counts: list[tuple[int, Look]]
    seen: course.Moment
    controller: str
    cards: list[Card]


def write(path: str, document: Document, pairs: t.Mapping[str, Pair], check_mode: bool) -> None:
    """Write the page whole, readable by all.

    :param pairs: by cluster, what its hosts mean together.
    :param check_mode: whether this look is not kept for later pages.
    :raises OSError: it cannot be written.
    """
    time = datetime.datetime.now(datetime.timezone.utc).timestamp() // 1
    # where no host of a pair took part it is not known where its files are
    known = {name: pair.options for name, pair in pairs.items() if (pair.options["cluster_name"] or "") == name}
    trails = trail.gather({name: {told[option] for option in AUDIT_FILES} - {""} for name, told in known.items()})
    for file, why in trails.unread.items():
        raise OSError(None, f"the audit trail {file} cannot be read: {why}")
    histories = {}
    for name, told in known.items():
        file, look = told["status_samples_file"], samples.sample(document["clusters"][name], time)
        try:
            histories[name] = History(samples.keep(file, look, check_mode), trails.events[name])
        except OSError as error:
            raise OSError(error.errno, f"what it shows of the past of {name} is kept in {file}: {error.strerror}") from error
    report.write_text(path, render(document, histories, platform.node()))


def render(document: Document, histories: t.Mapping[str, History], controller: str) -> str:
    """The page.

    :param document: the state of the pairs, as programs get it.
    :param histories: by cluster, what is known of its past.
    :param controller: where it is made.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = {name: Markup((_TEMPLATES / f"page.{name}").read_text(encoding="utf-8").partition("*/\n")[2]) for name in ("css", "js")}
    hashes = {f"{name}_hash": base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in parts.items()}
    made = dataclasses.asdict(page(document, histories, controller))
    return environment.get_template("page.html.j2").render(**parts, **hashes, **made)


def _shown(value: t.Any) -> t.Any:
    """A value of the template as it is put into the page."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def page(document: Document, histories: t.Mapping[str, History], controller: str) -> Page:
    """What the page says, the worst cluster first."""
    clusters = worst_first(document["clusters"])
    named = enumerate(clusters.items())
    cards = [_card(name, cluster, histories.get(name, History([], [])), len(clusters), at) for at, (name, cluster) in named]
    return Page(
        headline=_headline([*clusters.values()], [card.name for card in cards]),
        look=cards[0].look if cards else pictures.look("", False),
        counts=[(count, found) for found, count in collections.Counter(card.look for card in cards).items()],
        seen=course.moment(datetime.datetime.strptime(document["time"], audit.TIME)),
        controller=controller,
        cards=cards,
    )


def _headline(clusters: t.Sequence[Document], names: t.Sequence[str]) -> str:
    """All clusters in one sentence."""
    others = [cluster for cluster in clusters if not cluster["as_desired"]]
    warned = sum(1 for cluster in clusters if cluster["as_desired"] and cluster["warnings"])
    if not clusters:
        return "No cluster was looked at"
    if len(clusters) == 1:
        state = pictures.look(clusters[0]["state"], clusters[0]["as_desired"]).words
        return f"{names[0]} is {state}" + (", with warnings" if warned else "")
    if others:
        return f"{len(others)} of {len(clusters)} clusters need{'s' if len(others) == 1 else ''} attention"
    return f"All {len(clusters)} clusters are as they should be" + (f", {warned} with warnings" if warned else "")


def _card(name: str, cluster: Document, history: History, of: int, at: int) -> Card:
    hosts = cluster["hosts"]
    order = sorted(cluster["coordinators"], key=lambda host: host != cluster["primary"])
    warnings = cluster["warnings"]
    retained = report.most_retained(cluster)
    lag = cluster["replication"]["lag_bytes"]
    return Card(
        name=name or "a cluster without a name",
        look=pictures.look(cluster["state"], cluster["as_desired"]),
        opened=of == 1 or (at < _OPEN and not cluster["as_desired"]),
        warned=f"{len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else "",
        since=cluster["since"][:16].replace("T", " ") if cluster["since"] else "",
        maintenance=bool(cluster["maintenance"]),
        lag=size(lag) if lag is not None else "",
        retained=size(retained) if retained is not None else "",
        coordinators=[pictures.coordinator(host, hosts[host], cluster) for host in order],
        stream=pictures.stream(cluster, order) if len(order) > 1 else None,
        segments=pictures.segments(name, cluster),
        notes=_notes(cluster),
        past=course.past(history),
    )


def _notes(cluster: Document) -> list[Note]:
    """What is said of a cluster in sentences."""
    allowed = cluster["activation"]["allowed"]
    found = [Note("Seen", said) for said in cluster["reasons"]]
    found += [Note("Warning", said, "warn") for said in cluster["warnings"]]
    found += [Note("Next", cluster["advice"])] if cluster["advice"] != "nothing" else []
    return [*found, Note("Activation", f"{'allowed' if allowed else 'refused'}: {cluster['activation']['reason']}")]
