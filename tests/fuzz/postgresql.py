# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How PostgreSQL reads its files: the rules of its own scanners, for tests to read by what we wrote."""

from __future__ import annotations

import re

# guc-file.l
_LETTER = rb"[A-Za-z_\x80-\xff]"
_WORD = rb"[A-Za-z_0-9\x80-\xff]"
_NAME = rb"(?:%s%s*\.)?%s%s*" % (_LETTER, _WORD, _LETTER, _WORD)
_STRING = rb"'(?:[^'\\\n]|\\[^\n]|'')*'"
_BARE = rb"%s(?:%s|[-._:/])*" % (_LETTER, _WORD)
_REAL = rb"[+-]?[0-9]*\.[0-9]*(?:[Ee][+-]?[0-9]+)?"
_INTEGER = rb"[+-]?(?:0x[0-9a-fA-F]+|[0-9]+)[a-zA-Z]*"
_BLANK = rb"[ \t\r]"
_LINE = re.compile(
    rb"%s*(?:(?P<name>%s)(?:%s*=%s*|%s+|(?='))(?P<value>%s|%s|%s|%s)%s*)?(?:#[^\n]*)?"
    % (_BLANK, _NAME, _BLANK, _BLANK, _BLANK, _STRING, _BARE, _REAL, _INTEGER, _BLANK)
)
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _unescaped(match):
    found = match.group(1)
    if found is None:
        return b"'"
    return bytes([int(found, 8) & 0xFF]) if found.isdigit() and found < b"8" else _ESCAPES.get(found, found)


def configuration(text):
    """The lines of a ``postgresql.conf`` that say something, as names and values; None of a file that the engine does not take."""
    found = []
    for line in text.encode("utf-8", "surrogateescape").split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        if match.group("name") is None:
            continue
        value = match.group("value")
        if value.startswith(b"'"):
            value = re.sub(rb"''|\\([0-7]{1,3}|.)", _unescaped, value[1:-1], flags=re.DOTALL)
        found.append((match.group("name").decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")))
    return found


def access_fields(line):
    """The fields of a line of ``pg_hba.conf``, each a text and whether it began with a quote (next_token of hba.c)."""
    fields, rest = [], line
    while True:
        rest = rest.lstrip(" \t\r,")
        if not rest or rest[0] == "#":
            return fields
        text, quoted, in_quote, was_quote, length = "", False, False, False, 0
        for letter in rest:
            if letter in " \t\r#," and not in_quote:
                break
            length += 1
            if letter != '"' or was_quote:
                text += letter
            was_quote = not was_quote if in_quote and letter == '"' else False
            if letter == '"':
                in_quote = not in_quote
                quoted = quoted or text == ""
        if len(text.encode()) >= 256:
            raise ValueError(f"{text!r} is longer than the engine takes")
        fields.append((text, quoted))
        rest = rest[length:]
