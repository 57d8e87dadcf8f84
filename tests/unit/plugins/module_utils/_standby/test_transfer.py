# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gzip
import io
import os
import tarfile

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import transfer

RUNS = Postmaster(pid=9, port=5432, socket_directory="/tmp", status="standby", suspended=False, connected=True, received="0/200")
KEEP, WRITE, RELOAD, RESTART = map(Step, ("keep", "write", "reload", "restart"))


class Host:
    """A host whose engine reads any settings but those that it is told not to."""

    def __init__(self, broken="", values=()):
        self.broken, self.values = broken, dict(values)

    def write(self, path, text, mode):
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        os.chmod(path, mode)

    def run(self, program, *arguments, **_):
        assert program == "postgres"
        directory = arguments[1]
        with open(f"{directory}/postgresql.conf", encoding="utf-8") as file:
            if self.broken and self.broken in file.read():
                raise CoordinatorError(f"postgres failed: {self.broken}")
        return self.values.get(arguments[3], "off") + "\n"


def packed(text, mode=0o600, changed=100.0):
    return transfer.Packed(text, mode, changed)


def receiver(directory, texts, role="standby", postmaster=None, newer=(), restarting=("max_connections",)):
    found = Instance(data_directory=str(directory), directory_state="instance", role=role, port=5432, postmaster=postmaster)
    return transfer.Receiver(instance=found, texts=texts, newer=frozenset(newer), restarting=frozenset(restarting))


def test_what_was_packed_comes_out_as_it_was(tmp_path):
    content = bytes(range(256))
    (tmp_path / "ssl").mkdir()
    (tmp_path / "ssl/server.key").write_bytes(content)
    os.chmod(tmp_path / "ssl/server.key", 0o640)
    archive, names = transfer.pack(str(tmp_path), ["ssl/server.key", "gone"])
    assert names == ["ssl/server.key"]
    file = next(iter(transfer.unpack(archive).values()))
    assert (file.text.encode("utf-8", "surrogateescape"), file.mode) == (content, 0o640)
    assert "server" not in repr(file)
    assert str(content) not in repr(file)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x"])
def test_nothing_outside_of_the_directory_is_packed(tmp_path, name):
    with pytest.raises(CoordinatorError, match="not a path in a data directory"):
        transfer.pack(str(tmp_path), [name])


def test_a_file_that_is_too_large_is_refused(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(transfer.drift.MOST_BYTES + 1)
    with pytest.raises(CoordinatorError, match="copy it by hand"):
        transfer.pack(str(tmp_path), ["large"])


def test_an_archive_of_others_is_refused(tmp_path):
    path = tmp_path / "x.tar.gz"
    (tmp_path / "target").symlink_to("/etc/passwd")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "target", "link")
    with pytest.raises(CoordinatorError, match="no file"):
        transfer.unpack(path.read_bytes())
    with pytest.raises(CoordinatorError, match="cannot be read"):
        transfer.unpack(b"nonsense")


def test_what_is_the_same_is_not_written(tmp_path):
    texts = {"pg_hba.conf": "# said\nhost a b c d\n", "x": "1", "postgresql.conf": "port = 1\nwork_mem = '4MB'\n"}
    files = {"pg_hba.conf": packed("host a b c d\n"), "x": packed("1"), "postgresql.conf": packed("port = 2\nwork_mem = 4MB\n")}
    assert transfer.changes(receiver(tmp_path, texts), files, [], keep=True) == []


@pytest.mark.parametrize(
    ("name", "before", "text", "newer", "keep", "kept"),
    [
        ("x", "1", "2", False, False, False),
        ("x", "1", "2", True, False, True),
        ("x", "1", "2", False, True, True),
        ("x", None, "2", False, True, False),
        ("pg_hba.conf", "host a b c d\n", "host a b c d\nhost e f g h\n", True, True, False),
        ("pg_hba.conf", "host x x x x\n", "host a b c d\n", True, True, True),
    ],
)
def test_what_is_kept(tmp_path, name, before, text, newer, keep, kept):
    found = receiver(tmp_path, {name: before}, newer=[name] if newer else [])
    (change,) = transfer.changes(found, {name: packed(text)}, [], keep)
    assert change.keep is kept


@pytest.mark.parametrize(
    ("role", "postmaster", "name", "text", "restart", "steps"),
    [
        ("standby", None, "postgresql.conf", "max_connections = 9", True, [WRITE]),
        ("standby", RUNS, "postgresql.conf", "work_mem = '9MB'", True, [WRITE, RELOAD]),
        ("standby", RUNS, "postgresql.conf", "max_connections = 9", True, [WRITE, RESTART]),
        ("standby", RUNS, "postgresql.conf", "max_connections = 9", False, [WRITE, RELOAD]),
        ("primary", RUNS, "postgresql.conf", "max_connections = 9", True, [WRITE, RELOAD]),
        ("standby", RUNS, "pg_hba.conf", "host a b c d", True, [WRITE, RELOAD]),
    ],
)
def test_what_is_done(tmp_path, role, postmaster, name, text, restart, steps):
    found = receiver(tmp_path, {name: ""}, role, postmaster)
    needed = transfer.changes(found, {name: packed(text)}, [], keep=False)
    assert transfer.plan(found, needed, restart) == steps
    assert transfer.plan(found, [], restart) == []


def doing(tmp_path, host, files, **found):
    texts = {name: (tmp_path / name).read_text() if (tmp_path / name).exists() else None for name in files}
    there = receiver(tmp_path, texts, **found)
    return transfer.Transfer(host, there, transfer.changes(there, files, [], keep=True), 1)


def test_files_are_written_with_mode_and_time(tmp_path):
    files = {"postgresql.conf": packed("work_mem = '8MB'\n"), "gpssl/deep/server.key": packed("k", 0o640, 7.0)}
    assert doing(tmp_path, Host(), files).write()["brought"] == list(files)
    status = os.stat(tmp_path / "gpssl/deep/server.key")
    assert (status.st_mode & 0o777, status.st_mtime) == (0o640, 7.0)


@pytest.mark.parametrize("host", [Host(broken="nonsense"), Host(values={"ssl": "on", "ssl_cert_file": "gone.crt"})])
def test_what_the_engine_cannot_read_is_put_back(tmp_path, host):
    (tmp_path / "postgresql.conf").write_text("work_mem = '4MB'\n")
    os.chmod(tmp_path / "postgresql.conf", 0o600)
    os.utime(tmp_path / "postgresql.conf", (5, 5))
    files = {"postgresql.conf": packed("nonsense = 1\n", 0o644), "gpssl/server.key": packed("k")}
    with pytest.raises(CoordinatorError, match="has what it had"):
        doing(tmp_path, host, files).write()
    status = os.stat(tmp_path / "postgresql.conf")
    assert (tmp_path / "postgresql.conf").read_text() == "work_mem = '4MB'\n"
    assert (status.st_mode & 0o777, status.st_mtime) == (0o600, 5)
    assert os.listdir(tmp_path) == ["postgresql.conf"]


def test_what_a_standby_does_not_start_with_is_put_back(tmp_path, monkeypatch):
    (tmp_path / "postgresql.conf").write_text("max_connections = 5\n")
    started = []

    def start(*_):
        started.append((tmp_path / "postgresql.conf").read_text())
        if len(started) == 1:
            raise CoordinatorError("it did not start")

    monkeypatch.setattr(transfer.instance, "stop", lambda *_: None)
    monkeypatch.setattr(transfer.instance, "start", start)
    transferring = doing(tmp_path, Host(), {"postgresql.conf": packed("max_connections = 9\n")}, postmaster=RUNS)
    transferring.write()
    with pytest.raises(CoordinatorError, match=r"it did not start.*max_connections"):
        transferring.restart()
    assert started == ["max_connections = 9\n", "max_connections = 5\n"]


def test_what_is_replaced_is_kept_beside(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    (place / "x").write_text("own")
    (kept,) = doing(place, Host(), {"x": packed("other")}).keep()["kept"]
    assert kept.startswith(f"{place}.replaced-")
    with open(kept, encoding="utf-8") as file:
        assert file.read() == "own"


def test_settings_that_need_a_restart_are_told_by_the_engine():
    class Engine:
        def run(self, *_):
            return "max_connections\tpostmaster\tgroup\nwork_mem\tuser\tgroup\n"

    assert transfer.restart_settings(Engine()) == {"max_connections"}


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (lambda: bomb(bytes(1 << 20) * 21), "is cut off, or has more than 20 MiB"),
        (lambda: bomb(plain(("a", 3 << 20), ("b", 3 << 20))), "holds more than 4 MiB"),
        (lambda: bomb(plain(("a", 1), ("a", 1))), "holds 'a', which is no file"),
        (lambda: bomb(plain(("a", 1 << 20)))[:-20], "is cut off"),
    ],
)
def test_what_an_archive_unpacks_to_is_bounded(monkeypatch, archive, why):
    monkeypatch.setattr(transfer, "_MOST_IN_ALL", 4 << 20)
    monkeypatch.setattr(transfer, "_MOST_UNPACKED", 20 << 20)
    with pytest.raises(CoordinatorError, match=why):
        transfer.unpack(archive())


def bomb(content):
    return gzip.compress(content, 1)


def plain(*sizes):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:") as archive:
        for name, size in sizes:
            entry = tarfile.TarInfo(name)
            entry.size = size
            archive.addfile(entry, io.BytesIO(bytes(size)))
    return packed.getvalue()
