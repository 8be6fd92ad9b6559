"""Report days as daily partitions, the newest of them two days behind."""

from datetime import date, datetime, timedelta, timezone

import dagster as dg

from pipelines.graph.reports import USER_DETAIL
from pipelines.settings import Settings
from pipelines.warehouse.landing import Landing


def report_day_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """From the oldest day ever asked for (else the window's first) to the newest day due.

    A report date becomes a partition when it is ``lag_days`` old; with M365_TODAY the calendar ends with the
    pinned window instead.
    """
    oldest = Landing(settings.landing_dir).oldest_report_date(USER_DETAIL) or settings.window.start
    start = _midnight(min(oldest, settings.window.start))
    if settings.today is not None:
        return dg.DailyPartitionsDefinition(
            start_date=start, end_date=_midnight(settings.window.end + timedelta(days=1))
        )
    return dg.DailyPartitionsDefinition(start_date=start, end_offset=1 - settings.lag_days)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
