"""Fetching one thing after another into landing/, with a record of every outcome, good or bad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipelines.graph import directory, reports
from pipelines.graph.client import CallStatistics, GraphClient
from pipelines.graph.errors import GraphError, SignInError
from pipelines.settings import SettingsError
from pipelines.warehouse.body import BodyWriter, as_binary
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord
from pipelines.window import ReportWindow

# The source that stands for the sign-in itself in landing/ and the ledger; it is on record only when it failed.
SIGN_IN = "signIn"


@dataclass
class Fetcher:
    """Lands the answers of one tenant.

    run_id: the Dagster run, for the ledger. is_concealed_setting: what the tenant's reports setting said in
    this run, once it was read; None when it could not be read.
    """

    client: GraphClient
    landing: Landing
    window: ReportWindow
    run_id: str | None = None
    is_concealed_setting: bool | None = None

    def fetch_day(self, report_date: date) -> FetchRecord:
        """Land one day of getM365AppUserDetail.

        The outcome is in the record: ``ok``, ``late``, ``lost``, ``failed`` or ``refused_permission``.
        Raises SignInError or SettingsError, as nothing else would work either.
        """

        def download(body: BodyWriter) -> None:
            reports.download_user_detail_day(self.client, report_date, as_binary(body))

        return self._fetch(reports.USER_DETAIL, "csv", download, report_date=report_date)

    def fetch_period(self, period: str) -> FetchRecord:
        """Land one period snapshot of getM365AppUserDetail."""

        def download(body: BodyWriter) -> None:
            reports.download_user_detail_period(self.client, period, as_binary(body))

        return self._fetch(reports.USER_DETAIL, "csv", download, report_period=period)

    def fetch_user_counts(self, period: str) -> FetchRecord:
        """Land Microsoft's own daily counts for a period."""

        def download(body: BodyWriter) -> None:
            reports.download_user_counts(self.client, period, as_binary(body))

        return self._fetch(reports.USER_COUNTS, "csv", download, report_period=period)

    def fetch_endpoint(self, endpoint: directory.Endpoint) -> FetchRecord:
        """Land all pages of a directory or licence endpoint, one page a line, as one body."""

        def download(body: BodyWriter) -> None:
            for page in directory.read(self.client, endpoint):
                # A line feed in JSON is white space only; without it a page is a line.
                body.write(page.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")

        return self._fetch(endpoint.source, "jsonl", download)

    def note_failed_sign_in(self, error: SignInError | SettingsError) -> FetchRecord:
        """Put on record that nothing could be asked of the tenant, and why."""
        record = self._new_record(SIGN_IN, "failed")
        if isinstance(error, SignInError):
            record = replace(record, error_code=error.code, error_message=error.message, request_id=error.request_id)
        else:
            record = replace(record, error_code="configuration", error_message=str(error))
        self.landing.commit(self.landing.folder(record.tenant_id, SIGN_IN), record)
        return record

    def _fetch(
        self,
        source: str,
        kind: str,
        download: Callable[[BodyWriter], None],
        report_date: date | None = None,
        report_period: str | None = None,
    ) -> FetchRecord:
        folder = self.landing.folder(self.client.tenant.tenant_id, source, report_date, report_period)
        record = self._new_record(source, "ok", report_date=report_date, report_period=report_period)
        path = folder / f"{record.fetch_id}.{kind}.zst"
        self.client.statistics = CallStatistics()
        try:
            with self.landing.body(path) as body:
                download(body)
            record = replace(
                record,
                body_path=self.landing.relative(path),
                body_bytes=body.bytes,
                body_sha256=body.sha256,
                is_complete=body.ends_with_line_end,
            )
        except SignInError:
            raise
        except GraphError as error:
            record = replace(
                record,
                outcome=self._outcome(error, report_date),
                error_code=error.code,
                error_message=error.explanation,
                request_id=error.request_id,
                http_status=error.status,
            )
        statistics = self.client.statistics
        record = replace(
            record,
            completed_at=self.landing.clock(),
            http_status=record.http_status or statistics.http_status,
            request_id=record.request_id or statistics.request_id,
            requests=statistics.requests,
            throttled_seconds=round(statistics.throttled_seconds, 3),
        )
        self.landing.commit(folder, record)
        return record

    def _new_record(self, source: str, outcome: str, **what: Any) -> FetchRecord:
        now = self.landing.clock()
        return FetchRecord(
            fetch_id=self.landing.new_fetch_id(),
            tenant_id=self.client.tenant.tenant_id,
            source=source,
            as_of=self.window.today,
            requested_at=now,
            completed_at=now,
            outcome=outcome,
            run_id=self.run_id,
            cloud=self.client.tenant.cloud.name,
            is_concealed_setting=self.is_concealed_setting,
            **what,
        )

    def _outcome(self, error: GraphError, report_date: date | None) -> str:
        if error.is_permission:
            return "refused_permission"
        if report_date is not None and error.is_refused_date:
            return self.window.meaning_of_refusal(report_date)
        return "failed"
