# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documents show is right: examples are parsed, and name playbooks, modules, options and files that are there."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shlex
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible.vars.manager import VariableManager
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import SPEC, SPECS, read

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/docsite/rst/*.rst"), ROOT / "molecule/README.md"])
COLLECTION = "warehousepg.coordinator"
#: where this tree is published
PUBLISHED = "https://github.com/warehousepg/ansible-coordinator/blob/main/"

PLAYBOOKS = {path.stem for path in ROOT.glob("playbooks/*.yml")}
MODULES = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
ROLES = {path.parent.name for path in ROOT.glob("roles/*/meta")}
CALLBACKS = {path.stem for path in ROOT.glob("plugins/callback/*.py")}
LOOKUPS = {path.stem for path in ROOT.glob("plugins/lookup/*.py")}
#: what a full name of this collection may lead to
PARTS = {*PLAYBOOKS, *MODULES, *ROLES, *CALLBACKS, *LOOKUPS, "docsite"}
#: what begins as an option does and is none: names by default, and what the role discovery leaves on hosts
NO_OPTIONS = {"standby_coordinator", "standby_replicator", "discovery_options", "discovery_observation", "discovery_verdict"}
STATES = json.loads((ROOT / "roles/status/files/status.schema.json").read_text())["$defs"]["cluster"]["properties"]["state"]["enum"]
#: how paths in this tree begin
PATHS = r"(plugins|roles|playbooks|extensions|docs|molecule|tests|changelogs|\.ci|\.config|\.cache/collections)/"
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
#: what an example of a test imports
SHARED = {"annotations", *re.findall(r"^(?:def )?(\w+)(?:\(| = )", (ROOT / "molecule/conftest.py").read_text(), re.MULTILINE)}
#: programs of which nothing more is known here
OTHERS = {"ansible-vault", "git", "molecule", "podman", "pytest", ".", "cd"}
FLAGS = {"--check", "--diff", "--become"}


@dataclasses.dataclass(frozen=True)
class Example:
    """A block of a document that is set in another language."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def examples(path):
    """The blocks of a document."""
    lines = path.read_text().splitlines()
    at = 0
    while at < len(lines):
        fence = re.match(r"( *)```(\w*)", lines[at]) if path.suffix == ".md" else None
        directive = re.match(r"( *)\.\. code-block::\s*(\S*)", lines[at]) if path.suffix == ".rst" else None
        begin = at = at + 1
        if fence:
            while not lines[at].startswith(f"{fence.group(1)}```"):
                at += 1
        elif directive:
            depth = len(directive.group(1))
            while at < len(lines) and (not lines[at].strip() or len(lines[at]) - len(lines[at].lstrip()) > depth):
                at += 1
        found = fence or directive
        if found:
            yield Example(path, begin, found.group(2), textwrap.dedent("\n".join(lines[begin:at])).strip("\n"))
            at += bool(fence)


def is_option(name):
    return name in SPEC or name == "whpg_hosts" or name.startswith("ansible_")


def wrong_values(variables):
    """What the collection would find wrong with values of its options; a placeholder is none."""
    known = {name: value for name, value in variables.items() if not (isinstance(value, str) and re.search(r"<.*>", value))}
    # their directories are those of a controller
    known.update({name: "/tmp/file.prom" for name in known if SPEC.get(name, {}).get("type") == "path"})
    # what else has to be there is no matter of an example
    host = {"cluster_name": "alpha", "whpg_role": "coordinator", "whpg_data_directory": "/data"}
    return [f"{name}: no option" for name in variables if not is_option(name)] + list(
        read({**host, **known}, lambda value: value).wrong.values()
    )


def wrong_inventory(text, directory):
    """What Ansible, and the collection, find wrong with an inventory."""
    (directory / "inventory.yml").write_text(text)
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(directory / "inventory.yml")])
    clusters = inventory.groups.get("whpg_clusters")
    if clusters is None:
        return ["no group whpg_clusters"]
    said = []
    roles = {}
    for host in clusters.get_hosts():
        found = VariableManager(loader=loader, inventory=inventory).get_vars(host=host, include_hostvars=False)
        ours = {name: found[name] for name in [*host.vars, *(name for group in host.get_groups() for name in group.vars)]}
        ours = {name: value for name, value in ours.items() if not name.startswith(("inventory_", "ansible_"))}
        said += [f"{host}: {name} is no option" for name in ours if name not in SPEC]
        said += [f"{host}: {why}" for why in read(ours, lambda value: value).wrong.values()]
        roles.setdefault(found.get("cluster_name"), []).append(found.get("whpg_role"))
    said += [f"{cluster} has the roles {of}" for cluster, of in roles.items() if of.count("coordinator") != 1 or of.count("standby") > 1]
    return said or ([] if roles else ["no hosts"])


def documented_options(path):
    """The options that a module, or a fragment of documentation, tells of, and those of the fragments that it extends."""
    (text,) = re.findall(r'DOCUMENTATION = r"""(.*?)"""', path.read_text(), re.DOTALL)
    documentation = yaml.safe_load(text)
    fragments = (name.rpartition(".")[2] for name in documentation.get("extends_documentation_fragment") or ())
    more = (documented_options(ROOT / f"plugins/doc_fragments/{name}.py") for name in fragments)
    return set(documentation.get("options") or ()).union(*more)


def wrong_arguments(module, arguments):
    """What is wrong with the options of one of our modules."""
    if module not in MODULES:
        return [f"no module {module}"]
    known = documented_options(ROOT / f"plugins/modules/{module}.py")
    return [f"{module} has no option {name}" for name in arguments if name not in known]


def wrong_plays(plays):
    said = []
    for part in plays:
        named = part.get("ansible.builtin.import_playbook", "")
        if named:
            said += wrong_name(named, PLAYBOOKS)
            said += wrong_values(part.get("vars") or {})
        for role in part.get("roles", ()):
            said += wrong_name(role, ROLES)
        said += wrong_plays(part.get("tasks") or []) if "hosts" in part else []
        ours = [name for name in part if name.startswith(f"{COLLECTION}.")]
        for name in ours:
            said += wrong_arguments(name.rpartition(".")[2], part[name])
        if not (named or "hosts" in part or any("." in name for name in part)):
            said.append(f"neither a playbook, nor a play, nor a task: {part}")
    return said


def wrong_yaml(text, directory):
    """What is wrong with an inventory, a scenario, plays, tasks, or options."""
    content = yaml.safe_load(text)
    if isinstance(content, list):
        return wrong_plays(content)
    if set(content) == {"scenario"}:
        return [f"{key}: not of a scenario" for key in content["scenario"] if key not in ("name", "test_sequence")]
    if any(isinstance(part, dict) and {"children", "hosts"} & set(part) for part in content.values()):
        return wrong_inventory(text, directory)
    return wrong_values(content)


def wrong_name(full, there):
    prefix, _dot, name = full.rpartition(".")
    return [] if prefix == COLLECTION and name in there else [f"{full} is not there"]


def extra(text):
    """Variables as Ansible takes them from a command line; what is no variable is called ``_raw_params``."""
    return json.loads(text) if text.startswith("{") else parse_kv(text)


def wrong_command(words):
    """What is wrong with a command."""
    program, rest = words[0], list(words[1:])
    if program in OTHERS:
        return []
    if program == "make":
        return [f"no target {word}" for word in rest if "=" not in word and word not in TARGETS]
    if program == "ansible-galaxy":
        return [] if rest == ["collection", "install", COLLECTION] else [f"other than the install: {rest}"]
    if program == "ansible-doc":
        kind = rest[1] if rest[:1] == ["-t"] else "module"
        return wrong_name(rest[-1], {"module": MODULES, "role": ROLES}[kind])
    if program == "export":
        name, _is, value = rest[0].partition("=")
        return wrong_name(value, CALLBACKS) if name == "ANSIBLE_STDOUT_CALLBACK" else [f"unknown variable {name}"]
    if program not in ("ansible-playbook", "ansible"):
        return [f"unknown program {program}"]
    said, plain, variables, module = [], [], {}, ""
    while rest:
        word = rest.pop(0)
        if word == "-e":
            variables.update(extra(rest.pop(0)))
        elif word == "-m":
            module = rest.pop(0)
        elif word == "-a":
            said += wrong_arguments(module.rpartition(".")[2], extra(rest.pop(0)))
        elif word == "-i":
            rest.pop(0)
        elif word in FLAGS or not word.startswith("-"):
            plain += [word] if word not in FLAGS else []
        else:
            said.append(f"unknown argument {word}")
    if program == "ansible-playbook":
        said += [why for word in plain for why in wrong_name(word, PLAYBOOKS)] if plain else ["no playbook"]
    return said + wrong_values(variables)


def wrong_shell(text):
    """What is wrong with commands for a shell, those of ours in particular."""
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    commands = text.replace("\\\n", " ").splitlines()
    words = [shlex.split(command, comments=True) for command in commands]
    return ([done.stderr] if done.returncode else []) + [why for command in words if command for why in wrong_command(command)]


def wrong(example, directory):
    """What is wrong with an example."""
    if example.language == "yaml":
        return wrong_yaml(example.text, directory)
    if example.language in ("sh", "shell"):
        return wrong_shell(example.text)
    if example.language == "python":
        imported = [name.name for node in ast.walk(ast.parse(example.text)) if isinstance(node, ast.ImportFrom) for name in node.names]
        return [f"{name} is not in conftest" for name in imported if name not in SHARED]
    return [] if example.language in ("text", "sql") else [f"an example in {example.language or 'no language'}"]


def literals(text):
    """What a document has set as code within its text, and what it refers to as an option."""
    yield from re.findall(r"``(.+?)``", text, re.DOTALL)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    yield from re.findall(r":ansopt:`[^`]*:(\w+)`", text)


def wrong_literals(text):
    """What is set as code and is an option by its look, or gives one, and is none."""
    beginnings = tuple(f"{role}_" for role in SPECS)
    for literal in literals(text):
        for name, _value in re.findall(r"-e (\w+)=(\S*)", literal):
            if not is_option(name):
                yield f"{name}: no option"
        name = (re.match(r"[A-Za-z_]+(?=$|[=:])", literal) or [""])[0]
        if name.startswith(beginnings) and not is_option(name) and name not in PARTS | NO_OPTIONS:
            yield f"{name}: no option"
    for name in re.findall(rf"\b{COLLECTION}\.([a-z_]+)", text):
        if name not in PARTS:
            yield f"{COLLECTION}.{name}: not there"


def wrong_links(path, text):
    """Links and paths into this tree that lead nowhere; a path may be a pattern."""
    paths = [word for literal in literals(text) for word in literal.split() if re.match(PATHS, word) and "<" not in word]
    links = re.findall(r"\]\(([^)#\s]+)", text) if path.suffix == ".md" else []
    links = [link for link in links if "://" not in link]
    published = re.findall(rf"{re.escape(PUBLISHED)}([^>`)\s]+)", text)
    return [
        *(link for link in links if not (path.parent / link).exists()),
        *(link for link in published if not (ROOT / link).exists()),
        *(pattern for pattern in paths if not any(ROOT.glob(pattern.rstrip("/")))),
    ]


EXAMPLES = [example for path in DOCUMENTS for example in examples(path)]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_examples_are_right(example, tmp_path):
    assert wrong(example, tmp_path) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_options_and_links_within_a_text_are_there(path):
    text = path.read_text()
    assert list(wrong_literals(text)) == []
    assert wrong_links(path, text) == []


def test_the_guide_shows_the_rules_of_sudo_that_are_tested():
    file = [line for line in (ROOT / "docs/docsite/examples/sudoers").read_text().splitlines() if line and not line.startswith("#")]
    (shown,) = [example.text for example in examples(ROOT / "docs/docsite/rst/guide_security.rst") if "NOPASSWD" in example.text]
    assert shown.splitlines() == file


def test_guides_are_in_the_table_of_contents_and_in_the_readme():
    guides = {path.stem for path in ROOT.glob("docs/docsite/rst/*.rst")}
    sections = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text())["sections"]
    assert {name for section in sections for name in section["toctree"]} == guides
    assert set(re.findall(r"docs/docsite/rst/(\w+)\.rst", (ROOT / "README.md").read_text())) == guides


def code(name):
    """What is set as code in a guide, word by word."""
    text = (ROOT / f"docs/docsite/rst/{name}.rst").read_text()
    return {word for literal in re.findall(r"``([^`]+)``", text) for word in literal.split()}


@pytest.mark.parametrize("guide", ["guide_operate", "guide_primary_lost"])
def test_guides_that_tell_of_states_tell_of_all(guide):
    assert set(STATES) <= code(guide)


def test_what_scenarios_share_is_there():
    _before, _of, text = (ROOT / "molecule/README.md").read_text().partition("Of `molecule/conftest.py`")
    cells = re.findall(r"^\| (`[^|]+`) \|", text.partition("\n## ")[0], re.MULTILINE)
    names = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert names
    assert names <= SHARED


def test_the_guide_for_operating_tells_of_all_playbooks():
    assert PLAYBOOKS - {"require_clusters"} <= code("guide_operate")


RUN = "ansible-playbook -i inventory.yml warehousepg.coordinator"
CLUSTER = "whpg_clusters: {children: {a: {vars: {cluster_name: a, whpg_data_directory: /d%s}, hosts: {c: {whpg_role: coordinator}%s}}}}"


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("shell", f"{RUN}.status -e status_format=quiet --check  # a look", ""),
        ("shell", f"{RUN}.states", "warehousepg.coordinator.states is not there"),
        ("shell", f"{RUN}.status \\\n  -e status_fromat=quiet", "status_fromat: no option"),
        ("shell", f"{RUN}.status -e status_format=loud", "status_format is 'loud'"),
        ("shell", f"{RUN}.status --chekc", "unknown argument --chekc"),
        ("shell", f"{RUN}.status 'unfinished", "No closing quotation"),
        ("shell", "make everything", "no target everything"),
        ("shell", "ansible c -m warehousepg.coordinator.floating_address -a adress=1", "no option adress"),
        ("shell", "ansible-doc -t role warehousepg.coordinator.stand", "warehousepg.coordinator.stand is not there"),
        ("shell", "gpstat -f", "unknown program gpstat"),
        ("yaml", CLUSTER % ("", ""), ""),
        ("yaml", CLUSTER % (", whpg_prot: 1", ""), "whpg_prot is no option"),
        ("yaml", CLUSTER % (", whpg_port: one", ""), "whpg_port is 'one'"),
        ("yaml", CLUSTER % ("", ", s: {whpg_role: coordinator}"), "['coordinator', 'coordinator']"),
        ("yaml", "standby_tls: {sslmode: perhaps}", "perhaps"),
        ("yaml", "- ansible.builtin.import_playbook: warehousepg.coordinator.enable", "is not there"),
        ("yaml", "- warehousepg.coordinator.host_access: {cluster_nam: a}", "no option cluster_nam"),
        ("yaml", "- warehousepg.coordinator.coordinator_environment: {cluster: a, data_directory: /d, port: 1}", ""),
        ("yaml", "- {hosts: all, roles: [warehousepg.coordinator.discover]}", "warehousepg.coordinator.discover is not there"),
        ("yaml", "- {hosts: all, tasks: [debug: {}]}", "nor a task"),
        ("yaml", "scenario: {sequence: [verify]}", "sequence: not of a scenario"),
        ("python", "from conftest import nothing", "nothing is not in conftest"),
        ("yml", "a: 1", "an example in yml"),
    ],
)
def test_what_is_wrong_with_an_example_is_found(language, text, said, tmp_path):
    try:
        found = wrong(Example(ROOT, 1, language, text), tmp_path)
    except ValueError as error:
        found = [str(error)]
    assert any(said in why for why in found) if said else found == []


@pytest.mark.parametrize(
    "text", ["``standby_prot``", "`standby_prot: 1`", "``-e standby_prot=1``", ":ansopt:`a.b.standby#role:main:standby_prot`"]
)
def test_an_option_that_is_not_there_is_found_within_a_text(text):
    assert list(wrong_literals(text)) == ["standby_prot: no option"]


def test_links_that_lead_nowhere_are_found():
    text = f"[a](README.md), [b](READYOU.md), [c]({PUBLISHED}galaxy.yaml), [d](https://example.com/e), `plugins/*.py`, `roles/<name>/`"
    assert wrong_links(ROOT / "README.md", text) == ["READYOU.md", "galaxy.yaml", "plugins/*.py"]


def test_examples_are_taken_from_documents(tmp_path):
    (tmp_path / "a.md").write_text("one\n```sh\nls\n```\ntwo\n- three\n  ```yaml\n  a:\n    b: 1\n  ```\n")
    (tmp_path / "a.rst").write_text(
        "one\n\n.. code-block:: yaml\n\n  a:\n\n    b: 1\n\ntwo\n\n1. three\n\n   .. code-block:: shell\n\n     ls\n"
    )
    found = [(example.language, example.text) for name in ("a.md", "a.rst") for example in examples(tmp_path / name)]
    assert found == [("sh", "ls"), ("yaml", "a:\n  b: 1"), ("yaml", "a:\n\n  b: 1"), ("shell", "ls")]
