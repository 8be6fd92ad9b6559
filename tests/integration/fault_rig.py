"""One tenant after another on one server, each with faults of its own, through the real fetch and load."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import duckdb

from pipelines.settings import Settings
from pipelines.simulator import Limits, Rule, Scope, Tenant
from pipelines.simulator.faults_library import FAULTS
from pipelines.simulator.reports import concealed
from pipelines.sync.extract import (
    extract_directory,
    extract_report_days,
    open_fetcher,
    plan_report_days,
    read_report_settings,
)
from pipelines.sync.fetch import Fetcher
from pipelines.warehouse.landing import Landing
from tests.integration.conftest import TODAY, Rig, tenant

APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
BITS = {1: "Windows", 2: "Mac", 4: "Mobile", 8: "Web"}
APP_FLAG = 16
SCOPE = {item.name for item in dataclasses.fields(Scope)}
# Weekdays of the window of TODAY, 1 to 28 October, all young enough to be asked for again on the next day.
DAYS = [date(2026, 10, day) for day in (22, 23, 26, 27)]
DAY = DAYS[2]

Use = dict[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Fetch:
    """What the ledger says of one request."""

    report_date: date | None
    source: str
    outcome: str
    verdict: str | None
    verdict_reason: str | None
    error_message: str | None
    error_code: str | None
    http_status: int | None
    requests: int
    throttled_seconds: float
    body_path: str | None
    rows: int | None
    unknown_rows: int | None
    concealed_rows: int | None
    duplicate_rows: int | None

    @property
    def state(self) -> str:
        """The verdict where a body was loaded, else the outcome."""
        return self.verdict or self.outcome

    @property
    def message(self) -> str:
        """Whatever reason is given."""
        return self.verdict_reason or self.error_message or ""


COLUMNS = ", ".join(item.name for item in dataclasses.fields(Fetch))


@dataclass
class Case:
    """One tenant and what a test does with it."""

    rig: Rig
    tenant_id: str
    waits: list[float] = field(default_factory=list)
    runs: Iterator[int] = field(default_factory=lambda: count(1))
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def tenant(self) -> Tenant:
        """The tenant as it is served now."""
        found = self.rig.server.service.tenants.by_id(self.tenant_id)
        assert found is not None
        return found

    def replace(self, **changes: Any) -> None:
        """Change the tenant."""
        self.rig.server.put_tenant(self.tenant.replaced(**changes))

    def next_day(self) -> None:
        """A day goes by."""
        self.replace(today=self.tenant.spec.today + timedelta(days=1))

    def strike(self, fault: str, /, **parameters: Any) -> Rule:
        """Put a fault of the library in force, for this tenant only."""
        scope = {key: parameters.pop(key) for key in SCOPE & parameters.keys()}
        rule = FAULTS[fault](Scope(tenant=self.tenant_id, **scope), **parameters)
        assert isinstance(rule, Rule)
        self.rig.server.faults.add(rule)
        return rule

    def mend(self) -> None:
        """Let everything go well again."""
        self.rig.server.faults.clear()

    @property
    def settings(self) -> Settings:
        """The rig's settings on the tenant's day, with a budget that never makes anybody wait."""
        changes = {"today": self.tenant.spec.today, "throttle_requests": 1000, "throttle_tenant_requests": 1000}
        return self.rig.settings.model_copy(update=changes | self.overrides)

    @contextmanager
    def fetcher(self, run_id: str = "by hand") -> Iterator[Fetcher]:
        """The product's fetcher; it never really waits, but says how long it would have."""
        target, landing = self.rig.tenant_settings(self.tenant), Landing(self.rig.data_dir / "landing")
        with open_fetcher(self.settings, target, landing, run_id=run_id, sleep=self.waits.append) as fetcher:
            yield fetcher

    def sync(self, *days: date, full: bool = False) -> dict[date, Fetch]:
        """Plan, fetch and load some report days; what came of each, in the order in which they were asked for."""
        run_id = self._new_run()
        target, landing = self.rig.tenant_settings(self.tenant), Landing(self.rig.data_dir / "landing")
        with self.fetcher(run_id) as fetcher:
            read_report_settings(fetcher)
            plan = plan_report_days(self.settings, target, landing, days=list(days), full=full)
            extract_report_days(fetcher, plan)
        self.rig.load()
        return {fetch.report_date: fetch for fetch in self._ledger(run_id) if fetch.report_date is not None}

    def read_directory(self, *sources: str) -> list[Fetch]:
        """Fetch and load some endpoints of the directory."""
        run_id = self._new_run()
        with self.fetcher(run_id) as fetcher:
            extract_directory(fetcher, self.settings, set(sources))
        self.rig.load()
        return self._ledger(run_id)

    def _new_run(self) -> str:
        self.waits.clear()
        return f"{self.tenant_id} {next(self.runs)}"

    def _ledger(self, run_id: str) -> list[Fetch]:
        rows = self.rig.query(f"select {COLUMNS} from ledger.fetches where run_id = '{run_id}' order by requested_at")
        return [Fetch(*row) for row in rows]

    def asked(self, part: str = "getM365AppUserDetail") -> list[int]:
        """The statuses of the requests to Graph since the log was emptied, by a part of their path."""
        return [record.status for record in self.rig.server.requests.to(f"/v1.0/reports/{part}")]

    def stored(self, day: date) -> Use:
        """The stored person-days of a day: name to (app, platform) pairs."""
        return self.stored_days()[0].get(day, {})

    def stored_unknown(self, day: date) -> int:
        """How many rows without a name are stored of a day."""
        return self.stored_days()[1].get(day, 0)

    def stored_days(self) -> tuple[dict[date, Use], dict[date, int]]:
        """All person-days of the tenant, and all rows without a name."""
        with duckdb.connect(str(self.rig.data_dir / "warehouse.duckdb"), read_only=True) as con:
            rows = con.execute(
                "select d.report_date, k.upn, d.outlook, d.word, d.excel, d.powerpoint, d.onenote, d.teams "
                "from raw.m365_app_user_days as d left join raw.upn_keys as k using (tenant_id, upn_key) "
                "where d.tenant_id = $tenant",
                {"tenant": self.tenant_id},
            ).fetchall()
            unknown = con.execute(
                "select report_date, sum(user_rows) from raw.m365_app_unknown_days where tenant_id = $tenant "
                "group by report_date",
                {"tenant": self.tenant_id},
            ).fetchall()
        assert len({row[:2] for row in rows}) == len(rows), "a person-day is doubled"
        days: dict[date, Use] = {}
        for day, name, *values in rows:
            days.setdefault(day, {})[name] = frozenset(
                (app, platform)
                for app, value in zip(APPS, values, strict=True)
                if value & APP_FLAG
                for bit, platform in BITS.items()
                if value & bit
            )
        return days, {day: int(number) for day, number in unknown}

    def true(self, day: date) -> Use:
        """What the tenant's people really did on a day, under the names that its reports show."""
        truth, spec = self.tenant.truth, self.tenant.spec
        active = {user_id: pairs for user_id, pairs in truth.active_on(day).items() if pairs}
        names = {
            person.user_id: [name.upn for name in person.upns if name.valid_from <= day][-1]
            for person in truth.people
            if person.user_id in active
        }
        shown = {key: concealed(spec, upn) if spec.is_concealed else upn for key, upn in names.items()}
        return {shown[user_id].lower(): pairs for user_id, pairs in active.items()}

    def is_true(self, *days: date) -> bool:
        """Whether the stored days are the truth, to the person and the row."""
        stored, unknown = self.stored_days()
        return all(
            stored.get(day, {}) == self.true(day) and unknown.get(day, 0) == len(self.tenant.truth.unknown_on(day))
            for day in days
        )

    def people(self) -> set[str]:
        """Object ids of the people that the directory is known to hold."""
        rows = self.rig.query(
            f"select user_id, is_present from raw.users where tenant_id = '{self.tenant_id}' "
            "qualify row_number() over (partition by user_key order by observed_at desc) = 1"
        )
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0] for row in rows if row[1]}

    def landed_bodies(self) -> int:
        """How many bodies stand in landing/, parts of unfinished ones included."""
        folder = self.rig.data_dir / "landing" / self.tenant_id
        return sum(1 for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".json"))


class Cases:
    """Makes cases on one server; at the end nothing of them must have leaked."""

    def __init__(self, make_rig: Callable[..., Rig], first_seed: int) -> None:
        self._seeds = count(first_seed)
        self.rig = make_rig(tenant(next(self._seeds), users=1), limits=Limits.generous())

    def new(self, **facts: Any) -> Case:
        """A tenant that nothing has happened to."""
        made = tenant(next(self._seeds), **{"users": 20, "today": TODAY, **facts})
        self.rig.server.put_tenant(made)
        self.rig.server.requests.clear()
        return Case(self.rig, made.spec.tenant_id)

    def leaks(self) -> list[str]:
        """Messages of the ledger and landing records that hold a secret, an address, markup or a name."""
        service = self.rig.server.service
        secrets = set(service.identity._grants) | set(service.links._links)
        names: set[str] = set()
        for tenant_id in {row[0] for row in self.rig.query("select distinct tenant_id from ledger.fetches")}:
            served = service.tenants.by_id(tenant_id)
            assert served is not None
            secrets.add(served.spec.client_secret)
            for user in served.users():
                names.add(user["userPrincipalName"].lower())
                # Mailboxes are called Support or Sales.
                names |= {user["displayName"].lower()} if " " in user["displayName"] else set()
        records = (self.rig.data_dir / "landing").rglob("*.json")
        texts = {path.read_text() for path in records}
        found = [text for text in texts if any(secret in text for secret in secrets)]
        for text in texts:
            content = json.loads(text)
            message = str(content.get("error_message") or content.get("reason") or "")
            is_readable = len(message) < 300 and not re.search(r"://|[<>{}]|\btoken=", message)
            if not is_readable or any(name in message.lower() for name in names):
                found.append(message)
        return found
