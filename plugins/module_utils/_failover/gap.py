# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How the time is divided in which a switchover leaves the clients without a primary, whatever hangs.

It begins when the primary announces its shutdown. Both hosts count it by clocks of their own that nobody sets.
"""

from __future__ import annotations

#: the part within which the shutdown must have ended; the rest is for the way back: disarm the standby, and start the primary again
STOP = 0.4

#: the part within which an armed standby must have the proof; a little more, so that a shutdown at the last moment counts
PROOF = 0.5

#: the part that the checkpoint of the shutdown may take, by the one before it
CHECKPOINT = STOP / 2
