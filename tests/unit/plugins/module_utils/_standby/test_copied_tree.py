# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Range, Server

from .primary_files import BLOCK, Primary, bring_in_step, content, fill


def test_what_is_no_file_of_the_primary_goes(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("precious")
    (tmp_path / "copy" / "base").mkdir(parents=True)
    (tmp_path / "copy" / "base" / "5").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "copy" / "postgresql.conf").symlink_to(tmp_path / "elsewhere" / "precious")
    (tmp_path / "copy" / "global").write_text("no directory")
    (tmp_path / "copy" / "PG_VERSION").mkdir()
    (tmp_path / "linked").write_text("12")
    os.mkdir(tmp_path / "copy" / "own")
    os.link(tmp_path / "linked", tmp_path / "copy" / "own" / "file")
    (tmp_path / "primary").mkdir()
    files = {
        "base/5/17": b"x" * 700,
        "postgresql.conf": b"port=1",
        "global/1262": b"y" * BLOCK,
        "PG_VERSION": b"12",
        "own/file": b"13",
        "pg_replslot/one/state": b"s",
        "pg_anchor_snapshots/one": b"a",
    }
    fill(tmp_path / "primary", files)
    bring_in_step(Primary(tmp_path / "primary"), tmp_path / "copy")
    assert content(tmp_path / "copy") == {path: text for path, text in files.items() if not path.startswith(("pg_replslot", "pg_anchor"))}
    assert (tmp_path / "copy" / "pg_replslot").is_dir() and (tmp_path / "copy" / "pg_anchor_snapshots").is_dir()
    assert (tmp_path / "elsewhere" / "precious").read_text() == "precious" and (tmp_path / "linked").read_text() == "12"
    assert not (tmp_path / "copy" / "base" / "5").is_symlink()


def test_what_is_in_tablespaces_is_copied_to_where_their_links_lead(tmp_path):
    part = "pg_tblspc/16385/GPDB_7_302307241"
    files = {"PG_VERSION": b"12", f"{part}/5/17": b"t" * BLOCK}
    for path in ("primary", "space/2", "copy/pg_tblspc"):
        (tmp_path / path).mkdir(parents=True)
    fill(tmp_path / "primary", {**files, "pg_tblspc/16385/of_another_instance/5/17": b"x"})
    (tmp_path / "copy" / "pg_tblspc" / "16385").symlink_to(tmp_path / "space" / "2")
    bring_in_step(Primary(tmp_path / "primary"), tmp_path / "copy")
    assert content(tmp_path / "copy") == {"PG_VERSION": b"12"}, "the link is what it was"
    assert content(tmp_path / "space") == {"2/GPDB_7_302307241/5/17": b"t" * BLOCK}


def test_a_seed_is_only_read(tmp_path):
    seed = {"base/5/17": b"s" * 4 * BLOCK, "server.key": b"key", "only/here": b"x"}
    (tmp_path / "seed").mkdir()
    fill(tmp_path / "seed", seed)
    os.chmod(tmp_path / "seed" / "server.key", 0o600)
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", {"base/5/17": b"s" * 3 * BLOCK + b"t" * BLOCK, "server.key": b"key"})
    (tmp_path / "copy").mkdir()
    source = Primary(tmp_path / "primary")
    comparison = bring_in_step(source, tmp_path / "copy", tmp_path / "seed", Server("1", BLOCK, 4, False, 0o750, 1 << 20))
    assert content(tmp_path / "seed") == seed
    assert content(tmp_path / "copy") == content(tmp_path / "primary")
    assert comparison.fetched == BLOCK and source.read_ranges == [Range("base/5/17", 3 * BLOCK, 4 * BLOCK)]
    modes = {name: stat.S_IMODE((tmp_path / "copy" / name).stat().st_mode) for name in ("base", "base/5/17", "server.key")}
    assert modes == {"base": 0o750, "base/5/17": 0o640, "server.key": 0o600}


@pytest.fixture
def place():
    """A directory of somebody who is not root, who may do whatever files allow."""
    with TemporaryDirectory() as base:
        if os.geteuid() == 0:
            os.chown(base, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(base)
        finally:
            os.seteuid(os.getuid())


def test_files_that_cannot_be_written_or_read_are_copied_anew(place):
    """Keys are often for their owner to read alone, and pg_basebackup leaves them so."""
    key = {"server.key": b"new key", "base/5/17": b"x" * BLOCK}
    for name, files in (("primary", key), ("copy", {"server.key": b"old key"}), ("seed", {"base/5/17": b"x" * BLOCK})):
        (place / name).mkdir()
        fill(place / name, files)
    (place / "copy" / "server.key").chmod(0o400)
    (place / "seed" / "base/5/17").chmod(0)
    bring_in_step(Primary(place / "primary"), place / "copy", place / "seed")
    assert content(place / "copy") == key


def test_links_that_lead_back_end(tmp_path):
    (tmp_path / "primary").mkdir()
    (tmp_path / "primary" / "round").symlink_to(tmp_path / "primary")
    (tmp_path / "copy").mkdir()
    with pytest.raises(CoordinatorError, match="leads through more than 32 directories"):
        bring_in_step(Primary(tmp_path / "primary"), tmp_path / "copy")
