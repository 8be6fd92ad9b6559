"""What was written to a tenant since it was made, laid over the directory of any day.

The made-up company itself never changes. A write is kept as a new version of one user: what it patched, which
licences came and went, which groups were joined and left. A version is seen from its day on; a delta token
remembers the newest version that it has told of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.simulator.people import DELETED_ITEMS_DAYS
from pipelines.simulator.skus import MAILBOX_PLANS, MAX_ASSIGNED_PLANS, service_of

Json = dict[str, Any]
Plans = Mapping[str, Mapping[str, str]]
"""SKU id → service plan name → service plan id."""
Source = tuple[str, "str | None"]
"""A licence of a person: the SKU's id, and the group that gives it (None: direct)."""

NO_LICENSES: Json = {"assignedLicenses": [], "assignedPlans": [], "licenseAssignmentStates": []}


@dataclass(frozen=True)
class UserState:
    """Everything that was written to one user."""

    origin: Json | None = None
    """The user before any write, where the directory may not have it; always there once deleted or restored."""
    is_new: bool = False
    """Whether the account was created by a write: it had no groups and no licences to begin with."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    is_manager_set: bool = False
    manager_id: str | None = None
    licenses_added: tuple[Json, ...] = ()
    """In the shape of `licenseAssignmentStates`."""
    licenses_removed: frozenset[Source] = frozenset()
    joined: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    deleted_at: str | None = None
    """The instant of the soft delete; None while the account exists."""

    def is_purged_on(self, day: date) -> bool:
        """Whether the account was deleted so long before that nothing is left of it."""
        if self.deleted_at is None:
            return False
        return day >= date.fromisoformat(self.deleted_at[:10]) + timedelta(days=DELETED_ITEMS_DAYS)


UNTOUCHED = UserState()


@dataclass(frozen=True)
class _Version:
    number: int
    day: date
    state: UserState


class History:
    """The versions of every user that was written to. Not safe between threads: the tenant's lock guards it."""

    def __init__(self) -> None:
        self._versions: dict[str, list[_Version]] = {}
        self.newest = 0
        """The number of the newest version; 0 while nothing has been written."""

    def put(self, user_id: str, state: UserState, day: date) -> None:
        """Have a user be like this from the day on."""
        self.newest += 1
        self._versions.setdefault(user_id, []).append(_Version(self.newest, day, state))

    def state(self, user_id: str, day: date, version: int | None = None) -> UserState:
        """What had been written to a user by the day, up to a version (default: all)."""
        for kept in reversed(self._versions.get(user_id, ())):
            if kept.day <= day and (version is None or kept.number <= version):
                return kept.state
        return UNTOUCHED

    def changed(self, day: date, version: int | None = None) -> dict[str, UserState]:
        """Every user written to by the day, up to a version."""
        states = {user_id: self.state(user_id, day, version) for user_id in self._versions}
        return {user_id: state for user_id, state in states.items() if state is not UNTOUCHED}

    def states(self, user_id: str) -> list[tuple[date, UserState]]:
        """Every version of one user with its first day, oldest first."""
        return [(kept.day, kept.state) for kept in self._versions.get(user_id, ())]


class Overlay:
    """The writes of a moment over the users of a day."""

    def __init__(self, changed: Mapping[str, UserState], day: date, plans: Plans) -> None:
        self._changed = changed
        self._day = day
        self._plans = plans
        self._gone = {user_id for user_id, state in changed.items() if state.deleted_at is not None}

    def users(self, base: list[Json]) -> list[Json]:
        """Everybody with an account, ordered by object id."""
        if not self._changed:
            return base
        known = {str(user["id"]) for user in base}
        extra = [state.origin for key, state in self._changed.items() if key not in known and state.origin is not None]
        everybody = [self._applied(user) for user in (*base, *extra) if str(user["id"]) not in self._gone]
        by_id = {str(user["id"]): user for user in everybody}
        for user in everybody:
            self._relate(user, by_id)
        return sorted(everybody, key=lambda user: str(user["id"]))

    def user(self, base: Json | None, user_id: str) -> Json | None:
        """One user, with the manager as the directory has it, or as an id alone where that was written."""
        state = self._changed.get(user_id, UNTOUCHED)
        whole = base if base is not None else state.origin
        if whole is None or user_id in self._gone:
            return None
        user = self._applied(whole)
        self._relate(user, {})
        return user

    def deleted(self, base: list[Json]) -> list[Json]:
        """The deleted items: those of the directory, less the restored, and those deleted here."""
        if not self._changed:
            return base
        kept = [item for item in base if self._changed.get(str(item["id"]), UNTOUCHED).origin is None]
        for user_id in self._gone:
            state = self._changed[user_id]
            if state.origin is not None and not state.is_purged_on(self._day):
                kept.append(as_deleted(self._applied(state.origin), str(state.deleted_at)))
        return sorted(kept, key=lambda item: str(item["id"]))

    def _applied(self, base: Json) -> Json:
        state = self._changed.get(str(base["id"]), UNTOUCHED)
        if state is UNTOUCHED:
            return base
        user = {**base, **state.properties}
        if state.licenses_added or state.licenses_removed:
            states = [item for item in states_of(base) if source_of(item) not in state.licenses_removed]
            user |= licenses_from([*states, *state.licenses_added], base.get("assignedPlans") or (), self._plans)
        if state.is_new and not user.get("mail") and has_mailbox_plan(states_of(user), self._plans):
            name = str(user["userPrincipalName"])
            user |= {"mail": name, "proxyAddresses": [f"SMTP:{name}"]}
        return user

    def _relate(self, user: Json, by_id: Mapping[str, Json]) -> None:
        state = self._changed.get(str(user["id"]), UNTOUCHED)
        if state.is_manager_set:
            user.pop("manager", None)
            if state.manager_id is not None:
                user["manager"] = as_reference(by_id.get(state.manager_id) or {"id": state.manager_id})
        manager = user.get("manager")
        if manager is not None and str(manager.get("id")) in self._gone:
            del user["manager"]


def as_reference(user: Json) -> Json:
    """A user as another one's manager."""
    shown = {name: user.get(name) for name in ("id", "displayName", "userPrincipalName")}
    return {"@odata.type": "#microsoft.graph.user", **shown}


def as_deleted(user: Json, deleted_at: str) -> Json:
    """A user among the deleted items: the name made unique by the id, no licences, no manager."""
    key = str(user["id"]).replace("-", "")
    item = {**user, "userPrincipalName": f"{key}{user['userPrincipalName']}", "deletedDateTime": deleted_at}
    item.pop("manager", None)
    return item | NO_LICENSES


def states_of(user: Json) -> list[Json]:
    """A user's `licenseAssignmentStates`; direct ones where only `assignedLicenses` are known."""
    states = user.get("licenseAssignmentStates")
    if states:
        return [dict(item) for item in states]
    return [
        {
            "skuId": item["skuId"],
            "disabledPlans": item.get("disabledPlans", []),
            "assignedByGroup": None,
            "state": "Active",
            "error": "None",
            "lastUpdatedDateTime": user.get("createdDateTime"),
        }
        for item in user.get("assignedLicenses") or ()
    ]


def source_of(state: Json) -> Source:
    """Which licence an assignment state is about, and where it comes from."""
    return str(state["skuId"]), state.get("assignedByGroup")


def is_held(state: Json) -> bool:
    """Whether the person really has the product."""
    return state.get("state") in ("Active", "ActiveWithError")


def has_mailbox_plan(states: Iterable[Json], plans: Plans) -> bool:
    """Whether one of these licences carries a mailbox that is not switched off."""
    for state in states:
        known = plans.get(str(state["skuId"]), {})
        off = set(state.get("disabledPlans") or ())
        if is_held(state) and any(name in known and known[name] not in off for name in MAILBOX_PLANS):
            return True
    return False


def held_skus(user: Json | None) -> set[str]:
    """The SKUs that a user consumes a unit of."""
    return set() if user is None else {str(item["skuId"]) for item in user.get("assignedLicenses") or ()}


def licenses_from(states: list[Json], before: Iterable[Json], plans: Plans) -> Json:
    """`assignedLicenses` and `assignedPlans` that follow from the assignment states.

    A service plan is off only where every source of its product switches it off. `before` are the plans assigned
    until now, which keep the instant of their assignment.
    """
    off_by_sku: dict[str, set[str]] = {}
    since: dict[str, str] = {}
    for state in states:
        if is_held(state):
            off = set(state.get("disabledPlans") or ())
            sku_id = str(state["skuId"])
            off_by_sku[sku_id] = off_by_sku.get(sku_id, off) & off
            since.setdefault(sku_id, str(state.get("lastUpdatedDateTime")))
    known = {str(plan["servicePlanId"]): plan for plan in before}
    assigned: dict[str, Json] = {}
    for sku_id, off in off_by_sku.items():
        for name, plan_id in list(plans.get(sku_id, {}).items())[:MAX_ASSIGNED_PLANS]:
            status = "Deleted" if plan_id in off else "Enabled"
            made = {
                "assignedDateTime": since[sku_id],
                "capabilityStatus": status,
                "service": service_of(name),
                "servicePlanId": plan_id,
            }
            plan = {**known.get(plan_id, made), "capabilityStatus": status}
            if assigned.get(plan_id, {}).get("capabilityStatus") != "Enabled":
                assigned[plan_id] = plan
    return {
        "assignedLicenses": [{"disabledPlans": sorted(off), "skuId": sku_id} for sku_id, off in off_by_sku.items()],
        "assignedPlans": list(assigned.values()),
        "licenseAssignmentStates": states,
    }
