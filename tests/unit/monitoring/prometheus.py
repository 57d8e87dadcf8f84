# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Prometheus that has read our metrics for a while, as it would have from node_exporter."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

#: seconds that it may take to start
PATIENCE = 60


def history(texts):
    """What was read over time, in OpenMetrics, which has the times in it.

    :param texts: by controller and time, what the file said.
    """
    families = {}
    for (controller, at), text in texts.items():
        for family in text_string_to_metric_families(text):
            lines = families.setdefault(family.name, [f"# TYPE {family.name} {family.type}"])
            for sample in family.samples:
                labels = ",".join(f"{name}={json.dumps(value)}" for name, value in {**sample.labels, "instance": controller}.items())
                lines.append(f"{sample.name}{{{labels}}} {sample.value!r} {at}")
    return "\n".join([*(line for lines in families.values() for line in lines), "# EOF\n"])


def promtool(*arguments, **options):
    """Run promtool, which has to succeed; what it says."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    """A server, asked as Grafana asks it.

    :param url: where it is.
    """

    def __init__(self, url):
        self._url = url

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"{self._url}{path}?{urllib.parse.urlencode(parameters)}", timeout=PATIENCE) as answer:
            return answer.read()

    def ask(self, path, **parameters):
        """What a query of its API returns."""
        return json.loads(self.get(f"/api/v1/{path}", **parameters))["data"]

    def query(self, expression, at):
        """What an expression is at a time: by labels, their names left out, the values."""
        found = self.ask("query", query=expression, time=at)
        assert found["resultType"] == "vector"
        return {named(one["metric"]): float(one["value"][1]) for one in found["result"]}


def named(labels):
    """The labels that tell what a value is of."""
    return tuple(value for name, value in sorted(labels.items()) if name not in ("__name__", "instance"))


@contextlib.contextmanager
def running(directory, texts):
    """A server that has read texts.

    :param directory: for its files.
    :param texts: as :func:`history` has them.
    """
    (directory / "history.om").write_text(history(texts))
    promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", "history.om", "data", cwd=directory)
    (directory / "prometheus.yml").write_text("{}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with open(directory / "log", "w") as log, subprocess.Popen(command, cwd=directory, stdout=log, stderr=log) as process:
        try:
            server = Prometheus(f"http://{address}")
            deadline = time.monotonic() + PATIENCE
            while not _ready(server):
                assert process.poll() is None and time.monotonic() < deadline, (directory / "log").read_text()
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()


def _ready(server):
    try:
        return bool(server.get("/-/ready"))
    except OSError:
        return False
