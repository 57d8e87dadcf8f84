# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a file to a host in pieces, written by the user that Ansible becomes there."""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.long_work import Shown

#: bytes that are given at once
PIECE = 8 << 20


class ActionModule(ActionBase):
    """The action of M(warehousepg.coordinator.piecewise_push)."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Bring the file; one that is not whole does not stay."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec({"src": {"type": "str", "required": True}, "dest": {"type": "str", "required": True}})
        src, dest, shown = options["src"], options["dest"], Shown(task_vars or {})
        there = shlex.quote(dest)
        begun = False
        try:
            with open(src, "rb") as file:
                self._ask(f"umask 077; rm -f {there}; set -C; : > {there}")
                begun = True
                size, digest = self._copy(file, there, shown)
            told = self._ask(f"sha256sum < {there}").split()[:1]
            if told != [digest]:
                raise ValueError(f"what came is not what was sent: {size} bytes were")
        except (OSError, ValueError) as error:
            if begun:
                self._low_level_execute_command(f"rm -f {there}")
            return {**result, "failed": True, "msg": f"{src} was not brought to {dest}: {error}"}
        finally:
            shown.remove()
        return {**result, "changed": True, "size": size, "checksum": digest}

    def _copy(self, file: t.BinaryIO, there: str, shown: Shown) -> tuple[int, str]:
        """Copy piece by piece; returns how many bytes went, and their digest."""
        digest, done, total = hashlib.sha256(), 0, os.fstat(file.fileno()).st_size
        for piece in iter(lambda: file.read(PIECE), b""):
            self._ask(f"base64 -d >> {there}", base64.encodebytes(piece))
            digest.update(piece)
            done += len(piece)
            shown.write({"what": f"bringing {os.path.basename(file.name)}", "done": done, "total": total}, time.monotonic())
        return done, digest.hexdigest()

    def _ask(self, command: str, given: bytes | None = None) -> str:
        done = self._low_level_execute_command(command, in_data=given)
        if done["rc"] != 0:
            raise ValueError((done["stderr"] or done["stdout"]).strip() or f"exit code {done['rc']}")
        return str(done["stdout"])
