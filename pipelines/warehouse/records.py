"""The small record of a request's outcome that stands in landing/, and the verdict beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True)
class FetchRecord:
    """The outcome of one request for one thing, all its pages and retries included.

    outcome: ``ok`` (a body was landed), ``late``, ``lost``, ``failed``, ``refused_permission`` or
    ``unavailable``. as_of: the day the run took for today. is_complete: a collection read to its last page, or a
    report that ends with a line end.
    accepts_fetch_id: the held correction that an operator accepted with this record; its body is that one's.
    redacted_at: when somebody was erased from the body; its size and hash are those of what is left.
    body_path is relative to landing/; body_bytes and body_sha256 speak of the uncompressed body.
    """

    fetch_id: str
    tenant_id: str
    source: str
    as_of: date
    requested_at: datetime
    completed_at: datetime
    outcome: str
    report_date: date | None = None
    report_period: str | None = None
    run_id: str | None = None
    cloud: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    requests: int = 0
    throttled_seconds: float = 0.0
    body_path: str | None = None
    body_bytes: int | None = None
    body_sha256: str | None = None
    is_complete: bool | None = None
    is_concealed_setting: bool | None = None
    accepts_fetch_id: str | None = None
    redacted_at: datetime | None = None

    def to_json(self) -> str:
        """One line of JSON, dates and instants in ISO 8601."""
        return json.dumps(asdict(self), default=lambda value: value.isoformat(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FetchRecord:
        """The record as it was written, by whatever version; raises ValueError when it is none."""
        values = json.loads(text)
        try:
            known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
            known["as_of"] = date.fromisoformat(known["as_of"])
            known["report_date"] = date.fromisoformat(known["report_date"]) if known.get("report_date") else None
            for name in ("requested_at", "completed_at"):
                known[name] = datetime.fromisoformat(known[name])
            known["redacted_at"] = datetime.fromisoformat(known["redacted_at"]) if known.get("redacted_at") else None
            return cls(**known)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"no landing record: {error}") from None


@dataclass(frozen=True)
class Verdict:
    """What loading made of a landed body: ``applied``, ``unchanged``, ``kept``, ``held`` or ``refused``.

    is_concealed: whether a report conceals its names; rows: its rows; None where that means nothing.
    """

    verdict: str
    reason: str | None = None
    is_concealed: bool | None = None
    rows: int | None = None


@dataclass(frozen=True)
class LandedFetch:
    """A record together with where it stands and what loading made of it (None: not loaded yet)."""

    record: FetchRecord
    record_path: Path
    verdict: Verdict | None

    @property
    def is_good(self) -> bool:
        """The answer was usable: landed, and not turned down when it was loaded."""
        return self.record.outcome == "ok" and (self.verdict is None or self.verdict.verdict != "refused")
