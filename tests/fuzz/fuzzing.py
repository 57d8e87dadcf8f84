# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all of these tests share: how many examples of a property are tried and by which seed, and bad input."""

from __future__ import annotations

import collections
import functools
import os
import random

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

#: what the examples are drawn by: the same seed gives the same ones
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
#: examples of each property
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or 40)
#: when no further property is begun, in seconds since the epoch; 0 for never
UNTIL = float(os.environ.get("FUZZ_UNTIL") or 0)

#: by property, how many examples of it were tried
TRIED: collections.Counter[str] = collections.Counter()

_PROFILE = settings(max_examples=EXAMPLES, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))


def fuzzed(*strategies, **named):
    """A property that has to hold for all that these strategies draw."""

    def decorated(test):
        @functools.wraps(test)
        def counted(*arguments, **more):
            TRIED[f"{test.__module__.rpartition('.')[2]}.{test.__name__}"] += 1
            return test(*arguments, **more)

        return _PROFILE(seed(SEED)(given(*strategies, **named)(counted)))

    return decorated


#: letters that mean something to one reader or another: shells, templates, HTML, PostgreSQL, terminals, paths, line ends
SPECIAL = "'\"\\`$&|;<>(){}[]*?~#!%=,:/. \t\n\r\v\f\x00\x1b\x7f\x85\u2028\u2029\u202e\u200b²٣üẞ漢😀\ud800"

#: texts that mean something
MEANINGFUL = (
    "{{ lookup('pipe', 'touch /tmp/evaluated') }}",
    "{% for x in range(9) %}x{% endfor %}",
    "$(touch /tmp/evaluated)",
    "`touch /tmp/evaluated`",
    "'; touch /tmp/evaluated; '",
    "../../../../tmp/evaluated",
    "/",
    "//",
    ".",
    "..",
    "-rf",
    "<script>alert(1)</script>",
    "&amp;",
    "\x1b[2J\x1b]0;owned\x07",
    "a\nb",
    "a\r\nFENCED",
    "%s%n",
    "\u202egpj.exe",
    "null",
    "true",
    "NaN",
    "0",
    "-1",
    "1e400",
    "9" * 5000,
    "x" * 5000,
    "²",
    "٣",
)

hostile_texts = st.one_of(
    st.sampled_from(MEANINGFUL),
    st.text(st.sampled_from(SPECIAL + "aZ0"), max_size=30),
    st.text(max_size=30),
)

#: what the operating system can hand over
tellable = hostile_texts.filter(lambda text: "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text))

hostile_numbers = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 1 << 31, 1 << 32, 1 << 53, 1 << 63, 1 << 64, 10**400, float("nan"), float("inf"), float("-inf"), 1e308, -0.0]),
    st.floats(),
)

#: whatever JSON, or a module that was exchanged, can tell
hostile_values = st.recursive(
    st.one_of(st.none(), st.booleans(), hostile_numbers, hostile_texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile_texts, inner, max_size=3)),
    max_leaves=5,
)


def _spoilt(draw, whole, junk):
    """A valid document after some accidents: parts flipped, cut off, doubled, exchanged, put in."""
    for _accident in range(draw(st.integers(1, 4))):
        begin, end = sorted((draw(st.integers(0, len(whole))), draw(st.integers(0, len(whole)))))
        kind = draw(st.sampled_from(["cut", "lose", "double", "put", "exchange", "begin"]))
        if kind == "cut":
            whole = whole[:begin]
        elif kind == "lose":
            whole = whole[:begin] + whole[min(end, begin + 8) :]
        elif kind == "double":
            whole = whole[:end] + whole[begin:end] + whole[end:]
        elif kind == "put":
            whole = whole[:begin] + draw(junk) + whole[begin:]
        elif kind == "exchange":
            put = draw(junk)
            whole = whole[:begin] + put + whole[begin + len(put) :]
        else:
            whole = whole[begin:]
    return whole


@st.composite
def spoilt_text(draw, *documents):
    """One of these documents, whole or spoilt, or any text."""
    if draw(st.integers(0, 19)) == 0:
        return draw(hostile_texts)
    whole = draw(st.sampled_from(documents))
    return whole if draw(st.integers(0, 9)) == 0 else _spoilt(draw, whole, hostile_texts)


@st.composite
def spoilt_bytes(draw, *documents):
    """The same of bytes; single bits flip, too."""
    whole = draw(st.sampled_from(documents))
    if draw(st.booleans()):
        changed = bytearray(whole)
        for _flip in range(draw(st.integers(1, 8)) if changed else 0):
            changed[draw(st.integers(0, len(changed) - 1))] ^= 1 << draw(st.integers(0, 7))
        return bytes(changed)
    extremes = st.sampled_from([b"\x00" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80"])
    return _spoilt(draw, whole, st.one_of(st.binary(max_size=32), extremes))


def places(document, way=()):
    """The ways to all values of a document of JSON, its containers, too."""
    if way:
        yield way
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in inner:
        yield from places(value, (*way, key))


def replaced(document, way, value):
    """The same document with another value at a place; what is not on the way is shared."""
    if not way:
        return value
    copied = document.copy()
    copied[way[0]] = replaced(document[way[0]], way[1:], value)
    return copied
