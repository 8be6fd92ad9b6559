"""Every action by name."""

from __future__ import annotations

from pipelines.actions.base import Action
from pipelines.actions.groups import AddGroupMembership, RemoveGroupMembership
from pipelines.actions.licenses import AssignLicense, RemoveLicense

_ALL: tuple[Action, ...] = (AssignLicense(), RemoveLicense(), RemoveGroupMembership(), AddGroupMembership())

ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}
