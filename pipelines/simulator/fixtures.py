"""A tenant made of files: recorded or hand-written answers, served as they are, byte for byte.

    reports/getM365AppUserDetail/YYYY-MM-DD.csv    the report of a day
    reports/getM365AppUserDetail/D7.csv            of a period: D7, D30, D90, D180
    reports/getM365AppUserCounts/D30.csv           Microsoft's own counts
    users.json  deletedUsers.json  subscribedSkus.json  subscriptions.json  organization.json  groups.json
                                                   a JSON list, or an object with a list under `value`
    reportSettings.json                            {"displayConcealedNames": …}

An absent JSON file is an empty collection (report settings: the spec's), and an absent report of a served
day or period is a report with its header and no rows, as the service itself answers now and then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.simulator.columns import USER_COUNTS_COLUMNS, USER_DETAIL_COLUMNS
from pipelines.simulator.reports import as_csv
from pipelines.simulator.spec import TenantSpec

Json = dict[str, Any]


class FixtureFolder:
    """The files of a folder as a tenant's content. They are read anew for every answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise ValueError(f"There is no folder {self._folder} with fixtures.")

    def _report(self, function: str, name: str, columns: tuple[str, ...]) -> bytes:
        path = self._folder / "reports" / function / f"{name}.csv"
        return path.read_bytes() if path.is_file() else as_csv(columns, ())

    def _json(self, name: str) -> Any:
        path = self._folder / f"{name}.json"
        if not path.is_file():
            return None
        try:
            return json.loads(path.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"{path.name} in the fixtures folder is not JSON: {error}") from error

    def _list(self, name: str) -> list[Json]:
        found = self._json(name)
        if isinstance(found, dict):
            found = found.get("value")
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise ValueError(f"{name}.json in the fixtures folder must hold a list of objects.")
        return found

    def day_csv(self, spec: TenantSpec, day: date) -> bytes:  # noqa: ARG002
        """The report of one day."""
        return self._report("getM365AppUserDetail", day.isoformat(), USER_DETAIL_COLUMNS)

    def period_csv(self, spec: TenantSpec, period: str) -> bytes:  # noqa: ARG002
        """The report of a period."""
        return self._report("getM365AppUserDetail", period, USER_DETAIL_COLUMNS)

    def user_counts_csv(self, spec: TenantSpec, period: str) -> bytes:  # noqa: ARG002
        """Microsoft's own counts."""
        return self._report("getM365AppUserCounts", period, USER_COUNTS_COLUMNS)

    def users(self, spec: TenantSpec, day: date) -> list[Json]:  # noqa: ARG002
        """The directory, the same on every day."""
        return self._list("users")

    def user(self, spec: TenantSpec, day: date, key: str) -> Json | None:
        """One user by object id or user principal name."""
        wanted = key.lower()
        users = self.users(spec, day)
        by_id = (user for user in users if str(user.get("id", "")).lower() == wanted)
        by_name = (user for user in users if str(user.get("userPrincipalName", "")).lower() == wanted)
        return next(by_id, None) or next(by_name, None)

    def deleted_users(self, spec: TenantSpec) -> list[Json]:  # noqa: ARG002
        """The deleted items."""
        return self._list("deletedUsers")

    def subscribed_skus(self, spec: TenantSpec) -> list[Json]:  # noqa: ARG002
        """The products."""
        return self._list("subscribedSkus")

    def subscriptions(self, spec: TenantSpec) -> list[Json]:  # noqa: ARG002
        """The subscriptions."""
        return self._list("subscriptions")

    def organization(self, spec: TenantSpec) -> list[Json]:  # noqa: ARG002
        """The organization."""
        return self._list("organization")

    def groups(self, spec: TenantSpec) -> list[Json]:  # noqa: ARG002
        """The groups."""
        return self._list("groups")

    def admins(self, spec: TenantSpec) -> dict[str, str]:  # noqa: ARG002
        """Nobody is known to hold a role."""
        return {}

    def plans(self, spec: TenantSpec) -> Mapping[str, Mapping[str, str]]:
        """SKU id → service plan name → service plan id."""
        return {
            str(item.get("skuId")): {
                str(plan.get("servicePlanName")): str(plan.get("servicePlanId"))
                for plan in item.get("servicePlans") or ()
            }
            for item in self.subscribed_skus(spec)
        }

    def report_settings(self, spec: TenantSpec) -> Json:
        """The admin report settings."""
        found = self._json("reportSettings")
        return found if isinstance(found, dict) else {"displayConcealedNames": spec.is_concealed}
