# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plans are made of, by what the hosts of a cluster show."""

from __future__ import annotations

import dataclasses

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation

from .observed import VARIABLES, changed, seen


def situation(found, *changes, options, **of_pair):
    """The situation of a cluster.

    :param options: by name, what plans ask for.
    :param of_pair: what of its pair is otherwise than hosts show.
    """
    found = changed(found, *changes)
    pair = dataclasses.replace(assess("demo", VARIABLES, found), options=options, **of_pair)
    return Situation("demo", pair, seen(found), absent=[], variables={}, options={})
