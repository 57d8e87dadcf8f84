# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Variables that look like options and are none: what is asked for by a misspelt name would be left undone without a word.

An inventory and playbooks of the operator's have variables of their own, whose names may begin like options. So there only a name that
differs from an option's in a letter or two is taken for it, and warned of. What the command line gives a playbook of ours is meant for it.
"""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import SPEC, SPECS

#: what the playbooks themselves take beside the options of their roles
OF_PLAYBOOKS = ("whpg_hosts",)

_BEGINNINGS = tuple(f"{role}_" for role in SPECS)
_OF_ROLES = [name for name in SPEC if name.startswith(_BEGINNINGS)]
_ALL = [*SPEC, *OF_PLAYBOOKS]

#: how alike, of 1, a name and an option's are that differ in a letter or two
_MISSPELT = 0.88

#: the same of those that may have been meant
_SIMILAR = 0.7


def refusal(given: t.Iterable[str], is_ours: bool) -> str:
    """Why a run is not begun with these variables of the command line; empty where nothing is wrong with them.

    :param is_ours: whether it runs nothing but playbooks of ours, so that whatever begins like an option is meant for one.
    """
    strangers = (name for name in given if name not in _ALL)
    meant = (name for name in strangers if _like(name, _ALL, _MISSPELT) or (is_ours and name.startswith(_BEGINNINGS)))
    return "; ".join(f"{_said(name)}: correct it, or leave it out" for name in meant)


def warnings(variables: t.Iterable[str]) -> list[str]:
    """What to look at among the variables of a host, in sentences."""
    strangers = (name for name in variables if name not in SPEC and name.startswith(_BEGINNINGS))
    misspelt = (name for name in strangers if _like(name, _OF_ROLES, _MISSPELT))
    return [f"{_said(name)}: correct it, or give a variable of your own another name" for name in misspelt]


def _like(name: str, options: t.Sequence[str], ratio: float) -> str:
    """The option that a name is most like; empty where it is like none."""
    return next(iter(difflib.get_close_matches(name, options, 1, ratio)), "")


def _said(name: str) -> str:
    similar = _like(name, _ALL, _SIMILAR)
    return f"{name} is no option" + (f" (did you mean {similar}?)" if similar else "")
