# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this Python has psycopg2, and what a wheel for it needs to be."""

import importlib.util
import json
import site
import sys

print(
    json.dumps(
        {
            "present": importlib.util.find_spec("psycopg2") is not None,
            "version": "%d.%d" % sys.version_info[:2],
            "packages": site.getsitepackages()[0],
        }
    )
)
