# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the role C(standby) gives, by its own files."""

from __future__ import annotations

from pathlib import Path

import yaml

_ROLE = Path(__file__).parents[4] / "roles" / "standby"


def _read(name):
    return yaml.safe_load((_ROLE / name).read_text())


#: documentation of the role's variables
ARGUMENTS = _read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]

#: by name, the template of each option that the role gives
_VARIABLES = _read("vars/main.yml")
WANTED = {**_VARIABLES["__standby_wanted"], **_VARIABLES["__standby_given"]}

#: the options where nothing is set
OPTIONS = {
    **dict.fromkeys(WANTED),
    **{name[len("standby_") :]: value for name, value in _read("defaults/main.yml").items()},
    "user": "gpadmin",
    "addresses": [],
    "password_given": False,
}
