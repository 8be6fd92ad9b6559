"""How the stored report days of each tenant are, at one look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.window import ReportWindow

# The oldest days of the window, of which a warning still comes in time.
EXPIRING_DAYS = 3


@dataclass(frozen=True)
class Health:
    """The stored days of one tenant inside the report window.

    days_behind: from today to the newest stored day that has rows; very large when there is none.
    expiring_days: days without rows that the service will forget within three days.
    """

    tenant_id: str
    newest_day: date | None
    days_behind: int
    stored_days: int
    empty_days: int
    flag_disagreements: int
    expiring_days: int


def read_health(con: duckdb.DuckDBPyConnection, window: ReportWindow) -> list[Health]:
    """One line per tenant that was ever asked."""
    found = con.execute(
        """
        with stored as (
            select * from ledger.fetches
            where report_date between $start and $end and verdict in ('applied', 'unchanged')
            qualify row_number() over (
                partition by tenant_id, report_date order by completed_at desc, fetch_id desc
            ) = 1
        )
        select
            t.tenant_id, max(s.report_date) filter (where s.rows > 0),
            coalesce(date_diff('day', max(s.report_date) filter (where s.rows > 0), $today), 9999),
            count(s.fetch_id), count(s.fetch_id) filter (where s.rows = 0), coalesce(sum(s.flag_disagreements), 0),
            $expiring - count(s.fetch_id) filter (where s.rows > 0 and s.report_date < $start + $expiring)
        from (select distinct tenant_id from ledger.fetches) as t
        left join stored as s on s.tenant_id = t.tenant_id
        group by t.tenant_id
        order by t.tenant_id
        """,
        {"start": window.start, "end": window.end, "today": window.today, "expiring": EXPIRING_DAYS},
    ).fetchall()
    return [Health(*row) for row in found]
