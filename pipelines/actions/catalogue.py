"""Every action by name."""

from __future__ import annotations

from pipelines.actions import accounts, lifecycle, mailbox, onedrive
from pipelines.actions.base import Action
from pipelines.actions.groups import AddGroupMembership, RemoveGroupMembership
from pipelines.actions.licenses import AssignLicense, RemoveLicense

_ALL: tuple[Action, ...] = (
    *accounts.ALL,
    *lifecycle.ALL,
    AssignLicense(),
    RemoveLicense(),
    AddGroupMembership(),
    RemoveGroupMembership(),
    *mailbox.ALL,
    *onedrive.ALL,
)

ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}
