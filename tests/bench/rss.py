# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On a host: the peak resident memory of every Python process that comes and goes, until standard input ends.

A module is such a process, and nothing else on a test host is. Prints the largest peak, in MiB.
"""

import os
import re
import select
import sys
import time

PAUSE_S = 0.01
largest_kib = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        try:
            with open("/proc/%s/status" % pid) as status:
                found = re.search(r"Name:\tpython.*VmHWM:\s+(\d+) kB", status.read(), re.DOTALL)
        except OSError:
            continue
        if found:
            largest_kib = max(largest_kib, int(found.group(1)))
    time.sleep(PAUSE_S)
print(round(largest_kib / 1024.0, 1))
