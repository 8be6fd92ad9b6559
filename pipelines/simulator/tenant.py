"""A tenant: everything that Graph would tell about it on one day. Pure; no socket, no clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from pipelines.simulator import corrections
from pipelines.simulator.company import Content, MadeUpCompany
from pipelines.simulator.corrections import Correction, DayRow
from pipelines.simulator.fixtures import FixtureFolder
from pipelines.simulator.groups import Membership
from pipelines.simulator.overlay import UNTOUCHED, Overlay, Plans, held_skus
from pipelines.simulator.people import Person
from pipelines.simulator.reports import PERIODS
from pipelines.simulator.spec import TenantSpec
from pipelines.simulator.truth import Truth
from pipelines.simulator.writes import Writes

Json = dict[str, Any]


class Tenant:
    """One Microsoft 365 tenant on one day. Immutable but for corrections and writes; safe between threads."""

    def __init__(
        self,
        spec: TenantSpec,
        content: Content | None = None,
        lock: RLock | None = None,
        writes: Writes | None = None,
    ) -> None:
        self.spec = spec
        self._lock = lock or RLock()
        self.writes = writes or Writes()
        """What was written to the tenant, the same on all its days. Use it under `lock` only."""
        self._written: tuple[tuple[date, int | None, int], list[Json]] | None = None
        """The users after the writes, kept at hand since they are asked for page by page."""
        self._content: Content = content if content is not None else MadeUpCompany(spec, self.writes.history)

    @property
    def lock(self) -> RLock:
        """Held while something is written, so that what was read for it still holds."""
        return self._lock

    @classmethod
    def from_fixtures(cls, folder: Path, spec: TenantSpec) -> Tenant:
        """A tenant that serves the files of a folder as they are; see `fixtures`."""
        return cls(spec, FixtureFolder(folder))

    def with_today(self, today: date) -> Tenant:
        """The same tenant on another day: one company, one history, one set of corrections."""
        return self.replaced(today=today)

    def replaced(self, **changes: Any) -> Tenant:
        """The same tenant with other settings (today, concealment, permissions, secrets, report ages).

        Whatever decides who the people are (seed, users, tenant id, domain) stays.
        """
        fixed = {"seed", "users", "tenant_id", "domain", "display_name"} & changes.keys()
        if fixed:
            raise ValueError(f"{', '.join(sorted(fixed))} would make it another tenant; build a new one.")
        return Tenant(replace(self.spec, **changes), self._content, self._lock, self.writes)

    @property
    def truth(self) -> Truth:
        """What really is and was; only a made-up tenant knows."""
        with self._lock:
            return self._company.truth(self.spec)

    def report_csv(self, report_date: date) -> bytes:
        """The exact body of a day's getM365AppUserDetail, inside the served window or not."""
        with self._lock:
            return self._content.day_csv(self.spec, report_date)

    def period_csv(self, period: str) -> bytes:
        """The exact body of a period's getM365AppUserDetail: D7, D30, D90 or D180."""
        _known(period)
        with self._lock:
            return self._content.period_csv(self.spec, period)

    def user_counts_csv(self, period: str) -> bytes:
        """The exact body of a period's getM365AppUserCounts."""
        _known(period)
        with self._lock:
            return self._content.user_counts_csv(self.spec, period)

    def users(self, day: date | None = None, version: int | None = None) -> list[Json]:
        """Every user with all properties, `signInActivity` and `manager` included; `day` defaults to today.

        With a `version` of the tenant's writes only those up to it are seen.
        """
        when = day or self.spec.today
        history = self.writes.history
        with self._lock:
            if not history.newest:
                return self._content.users(self.spec, when)
            key = (when, version, history.newest)
            if self._written is None or self._written[0] != key or not isinstance(self._content, MadeUpCompany):
                self._written = (key, self._overlay(when, version).users(self._content.users(self.spec, when)))
            return [dict(user) for user in self._written[1]]

    def user(self, key: str) -> Json | None:
        """One user of today by object id or user principal name; the manager may be an id alone."""
        today = self.spec.today
        with self._lock:
            changed = self.writes.history.changed(today)
            overlay = self._overlay(today)
            for user_id in changed:
                user = overlay.user(self._content.user(self.spec, today, user_id), user_id)
                if user is not None and key.lower() in (user_id, str(user["userPrincipalName"]).lower()):
                    return user
            base = self._content.user(self.spec, today, key)
            return None if base is None or str(base["id"]) in changed else overlay.user(base, str(base["id"]))

    def origin(self, user_id: str) -> Json | None:
        """A user of today as before any write; for one that was created or restored here what that made."""
        with self._lock:
            base = self._content.user(self.spec, self.spec.today, user_id)
            return base or self.writes.history.state(user_id, self.spec.today).origin

    def last_seen(self, user_id: str) -> Json | None:
        """A user of the deleted items as on the last day with an account, if the directory knows that day."""
        with self._lock:
            items = self._content.deleted_users(self.spec)
            item = next((item for item in items if str(item["id"]) == user_id), None)
            if item is None:
                return None
            day = date.fromisoformat(str(item["deletedDateTime"])[:10]) - timedelta(days=1)
            return self._content.user(self.spec, day, user_id)

    def deleted_users(self, version: int | None = None) -> list[Json]:
        """The users deleted in the last 30 days."""
        with self._lock:
            base = self._content.deleted_users(self.spec)
            overlay = self._overlay(self.spec.today, version)
            return overlay.deleted(base)

    def subscribed_skus(self) -> list[Json]:
        """The products owned; `consumedUnits` follow every write."""
        with self._lock:
            items = self._content.subscribed_skus(self.spec)
            for sku_id, more in self._units_written().items():
                for item in items:
                    if str(item.get("skuId")) == sku_id:
                        item["consumedUnits"] = int(item.get("consumedUnits") or 0) + more
            return items

    def _units_written(self) -> Counter[str]:
        """SKU id → how many units more (or less) are consumed since the first write."""
        today = self.spec.today
        overlay = self._overlay(today)
        used: Counter[str] = Counter()
        for user_id in self.writes.history.changed(today):
            base = self._content.user(self.spec, today, user_id)
            used.update(held_skus(overlay.user(base, user_id)))
            used.subtract(held_skus(base))
        return used

    def _overlay(self, day: date, version: int | None = None) -> Overlay:
        return Overlay(self.writes.history.changed(day, version), day, self._content.plans(self.spec))

    def subscriptions(self) -> list[Json]:
        """The subscriptions behind the products."""
        with self._lock:
            return self._content.subscriptions(self.spec)

    def organization(self) -> list[Json]:
        """The organization: a list of one."""
        return self._content.organization(self.spec)

    def groups(self) -> list[Json]:
        """The groups: those that give licences, and others."""
        return self._content.groups(self.spec)

    def admins(self) -> dict[str, str]:
        """Object id → administrator role, for those who hold one."""
        return self._content.admins(self.spec)

    def plans(self) -> Plans:
        """SKU id → service plan name → service plan id."""
        return self._content.plans(self.spec)

    def groups_of(self, user_id: str) -> frozenset[str]:
        """The ids of the groups that somebody belongs to today."""
        with self._lock:
            state = self.writes.history.state(user_id, self.spec.today)
            return Membership(self.groups()).of(self.origin(user_id), self.user(user_id), state)

    def members_of(self, group_id: str) -> list[Json]:
        """Who belongs to a group today, ordered by object id."""
        today = self.spec.today
        with self._lock:
            membership = Membership(self.groups())
            changed = self.writes.history.changed(today)
            found = []
            for user in self.users():
                user_id = str(user["id"])
                state = changed.get(user_id, UNTOUCHED)
                base = self.origin(user_id) if user_id in changed else user
                if group_id in membership.of(base, user, state):
                    found.append(user)
            return found

    def report_settings(self) -> Json:
        """`displayConcealedNames`."""
        return self._content.report_settings(self.spec)

    def correct(
        self,
        report_date: date,
        *,
        drop: int = 0,
        switch_off: int = 0,
        switch_on: int = 0,
        add: int = 0,
        app: str = "Outlook",
        seen_from: date | None = None,
    ) -> Correction:
        """Have the report of a day change, for this tenant on every day from `seen_from` (default: at once).

        `drop` rows of people who used `app` go, `switch_off` others lose the app, `switch_on` people who did
        not use it get it, `add` people without a row get one (Outlook on the web). Who is hit depends on the
        date alone. Returns who it was.
        """
        company = self._company
        with self._lock:
            reports = company.reports(self.spec)
            rows = [
                DayRow(use.person, use.mask, company.activity.allowed_on(use.person, report_date) or 0)
                for use in reports.uses_on(report_date)
                if use.person is not None
            ]
            present = {row.person.user_id for row in rows}
            strangers: list[Person] = [
                person for person in company.roster.people_on(report_date) if person.user_id not in present
            ]
            correction = corrections.plan(
                report_date,
                seen_from or date.min,
                rows,
                strangers,
                drop=drop,
                switch_off=switch_off,
                switch_on=switch_on,
                add=add,
                app=app,
            )
            company.corrections.add(correction)
        return correction

    @property
    def _company(self) -> MadeUpCompany:
        if not isinstance(self._content, MadeUpCompany):
            raise TypeError("A tenant served from files has no made-up people behind it.")
        return self._content


def _known(period: str) -> None:
    if period not in PERIODS:
        raise ValueError(f"No report period {period!r}; there are {', '.join(PERIODS)}.")
