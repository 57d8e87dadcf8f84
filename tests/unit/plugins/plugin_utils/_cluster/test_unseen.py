# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen, unseen
from hypothesis import given
from hypothesis import strategies as st

NO_RESULT = "Module result deserialization failed: No start of json char found"
PSYCOPG2 = "Failed to import the required Python library (psycopg2) on scdw's Python /usr/bin/python3. Please read the module documentation"
DENIED = "Sorry, user ops is not allowed to execute '/bin/sh -c /usr/bin/python3' as gpadmin on scdw."


def test_a_host_that_was_observed():
    assert unseen({"segments": []}) is None


@pytest.mark.parametrize(
    ("observed", "why", "remedy"),
    [
        (None, "it took no part in this run", "without --limit"),
        ({"unreachable": True, "msg": "No route\n to host "}, "unreachable: No route to host", "make it reachable"),
        ({"unreachable": True}, "unreachable: ", "make it reachable"),
    ],
)
def test_a_host_that_did_not_answer(observed, why, remedy):
    found = unseen(observed)
    assert (found.why, found.answered) == (why, False)
    assert remedy in found.remedy and str(found) == f"{found.why}: {found.remedy}"


@pytest.mark.parametrize(
    ("said", "words", "remedy"),
    [
        # as versions 2.16 to 2.21 of ansible-core return it
        ({"msg": "Missing sudo password"}, "asked: Missing sudo password", "become the engine's user"),
        ({"msg": "Task failed: Incorrect sudo password"}, "Incorrect sudo password", "become the engine's user"),
        ({"msg": "MODULE FAILURE\nSee stdout/stderr", "module_stdout": "", "module_stderr": f"{DENIED}\n"}, DENIED, "by a rule of sudo"),
        ({"msg": NO_RESULT, "module_stderr": f"\n{DENIED}\n", "module_stdout": ""}, DENIED, "by a rule of sudo"),
        ({"msg": f"{PSYCOPG2} and install it"}, "(psycopg2) on scdw's Python /usr/bin/python3", "install psycopg2 there"),
        (
            {"msg": NO_RESULT, "module_stderr": 'File "x", line 3\n  ^\nSyntaxError: future feature annotations is not defined\n'},
            "its Python is too old (SyntaxError: future feature annotations is not defined)",
            "3.8 or newer",
        ),
        (
            {"msg": "Ansible requires Python 3.9 or newer on the target. Current version: 3.8.18"},
            "Ansible requires Python 3.9",
            "ansible_python",
        ),
        ({"msg": "this collection needs Python 3.8 or newer, /usr/bin/python3 is 3.7.16"}, "is 3.7.16", "3.8 or newer"),
        ({"msg": "The module interpreter '/usr/bin/python9' was not found."}, "python9", "ansible_python_interpreter"),
        ({"msg": "x", "module_stderr": "/bin/sh: 1: /usr/bin/python9: not found\n", "rc": 127}, "python9: not found", "ansible_python"),
        ({"msg": "No space left on device"}, "No space left on device", "mend that there"),
        ({"failed": True}, "it did not say why", "mend that there"),
    ],
)
def test_a_host_that_could_not_be_asked_says_why(said, words, remedy):
    found = unseen(said)
    assert found.answered
    assert found.why.startswith("it answered, but could not be asked: ") and words in found.why
    assert remedy in found.remedy
    assert NO_RESULT not in found.why and "MODULE FAILURE" not in found.why


@given(st.dictionaries(st.sampled_from(["msg", "module_stdout", "module_stderr", "rc", "failed"]), st.none() | st.text() | st.integers()))
def test_whatever_comes_back_is_told_on_one_line(result):
    found = unseen(result)
    assert isinstance(found, Unseen) and found.answered
    assert found.why.isprintable() and len(found.why) < 400
