"""A leaver's OneDrive: copied to the manager's, or opened to the manager.

Source: Graph v1.0 ``driveItem: copy`` and ``driveItem: invite``. A copy has no permissions and links, no former
versions and new dates; shortcuts to other people's files are not the leaver's and stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.actions import drives
from pipelines.actions.base import Action, ActionError, Help, State
from pipelines.actions.drive_copy import CONFLICT, SHOWN_NAMES, Copier, compare, facts_renamed
from pipelines.actions.drives import WRITE, Drive, children, find_drive, find_item, item_path
from pipelines.actions.people import READ, Person, find_person, person_of
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, read_collection, segment
from pipelines.graph.write import GraphWriter, OutcomeUnknownError

NOT_COPIED = (
    "Not copied: sharing permissions and links, former versions, original dates; shortcuts to others' files stay."
)
# What OneDrive accepts in no name.
_FORBIDDEN = re.compile(r'["*:<>?/\\|\x00-\x1f]')


class _OneDrive(Action):
    permissions = (WRITE, READ)
    watched: ClassVar = {"manager_id": "the manager"}

    def base(self, client: GraphClient, step: Step) -> tuple[State, Person | None, Drive | None, Person | None]:
        """What both ways look at: the leaver, the leaver's drive and the manager."""
        person = person_of(client, step)
        if person is None:
            return {"exists": False}, None, None, None
        path = f"users/{segment(person.user_id)}/manager"
        current = find_object(client, path, "reading a manager", params={"$select": "id"}, permission=READ)
        manager = find_person(client, str(step.parameters["manager_id"]))
        drive = find_drive(client, person.user_id)
        state = {
            "exists": True,
            "has_drive": drive is not None,
            "manager_id": str(current["id"]) if current else None,
            "manager_can_sign_in": manager is not None and manager.is_enabled,
        }
        return state, person, drive, manager

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and not state["manager_can_sign_in"]:
            return "The manager's account is disabled or gone: name somebody else."
        return super().refusal(state, step)

    def changed(self, state: State, step: Step) -> str | None:
        """Whether somebody else is the manager since, where it is for the manager."""
        return super().changed(state, step) if step.parameters.get("is_manager") else None

    def describe(self, step: Step) -> str:
        """The step with the manager's name."""
        return f"{self.words} {step.parameters.get('manager_name') or step.parameters['manager_id']}"


class HandOverOneDrive(_OneDrive):
    """Copy everything into a folder of the manager's OneDrive that is named after the leaver."""

    name = "hand_over_onedrive"
    words = "copy OneDrive to"

    def resumed(self, step: Step, facts: list[dict[str, Any]]) -> Step:
        """The step with the folder that an attempt before made."""
        known = {str(key): fact[key] for fact in facts for key in ("folder_id",) if key in fact}
        renamed = facts_renamed(facts)
        parameters = {**step.parameters, **known, **({"renamed": renamed} if renamed else {})}
        return step.model_copy(update={"parameters": parameters})

    def look(self, client: GraphClient, step: Step) -> State:
        """Both drives, without going through them."""
        state, _, drive, manager = self.base(client, step)
        if drive is None or manager is None:
            return state
        target = find_drive(client, manager.user_id)
        return {
            **state,
            "bytes": drive.used,
            "manager_has_drive": target is not None,
            # How much of it is copied already is not looked at here.
            "room": target.remaining if target and "folder_id" not in step.parameters else None,
            "missing_files": None,
        }

    def read(self, client: GraphClient, step: Step) -> State:
        """Both drives, and what of the one is not yet in the folder of the other."""
        state, _, drive, manager = self.base(client, step)
        if drive is None or manager is None:
            return state
        target = find_drive(client, manager.user_id)
        folder_id = step.parameters.get("folder_id")
        folder = find_item(client, target.drive_id, str(folder_id)) if target and folder_id else None
        seen = compare(
            lambda item_id: children(client, drive.drive_id, item_id),
            lambda item_id: children(client, target.drive_id, item_id) if target else [],
            drive.root_id,
            folder.item_id if folder else None,
            dict(step.parameters.get("renamed") or {}),
        )
        return {
            **state,
            "files": seen.source.files,
            "folders": seen.source.folders,
            "bytes": seen.source.size,
            "notebooks": seen.source.notebooks,
            "shortcuts": seen.source.shortcuts,
            "manager_has_drive": target is not None,
            "room": target.remaining if target else None,
            "folder_id": folder.item_id if folder else None,
            "folder": folder.name if folder else None,
            "missing_files": seen.files,
            "missing_bytes": seen.size,
            "missing_notebooks": seen.notebooks,
            "missing_names": seen.names if folder else [],
        }

    def is_done(self, state: State, step: Step) -> bool:
        """Whether every file is in the folder, or there never was a OneDrive."""
        if not state["exists"]:
            return False
        if not state["has_drive"]:
            return True
        is_empty = state.get("files") == 0 and state.get("notebooks") == 0
        return state.get("missing_files") == 0 and (state.get("folder_id") is not None or is_empty)

    def already(self, state: State, step: Step) -> str:
        """Why there is nothing to copy."""
        if not state["has_drive"]:
            return "The person never opened a OneDrive: there is nothing to copy."
        return super().already(state, step)

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and state["has_drive"] and state["manager_can_sign_in"]:
            if not state["manager_has_drive"]:
                return "The manager's OneDrive was never opened: the manager opens it once, then apply again."
            room, needed = state["room"], int(state["missing_bytes"] if "missing_bytes" in state else state["bytes"])
            if room is not None and needed > room:
                return f"The manager's OneDrive has room for {_size(room)}, and {_size(needed)} are to be copied."
        return super().refusal(state, step)

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Copy what is missing. Raises ActionError with what could not be copied."""
        _, _, source, manager = self.base(writer, step)
        target = find_drive(writer, manager.user_id) if manager else None
        if source is None or target is None:
            raise ActionError("A OneDrive is not there any more.")
        folder_id = self._folder(writer, step, target, help_)
        renamed = facts_renamed(help_.earlier)
        copier = Copier(writer, help_, source.drive_id, target.drive_id, renamed)
        copier.bring(source.root_id, folder_id)
        now = help_.seen = self.read(writer, self.resumed(step, help_.earlier))
        if copier.failures or now["missing_files"]:
            reasons = copier.failures[:SHOWN_NAMES] or now["missing_names"]
            raise ActionError(
                f"{now['missing_files']:,} of {now['files']:,} files are not in the manager's OneDrive yet: "
                f"{'; '.join(map(str, reasons))}. Apply again: only those are copied."
            )
        return self._report(now)

    def _report(self, state: State) -> str:
        amount = f"{state['files']:,} files, {_size(state['bytes'])}"
        parts = [f"{amount}, in the folder '{state.get('folder')}'; counts and bytes agree.", NOT_COPIED]
        if state["notebooks"]:
            parts.append(f"{state['notebooks']} notebooks: open each once to see that it is whole.")
        if state.get("missing_notebooks"):
            parts.append(f"{state['missing_notebooks']} of them did not come along: move them by hand.")
        if state["shortcuts"]:
            parts.append(f"{state['shortcuts']} shortcuts to other people's files.")
        return " ".join(parts)

    def _folder(self, writer: GraphWriter, step: Step, target: Drive, help_: Help) -> str:
        """The folder in the manager's OneDrive: the one that was made before, else a new one."""
        known = self.resumed(step, help_.earlier).parameters.get("folder_id")
        if known and find_item(writer, target.drive_id, str(known)):
            return str(known)
        wanted = folder_name(step)
        before = {item.item_id for item in children(writer, target.drive_id, target.root_id)}
        announced = [fact for fact in help_.earlier if "folder_before" in fact]
        if announced:
            # An attempt was cut off while it made the folder: it is the one that was not there before.
            made = self._new_folder(writer, target, set(map(str, announced[-1]["folder_before"])), wanted)
            if made is not None:
                help_.progress({"folder_id": made})
                return made
        help_.progress({"folder_before": sorted(item.item_id for item in self._alike(writer, target, wanted))})
        body = {"name": wanted, "folder": {}, CONFLICT: "rename"}
        path = f"{item_path(target.drive_id, target.root_id)}/children"
        try:
            answer = writer.write("POST", path, writer.context("making a folder", permission=WRITE), body)
            folder_id = str(answer.body.get("id") or "")
        except OutcomeUnknownError:
            folder_id = ""
        if not folder_id:
            made = self._new_folder(writer, target, before, wanted)
            if made is None:
                raise ActionError("The folder could not be made. Apply again.")
            folder_id = made
        help_.progress({"folder_id": folder_id})
        return folder_id

    def _alike(self, client: GraphClient, target: Drive, wanted: str) -> list[drives.Item]:
        """The folders with that name, or one that OneDrive made of it."""
        there = children(client, target.drive_id, target.root_id)
        return [item for item in there if item.kind == "folder" and item.key.startswith(wanted.casefold())]

    def _new_folder(self, client: GraphClient, target: Drive, before: set[str], wanted: str) -> str | None:
        new = [item for item in self._alike(client, target, wanted) if item.item_id not in before]
        return new[0].item_id if len(new) == 1 else None

    def after(self, step: Step) -> State:
        """Nothing missing."""
        return {"missing_files": 0, "missing_bytes": 0}

    def undo(self, step: Step) -> str:
        """Deleting the copy."""
        return f"The leaver's OneDrive is as it was; delete the folder '{folder_name(step)}' in the manager's."


class GrantOneDriveAccess(_OneDrive):
    """Let the manager read the leaver's OneDrive."""

    name = "grant_onedrive_access"
    words = "open OneDrive to"

    def read(self, client: GraphClient, step: Step) -> State:
        """Who may read it."""
        state, _, drive, manager = self.base(client, step)
        if drive is None or manager is None:
            return state
        path = f"{item_path(drive.drive_id, drive.root_id)}/permissions"
        granted = read_collection(client, path, "reading who may see a OneDrive", permission=WRITE)
        return {**state, "manager_may_read": any(_is_for(permission, manager) for permission in granted)}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the manager may."""
        return bool(state["exists"] and state.get("manager_may_read"))

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and not state["has_drive"]:
            return "The person's OneDrive was never opened: there is nothing in it."
        return super().refusal(state, step)

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Invite the manager, without a message."""
        _, _, drive, manager = self.base(writer, step)
        if drive is None or manager is None:
            raise ActionError("The OneDrive is not there any more.")
        body = {
            "requireSignIn": True,
            "sendInvitation": False,
            "roles": ["read"],
            "recipients": [{"email": manager.raw.get("mail") or manager.name}],
        }
        path = f"{item_path(drive.drive_id, drive.root_id)}/invite"
        writer.write("POST", path, writer.context("opening a OneDrive", permission=WRITE), body)
        return "No message was sent. It ends with the OneDrive: files that are to stay have to be copied."

    def after(self, step: Step) -> State:
        """The manager may read."""
        return {"manager_may_read": True}

    def undo(self, step: Step) -> str:
        """Taking it away again."""
        return "In the leaver's OneDrive: Manage access of the root folder, or the SharePoint admin centre."


def folder_name(step: Step) -> str:
    """The folder named after the leaver, as OneDrive accepts it."""
    name = str(step.target.display_name or step.target.user_principal_name.partition("@")[0])
    return _FORBIDDEN.sub(" ", name).strip(" .")[:200] or "OneDrive"


def _is_for(permission: dict[str, Any], manager: Person) -> bool:
    granted = permission.get("grantedToV2") or permission.get("grantedTo") or {}
    user = granted.get("user") or {}
    names = {str(user.get(key) or "").lower() for key in ("id", "email", "userPrincipalName")}
    known = {manager.user_id.lower(), manager.name.lower(), str(manager.raw.get("mail") or manager.name).lower()}
    return bool(names & known) and bool({"read", "write", "owner"} & set(permission.get("roles") or []))


def _size(count: int) -> str:
    """Bytes for people."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


ALL: Sequence[Action] = (HandOverOneDrive(), GrantOneDriveAccess())
