# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Connection strings, as libpq writes and reads them; psycopg2 is loaded when one is, for the controller needs none."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError

#: what the engine's libpq knows, and that of an older psycopg2, or one that was built without GSSAPI, does not
_LATER = re.compile(r"(?:^|(?<=\s))(tcp_user_timeout|gssencmode|gsslib|krbsrvname)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s'\\]+))(?:\s+|$)")


def conninfo(parameters: t.Mapping[str, str]) -> str:
    """A connection string, with quotes where there are blanks only: gpactivatestandby reads it, and knows none.

    :raises CoordinatorError: libpq would not read these parameters in it.
    """
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import make_dsn

    later = {name: value for name, value in parameters.items() if _LATER.fullmatch(f"{name}={value}")}
    others = {name: value for name, value in sorted(parameters.items()) if name not in later}
    try:
        written = " ".join([make_dsn(**others), *(f"{name}={value}" for name, value in sorted(later.items()))]).strip()
        why = "" if parse_conninfo(written) == parameters else "they would be read as others"
    except (ProgrammingError, UnicodeError) as error:
        why = str(error).strip()
    if why:
        raise CoordinatorError(f"a connection cannot have the parameters {', '.join(sorted(parameters))}, {why}: correct them")
    return written


def of_psycopg2(parameters: t.Mapping[str, str]) -> dict[str, str]:
    """Those of the parameters that the libpq of psycopg2 knows, for sessions of this collection itself."""
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import make_dsn

    def is_known(name: str, value: str) -> bool:
        if _LATER.fullmatch(f"{name}={value}"):
            try:
                make_dsn(**{name: value})
            except ProgrammingError:
                return False
        return True

    return {name: value for name, value in parameters.items() if is_known(name, value)}


def parse_conninfo(text: str) -> dict[str, str]:
    """The parameters of a connection string; one that libpq would not take gives none."""
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import parse_dsn

    try:
        return dict(parse_dsn(text))
    except (ProgrammingError, UnicodeError):
        later = {name: re.sub(r"\\(.)", r"\1", quoted) if quoted else bare for name, quoted, bare in _LATER.findall(text)}
    try:
        return {**parse_dsn(_LATER.sub("", text)), **later} if later else {}
    except (ProgrammingError, UnicodeError):
        return {}
