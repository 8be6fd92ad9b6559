"""What the views share about one tenant: its days, its windows, its departments."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Any

from pipelines.publish.page.read import ALL, DAY_KINDS, PERIODS, Published, Record, app_names, is_settling, is_weekday


class Facts:
    """One tenant's figures, each table read once."""

    def __init__(self, db: Published, tenant: Record) -> None:
        self.db = db
        self.tenant = tenant
        self.id = str(tenant["tenant_id"])
        self.names = app_names(db)

    def table(self, name: str, order_by: str) -> list[Record]:
        """All of the tenant's rows in a table; none when this build does not hold it."""
        return self.db.rows_of(name, self.id, order_by)

    @property
    def apps(self) -> dict[str, str]:
        """App -> name, without the suite."""
        return {app: name for app, name in self.names.items() if app != "suite"}

    @property
    def concealed(self) -> bool:
        """Whether names were concealed on the newest days."""
        return bool(self.tenant.get("is_concealed_now"))

    @cached_property
    def suite_days(self) -> list[Record]:
        """suite_usage_daily, of the longest period."""
        return self.shown(self.table("suite_usage_daily", "report_date"))

    @cached_property
    def app_days(self) -> list[Record]:
        """app_usage_daily, of the longest period."""
        return self.shown(self.table("app_usage_daily", "report_date, app"))

    @cached_property
    def all_report_days(self) -> list[Record]:
        """report_days, since collection began."""
        return self.table("report_days", "report, report_date")

    @cached_property
    def report_days(self) -> list[Record]:
        """report_days, of the longest period."""
        return self.shown(self.all_report_days)

    @cached_property
    def weeks(self) -> list[Record]:
        """usage_weekly."""
        return self.table("usage_weekly", "week_start, app, department")

    @cached_property
    def inventory(self) -> list[Record]:
        """license_inventory of products that people hold."""
        rows = self.table("license_inventory", "assigned desc, product_name")
        return [row for row in rows if row["applies_to"] == "User"]

    @cached_property
    def windows(self) -> dict[tuple[str, str, int, str], Record]:
        """app_usage_windows by app, department (All: the whole company), days and kind of day."""
        rows = self.table("app_usage_windows", "app, department")
        return {(row["app"], department_of(row), row["window_days"], row["day_kind"]): row for row in rows}

    @cached_property
    def departments(self) -> list[str]:
        """The departments that use is split by; none in a small tenant or with names concealed."""
        return sorted({key[1] for key in self.windows if key[1] != ALL})

    @cached_property
    def last_day(self) -> date | None:
        """The newest expected report date."""
        ends: list[date] = [row["window_end"] for row in self.windows.values()]
        days: list[date] = [row["report_date"] for row in self.table("suite_usage_daily", "report_date")]
        return max(ends or days, default=None)

    def since(self, period: int) -> str:
        """The first day of a period, ISO; empty without any day."""
        return (self.last_day - timedelta(days=period - 1)).isoformat() if self.last_day else ""

    def shown(self, rows: list[Record], key: str = "report_date") -> list[Record]:
        """The rows of the longest period: older ones can be asked of the database, not of the page."""
        since = self.since(max(PERIODS))
        return [row for row in rows if row[key].isoformat() >= since]

    @cached_property
    def unsettled_from(self) -> str:
        """From which day on all figures may still change, ISO; empty when the newest day with data is settled."""
        found = ""
        for row in reversed([row for row in self.suite_days if row["active_users"] is not None]):
            if not is_settling(row["day_state"]):
                break
            found = row["report_date"].isoformat()
        return found

    @cached_property
    def protected_departments(self) -> list[str]:
        """The departments of which this build hides some figures, as they would tell of small groups."""
        return sorted({key[1] for key, row in self.windows.items() if row["is_suppressed"] and key[1] != ALL})

    def window(self, app: str, department: str, period: int, days: str) -> Record:
        """One row of app_usage_windows; empty where there is none."""
        return self.windows.get((app, department, period, days), {})

    def is_paid(self, row: Record) -> bool:
        """Whether a product belongs into figures of cost and waste."""
        return not row["is_free"] and not row["is_trial"] and not row["looks_unlimited"]


def department_of(row: Record) -> str:
    """What the page calls a row's department: All is the whole company, even where a department has that name."""
    name = str(row["department"])
    if row["is_total"]:
        return ALL
    return f"{name} (department)" if name == ALL else name


def choices(*, period: bool = True, days: bool = True) -> list[tuple[dict[str, str], int, str]]:
    """Every choice of period and kind of day: what the page calls it, and both values."""
    return [
        ({**({"period": str(length)} if period else {}), **({"days": kind} if days else {})}, length, kind)
        for length in (PERIODS if period else (28,))
        for kind in (DAY_KINDS if days else ("all",))
    ]


def marked(rows: list[Record], value: str, *, monthly: bool = False) -> list[Record]:
    """One series with the marks of the line chart: settling, joins, and whether the day is Monday to Friday.

    joins: a settled day beside one that is not, from which the dashed line starts; of weekdays the next one is
    over the weekend. A day without data is a gap. monthly: every row counts as a weekday.
    """
    known = [
        row
        | {
            "settling": is_settling(row.get("day_state")) and row[value] is not None,
            "weekday": monthly or is_weekday(row["report_date"]),
        }
        for row in rows
    ]
    result: list[Record] = []
    for place, row in enumerate(known):
        later = next((other for other in known[place + 1 :] if other["weekday"] or not row["weekday"]), None)
        beside = [other for other in (known[place - 1] if place else None, later) if other is not None]
        joins = not row["settling"] and row[value] is not None and any(other["settling"] for other in beside)
        result.append(row | {"joins": joins})
    return result


def values(row: Record, *keys: str) -> list[Any]:
    """The cells of a row."""
    return [row.get(key) for key in keys]
