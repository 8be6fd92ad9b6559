"""What a tenant is made of: the made-up company, and the form that any other content must have."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

from pipelines.simulator import skus
from pipelines.simulator.activity import Activity
from pipelines.simulator.corrections import Corrections
from pipelines.simulator.directory import Directory
from pipelines.simulator.inventory import Inventory
from pipelines.simulator.licensing import Licensing
from pipelines.simulator.overlay import History, Plans
from pipelines.simulator.reports import DayRows, Reports
from pipelines.simulator.roster import Roster
from pipelines.simulator.spec import TenantSpec
from pipelines.simulator.truth import Truth
from pipelines.simulator.written_use import WrittenUse

Json = dict[str, Any]

KEPT_DAYS = 4
"""How many days' answers are kept at hand."""


class Content(Protocol):
    """What a tenant is made of: made-up people, or the files of a folder."""

    def day_csv(self, spec: TenantSpec, day: date) -> bytes:
        """The report of one day."""

    def period_csv(self, spec: TenantSpec, period: str) -> bytes:
        """The report of a period."""

    def user_counts_csv(self, spec: TenantSpec, period: str) -> bytes:
        """Microsoft's own counts by day."""

    def users(self, spec: TenantSpec, day: date) -> list[Json]:
        """The directory of a day."""

    def user(self, spec: TenantSpec, day: date, key: str) -> Json | None:
        """One user of the directory by object id or user principal name."""

    def deleted_users(self, spec: TenantSpec) -> list[Json]:
        """The deleted items of the day."""

    def subscribed_skus(self, spec: TenantSpec) -> list[Json]:
        """The products of the day."""

    def subscriptions(self, spec: TenantSpec) -> list[Json]:
        """The subscriptions of the day."""

    def organization(self, spec: TenantSpec) -> list[Json]:
        """The organization."""

    def groups(self, spec: TenantSpec) -> list[Json]:
        """The groups."""

    def admins(self, spec: TenantSpec) -> dict[str, str]:
        """Object id → administrator role."""

    def plans(self, spec: TenantSpec) -> Plans:
        """The service plans of every product."""

    def report_settings(self, spec: TenantSpec) -> Json:
        """The admin report settings."""


class MadeUpCompany:
    """Made-up people. What happened on a date is drawn from the seed and never depends on `today`."""

    def __init__(self, spec: TenantSpec, history: History | None = None) -> None:
        self.corrections = Corrections()
        self._history = history or History()
        self.roster = Roster(spec)
        self.licensing = Licensing(spec)
        self.activity = Activity(spec.seed, self.licensing)
        self.inventory = Inventory(spec, self.roster, self.licensing)
        self._rows = DayRows(self.roster, self.activity)
        self._reports: dict[TenantSpec, Reports] = {}
        self._truths: dict[TenantSpec, Truth] = {}
        self._users: dict[date, list[Json]] = {}
        self._keys: dict[date, dict[str, Json]] = {}
        self._skus: dict[date, list[Json]] = {}

    def reports(self, spec: TenantSpec) -> Reports:
        """The reports on the spec's day; a few days are kept at hand."""
        found = self._reports.get(spec)
        if found is None:
            _make_room(self._reports)
            written = WrittenUse(spec, self._history, self.roster, self.activity, self.directory(spec))
            found = self._reports[spec] = Reports(
                spec, self.roster, self.activity, self.corrections, self._rows, written
            )
        return found

    def directory(self, spec: TenantSpec) -> Directory:
        """The directory on the spec's day."""
        return Directory(spec, self.roster, self.licensing, self.activity)

    def truth(self, spec: TenantSpec) -> Truth:
        """The ground truth as known on the spec's day."""
        found = self._truths.get(spec)
        if found is None:
            _make_room(self._truths)
            reports = self.reports(spec)
            found = self._truths[spec] = Truth(spec, self.roster, self.licensing, self.activity, reports)
        return found

    def day_csv(self, spec: TenantSpec, day: date) -> bytes:
        """The report of one day."""
        return self.reports(spec).day_csv(day)

    def period_csv(self, spec: TenantSpec, period: str) -> bytes:
        """The report of a period."""
        return self.reports(spec).period_csv(period)

    def user_counts_csv(self, spec: TenantSpec, period: str) -> bytes:
        """Microsoft's own counts by day."""
        return self.reports(spec).user_counts_csv(period)

    def users(self, spec: TenantSpec, day: date) -> list[Json]:
        """The directory of a day; a few days are kept at hand, since it is asked for page by page."""
        return [dict(user) for user in self._users_of(spec, day)]

    def user(self, spec: TenantSpec, day: date, key: str) -> Json | None:
        """One user by object id or user principal name."""
        found = self._keys.get(day)
        if found is None:
            users = self._users_of(spec, day)
            _make_room(self._keys)
            found = self._keys[day] = {str(user["userPrincipalName"]).lower(): user for user in users}
            found |= {str(user["id"]): user for user in users}
        user = found.get(key.lower())
        return None if user is None else dict(user)

    def _users_of(self, spec: TenantSpec, day: date) -> list[Json]:
        found = self._users.get(day)
        if found is None:
            _make_room(self._users)
            found = self._users[day] = self.directory(spec).users(day)
        return found

    def deleted_users(self, spec: TenantSpec) -> list[Json]:
        """The deleted items of the day."""
        return self.directory(spec).deleted_users(spec.today)

    def subscribed_skus(self, spec: TenantSpec) -> list[Json]:
        """The products of the day."""
        found = self._skus.get(spec.today)
        if found is None:
            _make_room(self._skus)
            found = self._skus[spec.today] = self.inventory.subscribed_skus(spec.today)
        return [dict(item) for item in found]

    def subscriptions(self, spec: TenantSpec) -> list[Json]:
        """The subscriptions of the day."""
        return self.inventory.subscriptions(spec.today)

    def organization(self, spec: TenantSpec) -> list[Json]:
        """The organization."""
        return self.directory(spec).organization()

    def groups(self, spec: TenantSpec) -> list[Json]:
        """The groups."""
        return self.directory(spec).groups()

    def admins(self, spec: TenantSpec) -> dict[str, str]:
        """Who holds which administrator role."""
        return self.directory(spec).admins()

    def plans(self, spec: TenantSpec) -> Plans:  # noqa: ARG002
        """The service plans of every product."""
        return {sku.sku_id: sku.plan_ids for sku in skus.CATALOG}

    def report_settings(self, spec: TenantSpec) -> Json:
        """The admin report settings."""
        return {"displayConcealedNames": spec.is_concealed}


def _make_room(kept: dict[Any, Any]) -> None:
    while len(kept) >= KEPT_DAYS:
        kept.pop(next(iter(kept)))
