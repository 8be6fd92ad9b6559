"""Several day reports at once, from CSV to packed rows: one statement for all of them keeps every core busy.

A compressed file is read by one core alone, and each statement costs some milliseconds whatever it does: to a small
tenant that was most of the time that loading took.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import duckdb

from pipelines.warehouse.bits import APPS
from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.plain_csv import stage_plain_files
from pipelines.warehouse.records import FetchRecord
from pipelines.warehouse.report_csv import CsvShape, read_shape
from pipelines.warehouse.stage_report import ANY_USE, REQUIRED, StagedReport

# Unpacked bytes of the files read together; rows take a fifth of that in memory.
MOST_BYTES = 160 << 20
MOST_FILES = 100
_PACKED = ", ".join(APPS)


class FileStager:
    """Reads ahead: asked for one day report, it stages those that follow along with it, of whichever tenant.

    The rows stand in the temporary table ``keyed_files`` (file_no, upn_key, packed apps; upn where there is no key yet)
    and, those that name nobody, in ``staged_files``.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, landing: Landing) -> None:
        self._con = con
        self._landing = landing
        self._staged: dict[str, StagedReport] = {}
        self._last: FetchRecord | None = None

    def report(self, record: FetchRecord, following: Iterable[FetchRecord]) -> StagedReport | None:
        """The staged report of a good day answer; None: it has to be read alone.

        following: the records after it in the order of loading.
        """
        # What of the others stands between them was not known when they were read, and waits for the next time.
        if self._last is None or _place(record) > _place(self._last):
            self._stage(record, following)
        return self._staged.pop(record.fetch_id, None)

    def _stage(self, record: FetchRecord, following: Iterable[FetchRecord]) -> None:
        self._staged, together = {}, self._together(record, following)
        if len(together) < 2:
            self._last = None
            return
        records, shape = [other for other, _ in together], together[0][1]
        self._last = records[-1]
        paths = [self._landing.body_path(other) for other in records]
        understood = stage_plain_files(self._con, paths, shape)
        plain = {number for number, size in understood.items() if size == records[number].body_bytes}
        if plain:
            self._key([other.tenant_id for other in records])
            self._staged = {records[number].fetch_id: report for number, report in self._counted(plain).items()}

    def _together(
        self, record: FetchRecord, following: Iterable[FetchRecord]
    ) -> Sequence[tuple[FetchRecord, CsvShape]]:
        """The reports that are read in one statement: of one shape, of a size that memory bears.

        Only of tenants with a report before: everybody in the first gets a key, and the next ones find them.
        """
        known = self._known_tenants()
        if record.tenant_id not in known:
            return []
        chosen: list[tuple[FetchRecord, CsvShape]] = []
        size = 0
        days = (
            other
            for other in (record, *following)
            if other.source == record.source and other.report_date and other.outcome == "ok" and other.is_complete
        )
        for other in days:
            if other.tenant_id not in known:
                continue
            size += other.body_bytes or MOST_BYTES
            shape = self._shape(other)
            if shape is None or (chosen and (shape != chosen[0][1] or size > MOST_BYTES or len(chosen) >= MOST_FILES)):
                break
            chosen.append((other, shape))
        return chosen

    def _known_tenants(self) -> set[str]:
        return {tenant for (tenant,) in self._con.execute("select distinct tenant_id from raw.upn_keys").fetchall()}

    def _shape(self, record: FetchRecord) -> CsvShape | None:
        path = self._landing.body_path(record)
        try:
            return read_shape(path, REQUIRED) if path.is_file() else None
        except RefusedBodyError:
            return None

    def _counted(self, plain: set[int]) -> dict[int, StagedReport]:
        """What the plain files hold. Those left out repeat names or differ in their refresh date."""
        counted = self._con.execute(
            f"""
            select
                count(*), count(*) filter (where {ANY_USE}), count(*) filter (where upn is null),
                count(*) filter (where upn is not null and is_concealed),
                count(upn) - count(distinct hash(upn)) filter (where upn is not null),
                count(*) filter (where is_contradictory),
                try_cast(left(max(refresh_text), 10) as date), file_no
            from staged_files
            group by file_no
            having min(refresh_text) = max(refresh_text) and count(refresh_text) = count(*)
            order by file_no
            """
        ).fetchall()
        reports = {row[-1]: StagedReport(*row) for row in counted}
        return {number: report for number, report in reports.items() if number in plain and not report.duplicate_rows}

    def _key(self, tenants: list[str]) -> None:
        """tenants: whose each file is, by its number."""
        self._con.execute(
            f"""
            create or replace temp table keyed_files as
            select s.file_no, k.upn_key, {_PACKED}, case when k.upn_key is null then s.upn end as upn, s.is_concealed
            from staged_files as s
            left join raw.upn_keys as k
                on k.tenant_id = list_extract($tenants::varchar[], s.file_no + 1) and k.upn = s.upn
            where {ANY_USE} and s.upn is not null
            """,
            {"tenants": tenants},
        )


def _place(record: FetchRecord) -> tuple[datetime, str]:
    """Where it stands in the order of loading."""
    return record.completed_at, record.fetch_id
