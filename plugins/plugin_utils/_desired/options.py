# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The options of all roles, read from the variables of a host: typed and defaulted by the roles' argument specs, once, in this one place.

A value is the same wherever it comes from: an inventory, the command line or a survey, which deliver texts, or JSON.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import re
import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import option_checks

Variables = t.Mapping[str, t.Any]
Options = t.Mapping[str, t.Any]
Spec = t.Mapping[str, t.Any]
Template = t.Callable[[t.Any], t.Any]

_ROLES = Path(__file__).parents[3] / "roles"

#: the role whose options say what a host is and where things are on it, the variables of the inventory among them
DISCOVERY = "discovery"

#: by role, those whose options count for it, too
_SHARED = {
    "activate_standby": ("standby",),
    "disable_mirroring": ("standby",),
    "drill": ("switchover", "standby", "activate_standby"),
    "lift_fence": (),
    "maintenance": (),
    "release": ("standby",),
    "standby": ("rejoin",),
    "status": ("standby",),
    "switchover": ("standby", "activate_standby"),
}

#: an option that is not given is what this other one is
_SAME_AS = {
    "discovery_user": "WHPG_UNIX_USER",
    "discovery_greenplum_path": "greenplum_path",
    "discovery_replication_user": "standby_replication_user",
    "discovery_retention_limit": "standby_retention_limit",
    "activate_standby_slot_name": "standby_slot_name",
    "activate_standby_retention_limit": "standby_retention_limit",
    "disable_mirroring_slot_name": "standby_slot_name",
    "disable_mirroring_replication_user": "standby_replication_user",
    "release_slot_name": "standby_slot_name",
}

#: the same where a role acts
_SAME_AS_OF_ROLE = {
    "disable_mirroring": {"discovery_replication_user": "disable_mirroring_replication_user"},
    "status": {"discovery_display": "status_format", "discovery_report_file": "status_file"},
}

#: by role of a host, the directory that holds the data directory
_DIRECTORIES = {"coordinator": "discovery_coordinator_directory", "standby": "discovery_standby_directory"}

#: files that are named after the cluster: on the hosts of the coordinators, and on the controller
_FILES = {
    "discovery_passfile": "pgpass",
    "discovery_lock_file": "lock",
    "discovery_record_file": "record.json",
    "discovery_audit_file": "audit.jsonl",
    "discovery_armed_file": "armed",
    "drill_writes_file": "writes",
    "rejoin_report_file": "discarded.jsonl",
    "activate_standby_result_file": "activation.json",
    "activate_standby_audit_file": "audit.jsonl",
    "switchover_result_file": "switchover.json",
    "switchover_audit_file": "audit.jsonl",
    "drill_result_file": "drill.json",
    "drill_audit_file": "audit.jsonl",
    "status_audit_file": "audit.jsonl",
    "status_samples_file": "samples.jsonl",
}

_GIVE = {"bool": "true or false", "int": "a whole number", "float": "seconds above zero", "list": "a list", "dict": "a dictionary"}


_STRUCTURES: dict[type, str] = {list: "a list", dict: "a dictionary"}


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the options of a host ask for.

    :param options: by name, the value of each option of all roles; None: there is none. Of one that is secret, whether there is one.
    :param wrong: by name, what is wrong with it, what to give instead at its end. Its value is then as if it was not given.
    """

    options: dict[str, t.Any]
    wrong: dict[str, str]

    @property
    def of_inventory(self) -> dict[str, str]:
        """What is wrong with what an inventory tells of a host."""
        return {name: said for name, said in self.wrong.items() if name in INVENTORY or name in SPECS[DISCOVERY]}


def _read_specs() -> dict[str, dict[str, Spec]]:
    """By role, the specs of its options by name."""
    files = {path.parent.parent.name: path for path in sorted(_ROLES.glob("[!_]*/meta/argument_specs.yml"))}
    entries = {role: yaml_load(path.read_text(encoding="utf-8"))["argument_specs"].values() for role, path in files.items()}
    return {role: {name: spec for entry in of_role for name, spec in entry["options"].items()} for role, of_role in entries.items()}


#: read where this file is loaded, which a run does once for all hosts
SPECS = _read_specs()
#: by name, the specs of all options
SPEC: dict[str, Spec] = {name: spec for specs in SPECS.values() for name, spec in specs.items()}

#: those that name files on the controller which tell what was done
AUDIT_FILES = tuple(name for name, suffix in _FILES.items() if suffix == "audit.jsonl" and SPEC[name].get("type") == "path")


def names(*roles: str) -> list[str]:
    """The options of roles."""
    return [name for role in roles for name in SPECS[role]]


#: options that every role heeds, by which an inventory tells of a host
INVENTORY = (*(name for name in names(DISCOVERY) if not name.startswith(("discovery_", "coordinator_notice_"))), "maintenance")


def scope(role: str) -> list[str]:
    """The options that count where a role acts."""
    return list(dict.fromkeys([*names(role, *_SHARED.get(role, ()), DISCOVERY), *INVENTORY]))


def of_pair(role: str) -> list[str]:
    """Those of them that concern a pair, not a host."""
    own = SPECS.get(role, {})
    return [name for name in scope(role) if name not in SPECS[DISCOVERY] and (name in own or name not in INVENTORY)]


def read(variables: Variables, template: Template, is_single: t.Callable[[], bool] = lambda: False) -> Desired:
    """What the options of a host ask for.

    :param variables: all variables of the host, as they are before they are evaluated.
    :param template: what evaluates a value.
    :param is_single: whether the host's cluster has no segment hosts; asked where it matters.
    """
    found, wrong = given(SPEC, variables, template)
    role = found.get("discovery_role", DISCOVERY)
    missing = {name: spec for name, spec in SPECS[role].items() if spec.get("required") and name not in (*found, *wrong)}
    options = {**dict.fromkeys(SPEC), **_defaults(), **found}
    _derive(options, variables, template, is_single)
    said = {name: f"{name} is missing: give {_remedy(spec)}" for name, spec in missing.items()}
    return Desired(options, {**_missing(options, variables), **option_checks.relations(options), **said, **wrong})


def of_inventory(variables: Variables, template: Template = lambda value: value) -> Desired:
    """What an inventory tells of a host that takes no part in a run, or of any other one."""
    spec = {name: SPEC[name] for name in INVENTORY}
    found, wrong = given(spec, variables, template)
    options = {**dict.fromkeys(spec), **{name: value for name, value in _defaults().items() if name in spec}, **found}
    return Desired(options, {**_missing(options, variables), **wrong})


def option(name: str, variables: Variables, template: Template) -> t.Any:
    """One option, before all are read; a wrong value is as if it was not given, for it is told when all are."""
    needed = {name, *_BEFORE}
    found, _dummy = given({one: SPEC[one] for one in needed}, variables, template)
    options = {**dict.fromkeys(SPEC), **_defaults(), **found}
    _derive(options, variables, template, lambda: False)
    return options[name]


#: where Ansible has the facts of a host: whatever any module returned there as such, which counts for more than the inventory
FACTS = "ansible_facts"
#: what is said of an option among them
OF_HOST = (
    "is told by the host itself, as a fact, which decides nothing: give it in the inventory, and clear the cache of facts if there is one"
)


def is_fact(name: str, variables: Variables) -> bool:
    """Whether a variable of a host is what the host itself told."""
    return name in (variables.get(FACTS) or ())


def secret(name: str, variables: Variables, template: Template) -> t.Any:
    """An option that is secret, as it is given.

    :raises AnsibleError: it comes from the host.
    """
    if is_fact(name, variables):
        raise AnsibleError(f"{name} {OF_HOST}")
    return template(variables.get(name))


#: what the options depend on that are asked for before all are read
_BEFORE = ("cluster_name", "whpg_role", "discovery_user", "WHPG_UNIX_USER")


def given(specs: t.Mapping[str, Spec], variables: Variables, template: Template) -> tuple[dict[str, t.Any], dict[str, str]]:
    """By name, the values of options that are given, and what is wrong with those that are not taken."""
    found: dict[str, t.Any] = {}
    wrong: dict[str, str] = {}
    for name, spec in specs.items():
        if name not in variables:
            continue
        if is_fact(name, variables):
            wrong[name] = f"{name} {OF_HOST}"
            continue
        if spec.get("no_log"):
            # a secret is in no result, and a command that holds one may be a template that another host evaluates
            kind = next((word for of, word in _STRUCTURES.items() if isinstance(variables[name], of)), None)
            if kind and not (spec["type"] == "dict" and isinstance(variables[name], dict)):
                wrong[name] = f"{name}, which is secret, is {kind}: give {_remedy(spec)}"
            else:
                found[name] = bool(variables[name])
            continue
        try:
            value = template(variables[name])
            if not _is_left_out(value, variables):
                typed_value = typed(name, spec, value)
                said = option_checks.problem(name, typed_value)
                if said:
                    wrong[name] = said
                elif typed_value is not None:
                    found[name] = typed_value
        except Refused as error:
            wrong[name] = str(error)
        except (ArithmeticError, RecursionError, ValueError):  # what reads values makes nothing of it, such as bytes that are no text
            wrong[name] = f"{name} is {value!r}: give {_remedy(spec)}"
        except AnsibleError as error:
            if type(error).__name__ == "AnsibleValueOmittedError":  # of omit, since ansible-core 2.19
                continue
            wrong[name] = f"{name} cannot be evaluated: {' '.join(str(error).split())}: correct the template"
    return found, wrong


class Refused(ValueError):
    """A value is none that the option can have: a sentence with the option's name, the value, and what to give instead."""


def typed(name: str, spec: Spec, value: t.Any) -> t.Any:
    """A value as the spec of its option types it; None where it says nothing, as an answer of a survey that was left empty.

    :raises ValueError: it is none that the option can have.
    """
    kind = spec.get("type", "str")
    if isinstance(value, str) and kind not in ("str", "path"):
        value = value.strip()
        if not value:
            return None
        if value[0] in "[{":
            with contextlib.suppress(ValueError):
                value = json.loads(value)
    if kind == "int" and isinstance(value, (str, float)):
        value = _whole(value)
    fits = isinstance(value, (list, dict)) == (kind in ("list", "dict")) or isinstance(value, str)
    if not fits or (isinstance(value, bool) and kind in ("int", "float")) or not _can_be_told(value):
        raise Refused(f"{name} is {value!r}: give {_remedy(spec)}")
    result = ArgumentSpecValidator({name: {**spec, "required": False}}).validate({name: value})
    found = result.validated_parameters.get(name)
    if kind == "list" and isinstance(value, str):
        found = [part for part in (str(part).strip() for part in found or ()) if part]
        result = ArgumentSpecValidator({name: spec}).validate({name: found})
    if result.error_messages:
        choices = spec.get("choices")
        unknown = [part for part in found if part not in choices] if kind == "list" and choices and isinstance(found, list) else []
        if unknown:
            raise Refused(f"{name} has {', '.join(repr(part) for part in unknown)}: there can be {', '.join(map(str, choices or ()))}")
        raise Refused(f"{name} is {value!r}: give {_remedy(spec)}")
    if kind == "dict" and not all(isinstance(key, str) for key in found):
        raise Refused(f"{name} is {value!r}: give {_remedy(spec)}")
    return found


def _whole(value: str | float) -> t.Any:
    """The whole number that a value says; a value that says another one, or none, is as it was.

    Not each ansible-core takes a fraction of nothing, such as 1.0, and one takes for ever for a number such as 1e999999999.

    :raises ValueError: it is beyond all numbers that an option can have.
    """
    try:
        number = float(value)
    except ValueError:
        return value
    if not abs(number) < 1 << 53:
        raise ValueError(value)
    return int(number) if number.is_integer() else value


def _can_be_told(value: t.Any) -> bool:
    """Whether a value holds texts that a program can be given, encoded and without a null byte, and no list with nothing at a place."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(_can_be_told(key) and _can_be_told(one) for key, one in value.items())
    return all(one is not None and _can_be_told(one) for one in value) if isinstance(value, list) else True


def _missing(options: Options, variables: Variables) -> dict[str, str]:
    """By name, what an inventory lacks to tell of a host."""
    found = {}
    if options["whpg_role"] is None:
        found["whpg_role"] = f"whpg_role is missing: give {_remedy(SPEC['whpg_role'])}"
    there = _DIRECTORIES.get(options["whpg_role"])
    if options["whpg_data_directory"] is None and there and not {there, "discovery_data_directory"} & set(variables):
        found["whpg_data_directory"] = "whpg_data_directory is missing: give the directory above the instances' data directories"
    return found


def _remedy(spec: Spec) -> str:
    if spec.get("choices") and spec.get("type") != "list":
        return f"one of {', '.join(map(str, spec['choices']))}"
    return _GIVE.get(str(spec.get("type", "str")), "a text")


def _is_left_out(value: t.Any, variables: Variables) -> bool:
    """Whether a value says that there is none."""
    if value is None or type(value).__name__ in ("Omit", "OmitType", "_OmitType"):
        return True
    return isinstance(value, str) and bool(variables.get("omit")) and value == variables["omit"]


@functools.lru_cache(maxsize=None)
def _defaults() -> dict[str, t.Any]:
    """By name, the default of each option whose spec has one."""
    return {name: typed(name, spec, spec["default"]) for name, spec in SPEC.items() if spec.get("default") is not None}


def _derive(options: dict[str, t.Any], variables: Variables, template: Template, is_single: t.Callable[[], bool]) -> None:
    """Fill in what follows from other options, where it is not given.

    Directories are where EDB's playbooks put them, which compute all but C(whpg_data_directory) themselves, whatever an inventory says.
    """

    def default(name: str, value: t.Any) -> None:
        if options[name] is None:
            options[name] = value

    for name, other in {**_SAME_AS, **_SAME_AS_OF_ROLE.get(options["discovery_role"], {})}.items():
        default(name, options[other])
    cluster = options["cluster_name"] or ""
    if not option_checks.fits_file_names(cluster):  # it is refused, but not before the lock is taken
        cluster = re.sub(r"[^A-Za-z0-9-]+", "_", cluster)[:100]
    for name, suffix in _FILES.items():
        where = f"~/.whpg/{cluster}.{suffix}"
        default(name, os.path.expanduser(where) if SPEC[name].get("type") == "path" else where)
    default("discovery_become", options["discovery_user"] != _connects_as(variables, template))
    default("discovery_port", options["standby_port"] or options["whpg_port"])
    above = options["whpg_data_directory"]
    if above is not None:
        if options["whpg_use_versioned_directories"]:
            above = f"{above}/v{options['whpg_major_version']}"
        default("discovery_coordinator_directory", f"{above}/coordinator")
        default("discovery_standby_directory", f"{above}/standby")
    there = _DIRECTORIES.get(options["whpg_role"])
    if options["discovery_data_directory"] is None and there and options[there] is not None:
        prefix = "gpsne" if is_single() else "gpseg" if options["whpg_seg_prefix"] == "default" else options["whpg_seg_prefix"]
        options["discovery_data_directory"] = f"{options[there]}/{prefix}-1"


def _connects_as(variables: Variables, template: Template) -> str:
    """The user that Ansible connects as; empty where the connection decides that."""
    try:
        return str(template(variables.get("ansible_user") or ""))
    except AnsibleError:
        return ""


def disagreement(role: str, told: t.Mapping[str, Options]) -> list[str]:
    """What the hosts of a pair ask for differently, in sentences; empty where they agree.

    :param told: by host, its options.
    """
    (one, first), *others = told.items()
    return [
        f"{one} and {other} have different variables for this role, {name} is {first[name]!r} and {second[name]!r}: "
        "give both the same, among the variables of their group"
        for other, second in others
        for name in [*of_pair(role), "discovery_user"]
        if first[name] != second[name]
    ]
