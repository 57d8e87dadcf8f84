# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the tests in JUnit files: a line "<number> passed" and a line "<number> failed", where there are any."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

cases = [case for path in sys.argv[1:] if Path(path).exists() for case in ElementTree.parse(path).iter("testcase")]
failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
skipped = [case for case in cases if case.find("skipped") is not None]
for count, outcome in ((len(cases) - len(failed) - len(skipped), "passed"), (len(failed), "failed")):
    if count:
        print(count, outcome)
