# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The access rules of an instance, ``pg_hba.conf``: one marked block among the rules of others."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions, Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import reload


@dataclasses.dataclass(frozen=True)
class AccessRule:
    """One record of ``pg_hba.conf``.

    :param type: connection type: ``local``, ``host``, ``hostssl``, ``hostnossl`` …
    :param database: database name, or one of :data:`DATABASES`.
    :param user: role name; whatever it is, it means that role alone. None for everybody.
    :param address: address with mask length, name of a host, or one of :data:`NEIGHBOURS`; None for ``local``.
    :param method: authentication method.
    :param options: further options, ``name=value``.
    :raises CoordinatorError: a part is something else than that.
    """

    type: str
    database: str
    user: str | None
    address: str | None
    method: str
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.address != mask(self.type, self.address):
            raise CoordinatorError(f"{self.address!r} is no address of a rule: give it with the length of its mask")
        if not re.fullmatch(r"[a-z0-9-]+", self.method):
            raise CoordinatorError(f"a rule has the authentication method {self.method!r}: give the name of one")
        for option in self.options:
            if not re.match(r"[a-z_]+=", option):
                raise CoordinatorError(f"a rule has the option {option!r}: give name=value")
        for text in (self.database, "all" if self.user is None else self.user, *self.options):
            if not text or not text.isprintable():
                raise CoordinatorError(f"a rule has {text!r}: an access file cannot hold empty names, line breaks and control characters")
            if len(text.encode()) > _LONGEST:
                raise CoordinatorError(f"a rule has {text!r:.200}: the engine leaves out what is longer than {_LONGEST} bytes, give less")

    def __str__(self) -> str:
        database = self.database if self.database in DATABASES else _quoted(self.database)
        user = "all" if self.user is None else _quoted(self.user)
        fields = (self.type, database, user, self.address, self.method, *map(_option, self.options))
        return "\t".join(field for field in fields if field is not None)


#: bytes of a field that the engine reads (MAX_TOKEN of hba.c)
_LONGEST = 255

#: connection types
TYPES = ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")

#: words of the engine's in place of a database's name
DATABASES = ("all", "replication", "sameuser", "samerole")

#: words of the engine's in place of an address
NEIGHBOURS = ("all", "samehost", "samenet")

#: the value of an option that needs no quotes
_PLAIN = r"[A-Za-z0-9_./-]+"


def _option(option: str) -> str:
    name, _sign, value = option.partition("=")
    return option if re.fullmatch(_PLAIN, value) else f"{name}={_quoted(value)}"


def _quoted(name: str) -> str:
    """A name that is that name alone: without quotes ``all`` is everybody, ``+x`` the members of a role, ``@x`` what a file holds."""
    return '"' + name.replace('"', '""') + '"'


def mask(type: str, address: str | None) -> str | None:
    """An address as ``pg_hba.conf`` wants it: a single one with the full length of its mask.

    :param type: connection type of the rule.
    :raises CoordinatorError: there is no such type, or it is missing, or given for ``local``, or neither an address nor the name of a host.
    """
    if type not in TYPES:
        raise CoordinatorError(f"a rule has the type {type!r}: give one of {', '.join(TYPES)}")
    if (address is None) != (type == "local"):
        raise CoordinatorError(f"a rule of type {type} {'needs an' if address is None else 'has no'} address: correct the rule")
    if address is None or address in NEIGHBOURS or _is_name(address):
        return address
    try:
        host, _slash, length = address.partition("/")
        return str(ipaddress.ip_interface(f"{parse_address(host)}/{length}" if length else parse_address(host)).with_prefixlen)
    except ValueError as error:
        raise CoordinatorError(f"{address!r} is no address of a rule: {error}") from error


def _is_name(address: str) -> bool:
    """Whether it is the name of a host, or with a dot before it that of a domain."""
    return bool(re.fullmatch(r"\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", address)) and not re.fullmatch(r"[0-9.]+", address)


#: name of this collection's block
BLOCK = marked.COLLECTION


def first_block(text: str, name: str) -> list[str] | None:
    """The lines of the marked block that a ``pg_hba.conf`` begins with, None when it begins with something else."""
    block = marked.find(text, name)
    return list(block.lines) if block is not None and block.first == 0 else None


def change_block(text: str, name: str, rules: t.Sequence[AccessRule]) -> str:
    """The text of ``pg_hba.conf`` with the marked block holding these rules, as its first rules.

    The engine takes the first rule that matches: that is why the block comes first. Everything outside of the block
    stays byte for byte.

    :param name: names the block in its two marker lines.
    :param rules: none removes the block.
    :raises CoordinatorError: a marker line stands without the other.
    """
    marked.require_whole(text, name)
    return marked.change(text, name, list(map(str, rules)), last=False)


def rules_of(options: t.Sequence[t.Mapping[str, t.Any]], data_directory: str | None = None) -> list[AccessRule]:
    """The rules that options of M(warehousepg.coordinator.host_access) mean: one for each address.

    :param data_directory: of the instance they are for; those for others are left out.
    :raises CoordinatorError: a rule cannot be one.
    """
    return [
        AccessRule(type, rule["database"], rule.get("user"), mask(type, address), rule["method"], tuple(rule.get("options") or ()))
        for rule in options
        for type in [rule.get("type") or "host"]
        if data_directory in (rule.get("data_directories") or [data_directory])
        for address in rule.get("addresses") or [None]
    ]


def access_file(data_directory: str) -> str:
    """Path of the access file of an instance."""
    return os.path.join(data_directory, "pg_hba.conf")


def read_files(data_directories: t.Iterable[str]) -> dict[str, str]:
    """By data directory, the text of its access file.

    :raises CoordinatorError: one has none, or cannot be read.
    """
    texts = {}
    for data_directory in data_directories:
        text = read_text(access_file(data_directory))
        if text is None:
            raise CoordinatorError(
                f"{access_file(data_directory)} does not exist: name data directories of instances on this host",
                data_directory=data_directory,
            )
        texts[data_directory] = text
    return texts


def plan(texts: t.Mapping[str, str], blocks: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]) -> list[Step]:
    """The steps after which each access file has its blocks of rules.

    :param texts: by data directory, the text of its access file.
    :param blocks: by name, rules as options as of :func:`rules_of`; none removes the block. The last one comes first.
    """
    changes = dict(texts)
    for name, rules in blocks.items():
        changes = {where: change_block(text, name, rules_of(rules, where)) for where, text in changes.items()}
    different = [(where, text) for where, text in changes.items() if text != texts[where]]
    steps = [Step("write_rules", {"data_directory": where, "text": text}) for where, text in different]
    return steps + [Step("reload", {"data_directory": where}) for where, dummy in different]


def plan_removal(texts: t.Mapping[str, str]) -> list[Step]:
    """The steps after which no access file has a block of this collection, whatever it was for.

    :param texts: by data directory, the text of its access file.
    """
    steps = []
    for where, text in texts.items():
        bare = text
        for name in marked.names(text):
            bare = change_block(bare, name, ())
        if bare != text:
            steps += [Step("write_rules", {"data_directory": where, "text": bare}), Step("reload", {"data_directory": where})]
    return steps


def actions(host: Host) -> Actions:
    """The actions of :func:`plan`."""

    def write_rules(data_directory: str, text: str) -> None:
        path = access_file(data_directory)
        host.write(path, text, stat.S_IMODE(os.stat(path).st_mode))

    return {"write_rules": write_rules, "reload": reload}
