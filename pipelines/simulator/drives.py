"""Everybody's OneDrive: who has one, which id it has, and its state once somebody looked at it."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from typing import Any

from pipelines.simulator import dice
from pipelines.simulator.drive_store import GIB, USUAL_QUOTA, Drive
from pipelines.simulator.drive_tree import DriveTree, drive_kind
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import GraphError
from pipelines.simulator.written import missing

Json = dict[str, Any]

SMALL_QUOTA = 2 * GIB
"""The room of frontline plans (Microsoft 365 F1 and F3)."""
_SMALL_PLAN = "SHAREPOINTDESKLESS"
_PLANS = ("SHAREPOINTENTERPRISE", "SHAREPOINTSTANDARD", _SMALL_PLAN)
_PREFIX = "b!"


@dataclass
class OpenDrive:
    """A drive that was looked at, and whose it is."""

    drive_id: str
    owner: Json
    drive: Drive
    permissions: dict[str, list[Json]] = field(default_factory=dict)
    """Item id → the permissions granted on the item since the tenant was made."""


def drive_of_user(tenant: Tenant, key: str) -> OpenDrive:
    """The drive of a user, or 404: no such user, or a drive that was never opened."""
    user = tenant.user(key)
    if user is None:
        raise missing(key)
    found = _open(tenant, user)
    if found is None:
        raise GraphError(404, "ResourceNotFound", "User's mysite not found.")
    return found


def drive_by_id(tenant: Tenant, drive_id: str) -> OpenDrive:
    """The drive of an id; a deleted owner's is there as long as the owner can be restored. Else 404 or 400."""
    user_id = _owner_of(tenant, drive_id)
    if user_id is None:
        raise GraphError(
            400,
            "invalidRequest",
            "The provided drive id appears to be malformed, or does not represent a valid drive.",
        )
    user = tenant.user(user_id)
    if user is None:
        deleted = (item for item in tenant.deleted_users() if str(item["id"]) == user_id)
        user = tenant.origin(user_id) if next(deleted, None) else None
    found = None if user is None else _open(tenant, user)
    if found is None:
        raise GraphError(404, "itemNotFound", "The resource could not be found.")
    return found


def drive_id_of(tenant: Tenant, user_id: str) -> str:
    """The id of a user's drive, whether there is one or not."""
    mark = _mark(tenant)
    key = bytes(a ^ b for a, b in zip(uuid.UUID(user_id).bytes, mark[:16], strict=True))
    return _PREFIX + base64.urlsafe_b64encode(mark[:16] + key + mark[16:32]).decode()


def set_quota(tenant: Tenant, user_id: str, quota: int) -> None:
    """Give a user's drive so many bytes in all."""
    with tenant.lock:
        drive_of_user(tenant, user_id).drive.quota = quota


def _open(tenant: Tenant, user: Json) -> OpenDrive | None:
    user_id = str(user["id"])
    opened = tenant.writes.drives.get(user_id)
    if isinstance(opened, OpenDrive):
        return opened
    plans = _plans_of(tenant, tenant.origin(user_id) or user)
    # A drive's id carries the owner's, which must be a GUID; files made by hand may have others.
    if not _is_guid(user_id):
        return None
    is_new = tenant.writes.history.state(user_id, tenant.spec.today).is_new
    if is_new or not plans or drive_kind(tenant.spec.seed, user_id) == "never":
        return None
    tree = DriveTree(tenant.spec.seed, tenant.spec.tenant_id, user_id)
    quota = SMALL_QUOTA if plans == {_SMALL_PLAN} else USUAL_QUOTA
    made = OpenDrive(drive_id_of(tenant, user_id), user, Drive(tree, quota))
    tenant.writes.drives[user_id] = made
    return made


def _plans_of(tenant: Tenant, user: Json) -> set[str]:
    """The service plans with OneDrive that a user has or had before any write."""
    catalogue = tenant.plans()
    found: set[str] = set()
    for license_ in user.get("assignedLicenses") or ():
        off = set(license_.get("disabledPlans") or ())
        plans = catalogue.get(str(license_["skuId"]), {})
        found |= {name for name in _PLANS if name in plans and plans[name] not in off}
    return found


def _owner_of(tenant: Tenant, drive_id: str) -> str | None:
    try:
        raw = base64.urlsafe_b64decode(drive_id.removeprefix(_PREFIX))
    except (binascii.Error, ValueError):
        return None
    mark = _mark(tenant)
    if not drive_id.startswith(_PREFIX) or len(raw) != 48 or raw[:16] + raw[32:] != mark:
        return None
    return str(uuid.UUID(bytes=bytes(a ^ b for a, b in zip(raw[16:32], mark[:16], strict=True))))


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _mark(tenant: Tenant) -> bytes:
    return dice.digest(tenant.spec.seed, tenant.spec.tenant_id, "drives")
