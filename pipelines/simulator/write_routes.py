"""Which write answers a method and a path ; what only reads the directory is found elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.simulator.copies import CopyService
from pipelines.simulator.drives_api import DrivesApi
from pipelines.simulator.identity import Grant
from pipelines.simulator.mailbox import MailboxApi
from pipelines.simulator.spec import Pace
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, Reply
from pipelines.simulator.writes_groups import GroupsApi
from pipelines.simulator.writes_licenses import LicenseWrites
from pipelines.simulator.writes_users import UserWrites

Answer = Callable[[], Reply]


class WriteRoutes:
    """The write side, and what is read only beside it: single groups, memberships, mailboxes, drives."""

    def __init__(self, base_url: str, monitor_url: str, pace: Pace, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.copies = CopyService(monitor_url, pace, clock)
        self._drives = DrivesApi(base_url, self.copies)
        self._mailboxes = MailboxApi()
        self._users = UserWrites()
        self._licenses = LicenseWrites(pace)
        self._groups = GroupsApi(base_url, self._licenses)

    def settle(self, tenant: Tenant) -> None:
        """Let everything happen that happens in the background and is due."""
        self._licenses.settle(tenant, self._clock())
        self.copies.settle(tenant)

    def find(self, call: Call, grant: Grant, tenant: Tenant, path: tuple[str, ...]) -> Answer | None:
        """What answers the call, or None where no write side has that path and method."""
        users, groups, licenses = self._users, self._groups, self._licenses
        method, key = call.method, path[1] if len(path) > 1 else ""
        first = tuple(part.lower() for part in path[:3])
        if len(path) > 1 and (first[0] == "drives" or (first[0], first[2:]) == ("users", ("drive",))):
            return lambda: self._drives.serve(call, grant, tenant, path)
        if first[:1] == ("users",) and first[2:] in (("mailboxsettings",), ("mailfolders",)):
            return lambda: self._mailboxes.serve(call, grant, tenant, path)
        match (method, tuple(part.lower() for part in path)):
            case ("POST", ("users",)):
                return lambda: users.create(call, grant, tenant)
            case ("PATCH", ("users", _)):
                return lambda: users.update(call, grant, tenant, key)
            case ("DELETE", ("users", _)):
                return lambda: users.delete(grant, tenant, key)
            case ("PUT", ("users", _, "manager", "$ref")):
                return lambda: users.set_manager(call, grant, tenant, key)
            case ("DELETE", ("users", _, "manager", "$ref")):
                return lambda: users.remove_manager(grant, tenant, key)
            case ("POST", ("users", _, "revokesigninsessions" | "microsoft.graph.revokesigninsessions")):
                return lambda: users.revoke_sessions(grant, tenant, key)
            case ("POST", ("users", _, "assignlicense" | "microsoft.graph.assignlicense")):
                return lambda: licenses.assign(call, grant, tenant, key)
            case ("POST", ("users", _, "reprocesslicenseassignment")):
                return lambda: licenses.reprocess(grant, tenant, key, self._clock())
            case ("GET", ("users", _, "memberof")):
                return lambda: groups.member_of(call, grant, tenant, key, None)
            case ("GET", ("users", _, "memberof", "microsoft.graph.group" | "graph.group")):
                return lambda: groups.member_of(call, grant, tenant, key, "group")
            case ("GET", ("users", _, "memberof", "microsoft.graph.directoryrole" | "graph.directoryrole")):
                return lambda: groups.member_of(call, grant, tenant, key, "directoryrole")
            case ("GET", ("directory", "deleteditems", item)) if not item.startswith(("microsoft.", "graph.")):
                return lambda: users.deleted(grant, tenant, path[2], call)
            case ("POST", ("directory", "deleteditems", _, "restore" | "microsoft.graph.restore")):
                return lambda: users.restore(grant, tenant, path[2])
            case ("GET", ("groups", _)):
                return lambda: groups.group(call, grant, tenant, key)
            case ("GET", ("groups", _, "members") | ("groups", _, "members", "microsoft.graph.user" | "graph.user")):
                return lambda: groups.members(call, grant, tenant, key)
            case ("POST", ("groups", _, "members", "$ref")):
                return lambda: groups.add(call, grant, tenant, key, self._clock())
            case ("DELETE", ("groups", _, "members", _, "$ref")):
                return lambda: groups.remove(grant, tenant, key, path[3], self._clock())
            case ("DELETE", ("groups", _, "members", _)):
                # Without $ref it is the member itself that is deleted (Graph documentation, remove member).
                return lambda: users.delete(grant, tenant, path[3])
        return None
