# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch a file from a host in pieces, so that the controller never holds all of it in memory."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import shlex
import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.long_work import Shown

#: bytes that are asked for at once
PIECE = 8 << 20


class ActionModule(ActionBase):
    """The action of M(warehousepg.coordinator.piecewise_fetch)."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Fetch the file; one that is not whole does not stay."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "src": {"type": "str", "required": True},
                "dest": {"type": "str", "required": True},
                "longest": {"type": "int", "default": 1 << 40},
            }
        )
        src, dest, shown = options["src"], options["dest"], Shown(task_vars or {})
        try:
            with open(os.open(dest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                size, digest = self._copy(src, file, options["longest"], shown)
            told = self._ask(f"sha256sum < {shlex.quote(src)}").split()[:1]
            if told != [digest]:
                raise ValueError(f"it changed, or what came is not what was sent: {size} bytes came")
        except (OSError, ValueError, binascii.Error) as error:
            if not isinstance(error, FileExistsError) and os.path.exists(dest):
                os.unlink(dest)
            return {**result, "failed": True, "msg": f"{src} was not fetched to {dest}: {error}"}
        finally:
            shown.remove()
        return {**result, "changed": True, "size": size, "checksum": digest}

    def _copy(self, src: str, file: t.BinaryIO, longest: int, shown: Shown) -> tuple[int, str]:
        """Copy piece by piece; returns how many bytes came, and their digest."""
        digest, size, count = hashlib.sha256(), 0, 0
        while size == count * PIECE:
            printed = self._ask(f"dd if={shlex.quote(src)} bs={PIECE} skip={count} count=1 2> /dev/null | base64")
            piece = base64.b64decode("".join(printed.split()), validate=True)
            size, count = size + len(piece), count + 1
            if len(piece) > PIECE or size > longest:
                raise ValueError(f"more came than the {min(longest, count * PIECE)} bytes that may come")
            digest.update(piece)
            file.write(piece)
            shown.write({"what": f"fetching {os.path.basename(src)}", "done": size, "total": 0}, time.monotonic())
        return size, digest.hexdigest()

    def _ask(self, command: str) -> str:
        done = self._low_level_execute_command(command)
        if done["rc"] != 0:
            raise ValueError((done["stderr"] or done["stdout"]).strip() or f"exit code {done['rc']}")
        return str(done["stdout"])
