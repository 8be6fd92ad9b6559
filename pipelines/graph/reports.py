"""The usage reports: their names, their columns, and how a day or a period of one is asked for.

Source: Graph v1.0 ``reportRoot: getM365AppUserDetail`` and ``getM365AppUserCounts``; the date is an unquoted
``Edm.Date`` there, whatever the documentation page shows.
"""

from __future__ import annotations

from datetime import date
from typing import BinaryIO

from pipelines.graph.client import GraphClient

USER_DETAIL = "getM365AppUserDetail"
USER_COUNTS = "getM365AppUserCounts"
PERIODS = ("D7", "D30", "D90", "D180")
PERMISSION = "Reports.Read.All"


def download_user_detail_day(client: GraphClient, report_date: date, target: BinaryIO) -> None:
    """The use of every licensed person on one report date (UTC), as CSV. Raises GraphError."""
    context = client.context(USER_DETAIL, report_date=report_date, permission=PERMISSION)
    client.download_report(USER_DETAIL, f"date={report_date.isoformat()}", context, target)


def download_user_detail_period(client: GraphClient, period: str, target: BinaryIO) -> None:
    """The use of every licensed person in the last 7, 30, 90 or 180 days, as CSV. Raises GraphError."""
    context = client.context(f"{USER_DETAIL} {period}", permission=PERMISSION)
    client.download_report(USER_DETAIL, f"period='{period}'", context, target)


def download_user_counts(client: GraphClient, period: str, target: BinaryIO) -> None:
    """Microsoft's own count of active users per app and day of the period, as CSV. Raises GraphError."""
    context = client.context(f"{USER_COUNTS} {period}", permission=PERMISSION)
    client.download_report(USER_COUNTS, f"period='{period}'", context, target)
