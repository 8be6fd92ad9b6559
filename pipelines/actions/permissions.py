"""Which permission covers which, and what of a token could change something.

Source: Graph permissions reference (application permissions of each call, least first).
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.actions.base import Action
from pipelines.actions.catalogue import ACTIONS

_EVERYTHING = "Directory.ReadWrite.All"
# Least permission → those that allow as much and more.
_COVERED_BY = {
    "User.Read.All": ("User.ReadWrite.All", "Directory.Read.All", _EVERYTHING),
    "User.ReadWrite.All": (_EVERYTHING,),
    "User.EnableDisableAccount.All": ("User.ReadWrite.All", _EVERYTHING),
    "User.RevokeSessions.All": ("User.ReadWrite.All", _EVERYTHING),
    "User.DeleteRestore.All": ("User.ReadWrite.All",),
    "LicenseAssignment.ReadWrite.All": ("User.ReadWrite.All", _EVERYTHING),
    "GroupMember.ReadWrite.All": ("Group.ReadWrite.All", _EVERYTHING),
    "Files.ReadWrite.All": ("Sites.ReadWrite.All", "Sites.FullControl.All"),
}
# Parts of the names of permissions that change, send or control something.
_WRITING = (
    "write",
    "manage",
    "create",
    "delete",
    "send",
    "revoke",
    "enabledisable",
    "fullcontrol",
    "privileged",
    "invite",
)


def missing_permissions(action: Action, carried: Iterable[str]) -> list[str]:
    """The permissions of an action that a token with these has not, nor one that covers them."""
    held = set(carried)
    return [name for name in action.permissions if not held & {name, *_COVERED_BY.get(name, ())}]


def writing_permissions(carried: Iterable[str]) -> list[str]:
    """Those of a token's permissions with which something could be changed."""
    return sorted(name for name in carried if any(part in name.lower() for part in _WRITING))


def actions_by_permission() -> dict[str, list[str]]:
    """The main permission of every action, with the actions that need it, in the order of the catalogue."""
    found: dict[str, list[str]] = {}
    for action in ACTIONS.values():
        found.setdefault(action.permissions[0], []).append(action.name)
    return found
