"""Checks of the usage reports: the setting that conceals names, and one real report."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import BinaryIO, cast

from pipelines.check.access import refused
from pipelines.check.probe import BudgetUsedUpError, Probe
from pipelines.check.results import CheckResult, failed, ok, skipped, warning
from pipelines.graph import reports
from pipelines.graph.errors import GraphError, ProtocolError
from pipelines.warehouse.report_csv import APP_FLAGS, UPN

SETTING, REPORT, NAMES = "report settings", "usage reports", "names in reports"
# Enough for a few hundred rows; of a large tenant's report no more is taken.
ENOUGH_BYTES = 128 * 1024
# Old enough to be published, young enough to be served.
AGE_DAYS = 5
_CONCEALED = re.compile(r"^[0-9A-F]{32}$")
SHOW_NAMES = (
    "Microsoft 365 admin centre > Settings > Org settings > Services > Reports: clear 'Display concealed user, group, "
    "and site names in all reports'. It holds for every report of the tenant; this product never changes it."
)


def check_setting(probe: Probe) -> CheckResult:
    """What the tenant's setting says about names."""
    try:
        answer = probe.first_page("admin/reportSettings").get("displayConcealedNames")
    except GraphError as error:
        lost = "whether names are concealed is told from the reports instead"
        return refused(probe, SETTING, error, "ReportSettings.Read.All", lost)
    if not isinstance(answer, bool):
        return warning(SETTING, "The setting that conceals names was not understood; it is told from the reports.")
    probe.is_concealed_setting = answer
    if answer:
        return warning(
            SETTING,
            "Names are concealed: figures of the whole tenant are right, but nothing can be said per person, "
            "department or licence.",
            SHOW_NAMES,
        )
    return ok(SETTING, "Names are shown in reports (ReportSettings.Read.All).")


def check_report(probe: Probe) -> list[CheckResult]:
    """One day of the report that everything here rests on: one request, counted like those of a sync."""
    if not probe.can_write:
        return [skipped(REPORT, "Not asked: requests are counted in the data folder, which cannot be written.")]
    window = probe.settings.window
    day = max(window.today - timedelta(days=AGE_DAYS), window.start) if window.end > window.start else window.end
    sample = Sample()
    try:
        reports.download_user_detail_day(probe.client, min(day, window.end), cast(BinaryIO, sample))
    except _EnoughError:
        pass
    except BudgetUsedUpError as limit:
        return [
            skipped(
                REPORT,
                f"Not asked: Microsoft's limit of report requests is used up for {limit.seconds:.0f} s, by a sync most "
                "likely.",
            )
        ]
    except (OSError, sqlite3.Error) as error:
        return [skipped(REPORT, f"Not asked: the count of requests cannot be kept ({type(error).__name__}).")]
    except ProtocolError as error:
        # The message ends with the way to mend it; a line for that is of its own here.
        problem, _, remedy = error.message.partition(". ")
        return [failed(REPORT, f"{problem.rstrip('.')}.", remedy or None)]
    except GraphError as error:
        if error.is_refused_date:
            return [
                warning(
                    REPORT,
                    f"Microsoft does not serve {day}: {error.message}",
                    "Microsoft is late with its reports at times: run the check again tomorrow. If it stays like this, "
                    "check this machine's clock, and that M365_TODAY is not set.",
                )
            ]
        return [refused(probe, REPORT, error, "Reports.Read.All", "no usage is read and the sync fails",
                        is_required=True)]  # fmt: skip
    return _judge(probe, day, sample)


def _judge(probe: Probe, day: date, sample: Sample) -> list[CheckResult]:
    header, rows = sample.read()
    missing = [name for name in (UPN, *APP_FLAGS) if name not in header]
    if missing:
        return [
            failed(
                REPORT,
                f"The report of {day} is not what it should be: it lacks {', '.join(missing[:3])}"
                f"{' and others' if len(missing) > 3 else ''}.",
                "A proxy may have answered in Microsoft's place, or the report has changed: then update this product.",
            )
        ]
    if not rows:
        return [
            warning(
                REPORT,
                f"The report of {day} was answered without a single row.",
                "Microsoft does that at times for a day or more; the next sync asks again.",
            )
        ]
    amount = f"{len(rows):,} rows" if sample.is_whole else f"the first {len(rows):,} rows"
    index = header.index(UPN)
    names = [row[index].strip() for row in rows if len(row) > index]
    named = [name for name in names if name and name.lower() != "(unknown)"]
    concealed = [name for name in named if _CONCEALED.match(name) or "@" not in name]
    probe.concealed_share = len(concealed) / len(named) if named else None
    return [ok(REPORT, f"One day of use per person was read ({day}, {amount}; Reports.Read.All)."), _names(probe)]


def _names(probe: Probe) -> CheckResult:
    share, setting = probe.concealed_share, probe.is_concealed_setting
    if share is None:
        return warning(NAMES, "The report names nobody.", "Microsoft does that at times; look again tomorrow.")
    is_concealed = share > 0.5
    if setting is not None and setting != is_concealed:
        return warning(
            NAMES,
            f"The report {'conceals' if is_concealed else 'still shows'} names, though the setting says otherwise.",
            "A change of the setting takes some minutes, and some days of reports, to be seen.",
        )
    if is_concealed:
        return warning(NAMES, "The report names people by codes of 32 characters.", SHOW_NAMES)
    return ok(NAMES, "The report names people.")


class _EnoughError(Exception):
    """So much of the report is enough."""


@dataclass
class Sample:
    """The beginning of a report, in memory only: it names people."""

    content: bytearray = field(default_factory=bytearray)
    is_whole: bool = True

    def write(self, data: bytes) -> int:
        """Take more, until it is enough."""
        self.content += data
        if len(self.content) > ENOUGH_BYTES:
            self.is_whole = False
            raise _EnoughError
        return len(data)

    def seek(self, position: int) -> int:
        """Only to the beginning, before a new try."""
        return position

    def truncate(self) -> int:
        """Begin anew."""
        self.content.clear()
        return 0

    def tell(self) -> int:
        """How much there is."""
        return len(self.content)

    def read(self) -> tuple[list[str], list[list[str]]]:
        """The header and the whole rows; what is no CSV gives an odd header."""
        text = self.content.decode("utf-8-sig", "replace")
        if not self.is_whole:
            text = text[: text.rfind("\n") + 1]
        lines = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
        header = [" ".join(name.split()) for name in lines[0]] if lines else []
        return header, lines[1:]
