# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""That the primary knows its standby: the catalog row, the replication role, the slot."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import secrets
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, catalog, retention
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, StandbyAddress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    SILENT,
    Slot,
    WalSender,
    slots,
    walsender,
)

#: the parts of a registration, in the order in which they are made
PARTS = ("role", "row", "slot")

#: iterations that the engine itself uses for SCRAM-SHA-256 (scram-common.h)
_ITERATIONS = 4096

#: of a verifier that is looked at: a role can give itself one for which nobody would wait
_MOST_ITERATIONS = 1 << 22


@dataclasses.dataclass(frozen=True)
class Role:
    """A replication role.

    :param ready: whether it may log in and replicate.
    :param verifier: what the catalog keeps of its password; None when it has none.
    :param granted: whether it has rights of its own, which a rewind that was cut off may have left, and owns nothing.
    """

    ready: bool
    verifier: str | None = dataclasses.field(repr=False)
    granted: bool = False


@dataclasses.dataclass(frozen=True)
class Known:
    """What the primary knows.

    :param rows: of ``gp_segment_configuration``.
    :param role: the replication role, None when there is none.
    :param slot: the standby's slot, None when there is none.
    :param stored: the password as the primary's host keeps it for the day when it becomes a standby; None when none is used.
    :param limit: bytes of WAL that a slot may retain, -1 for no limit; None where the engine knows no such limit.
    :param access_files: by data directory, the texts of access files that the standby has to be in.
    :param walsender: the walsender that serves a standby, None when none does.
    :param spare_slot: the slot that retains WAL for a standby that is to take the place of the present one, None when there is none.
    :param following: settings by which it followed another primary once.
    """

    rows: tuple[Registration, ...]
    role: Role | None
    slot: Slot | None
    stored: StoredPassword | None
    limit: int | None = None
    access_files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    walsender: WalSender | None = None
    spare_slot: Slot | None = None
    following: tuple[str, ...] = ()


def spare(slot_name: str) -> str:
    """Name of the slot that retains WAL for a standby's successor while the standby uses its own; the engine takes 63 bytes."""
    return f"{slot_name[:58]}_next"


def read_role(connection: Connection, user: str) -> Role | None:
    """Observe a replication role, None when there is none."""
    roles = connection.query(
        """
        SELECT rolcanlogin AND rolreplication AS ready, rolpassword::text AS verifier,
               coalesce(bool_or(deptype = 'a') AND NOT bool_or(deptype = 'o'), false) AS granted
        FROM pg_authid LEFT JOIN pg_shdepend ON refclassid = 'pg_authid'::regclass AND refobjid = pg_authid.oid
        WHERE rolname = %s GROUP BY 1, 2
        """,
        user,
    )
    return Role(**roles[0]) if roles else None


def read_known(
    connection: Connection,
    user: str,
    slot_name: str,
    stored: StoredPassword | None,
    data_directories: t.Iterable[str] = (),
    following: t.Iterable[str] = (),
) -> Known:
    """Observe what the primary knows.

    :param data_directories: whose access files belong to it.
    :param following: settings of it as of :func:`replication.left_following`.
    """
    named = {slot.name: slot for slot in slots(connection)}
    return Known(
        tuple(catalog.registrations(connection)),
        read_role(connection, user),
        named.get(slot_name),
        stored,
        retention.read_limit(connection),
        access.read_files(data_directories),
        walsender(connection),
        named.get(spare(slot_name)),
        tuple(following),
    )


#: settings of a session whose statements hold what an attacker could try passwords by, and are not to be logged
UNLOGGED = {"log_statement": "none", "log_min_duration_statement": "-1", "log_min_error_statement": "panic", "log_duration": "off"}


def _keys(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.new(salted, b"Client Key", "sha256").digest()
    return hashlib.sha256(client).digest(), hmac.new(salted, b"Server Key", "sha256").digest()


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What the engine keeps of a password for SCRAM-SHA-256 (RFC 5803), so that the password itself is not sent.

    :param salt: 16 bytes; None for random ones.
    """
    salt = salt or secrets.token_bytes(16)
    stored, server = (base64.b64encode(key).decode() for key in _keys(password, salt, _ITERATIONS))
    return f"SCRAM-SHA-256${_ITERATIONS}:{base64.b64encode(salt).decode()}${stored}:{server}"


def verifies(verifier: str | None, password: str) -> bool:
    """Whether a verifier was made of this password."""
    if not verifier or not verifier.startswith("SCRAM-SHA-256$"):
        return False
    try:
        parameters, keys = verifier.split("$")[1:]
        iterations, salt = parameters.split(":")
        stored, count = base64.b64decode(keys.split(":")[0]), digits(iterations) or 0
        return 0 < count <= _MOST_ITERATIONS and hmac.compare_digest(stored, _keys(password, base64.b64decode(salt), count)[0])
    except ValueError:
        return False


def plan_present(
    known: Known,
    standby: StandbyAddress,
    password: str | None,
    kept: str | None,
    scram: bool,
    limit: int | None = None,
    succession: bool = False,
) -> list[Step]:
    """The steps after which the primary knows this standby.

    :param password: given by the operator or by the role; None: the one that is kept.
    :param kept: the password that the primary's host keeps.
    :param scram: whether the role authenticates by password.
    :param limit: bytes of WAL that the slot may retain, where the engine knows such a limit; None to leave it as it is.
    :param succession: only prepare for it while another one stays registered and goes on streaming.
    :raises CoordinatorError: no password is known; nothing was touched.
    """
    steps = []
    sender = known.walsender
    if succession and sender is not None and sender.reply_age_s is not None and sender.reply_age_s >= SILENT:
        steps.append(Step("terminate_walsender", {"pid": sender.pid}))  # of one that is gone; the changes below would wait for it
    desired = password or kept
    if scram and desired is None:
        raise CoordinatorError("no password for the replication role is known: give replication_password")
    if scram and known.stored and (desired != kept or not known.stored.usable):
        steps.append(Step("write_password"))
    if known.role is None:
        steps.append(Step("create_role"))
    elif not known.role.ready or (scram and not verifies(known.role.verifier, desired or "")):
        steps.append(Step("change_role"))
    if succession:
        return steps + ([Step("create_spare_slot")] if known.spare_slot is None else [])
    row = catalog.standby_of(known.rows)
    new = row is None or not standby.matches(row)
    steps += _plan_slot(known, new)
    if new:
        if row is not None:
            steps.append(Step("remove_row"))
        steps.append(Step("add_row"))
    if known.slot is None and known.spare_slot is None:
        steps.append(Step("create_slot"))
    if None not in (limit, known.limit) and known.limit != limit:
        steps.append(Step("limit_retention", {"limit": limit}))
    return steps


def _plan_slot(known: Known, new: bool) -> list[Step]:
    """What becomes of the slot that was kept for a successor.

    It goes back as far as the other one, or further, so that in its place it serves the former standby too, should that come back.

    :param new: whether the successor takes its place now.
    """
    if known.spare_slot is None:
        return []
    if not new and known.slot is not None:
        return [Step("drop_spare_slot")]
    # of the former one; commits would wait for it if it is suspended
    terminated = [Step("terminate_walsender", {"pid": known.walsender.pid})] if new and known.walsender is not None else []
    return [*terminated, *([Step("drop_slot")] if known.slot is not None else []), Step("take_spare_slot"), Step("drop_spare_slot")]


def plan_absent(known: Known, parts: t.Container[str]) -> list[Step]:
    """The steps after which these parts are gone, in the reverse order of their making, and access files have no rules of ours.

    A walsender goes before the row: a standby that is suspended would hold up the commits of all that follows.
    """
    steps = access.plan_removal(known.access_files)
    if "row" in parts and known.walsender is not None:
        steps.append(Step("terminate_walsender", {"pid": known.walsender.pid}))
    if "slot" in parts and known.slot is not None:
        steps.append(Step("drop_slot"))
    if "slot" in parts and known.spare_slot is not None:
        steps.append(Step("drop_spare_slot"))
    if "row" in parts and catalog.standby_of(known.rows) is not None:
        steps.append(Step("remove_row"))
    if "role" in parts and known.role is not None:
        steps += [Step("revoke_rights")] if known.role.granted else []
        steps.append(Step("drop_role"))
    if "row" in parts and known.following:
        steps.append(Step("reset_upstream", {"names": known.following}))
    return steps
