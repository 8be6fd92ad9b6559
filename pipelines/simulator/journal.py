"""What was asked of the server: for tests to look at. Never a token, a secret or a download link."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock

from pipelines.simulator.wire import Call

KEPT = 100_000
_SECRET = re.compile(r"\b(token|tempauth|sig|code|client_secret)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True)
class RequestRecord:
    """One request and how it was answered."""

    method: str
    path: str
    query: str
    status: int
    """The HTTP status, or 0 where the connection was dropped instead."""
    had_bearer: bool
    at: datetime
    host: str
    request_id: str


@dataclass(frozen=True)
class WriteRecord:
    """One request to change something, what the tenant did about it, and what went out."""

    method: str
    path: str
    query: str
    app_id: str
    """The application of the token; empty where there was none."""
    status: int | None
    """What the tenant answered; None where a fault stood before it, and nothing was done."""
    answered: int
    """The HTTP status that went out, or 0 where the connection was dropped instead."""
    at: datetime
    request_id: str

    @property
    def is_applied(self) -> bool:
        """Whether the tenant did what was asked, though the answer may have been lost."""
        return self.status is not None and self.status < 400


class WriteLog:
    """The newest writes, oldest first. Safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: deque[WriteRecord] = deque(maxlen=KEPT)

    def note(self, call: Call, app_id: str, status: int | None, answered: int) -> None:
        """Keep one write."""
        query = _SECRET.sub(r"\1=…", call.raw_query)
        at = datetime.now(timezone.utc)
        record = WriteRecord(call.method, call.path, query, app_id, status, answered, at, call.request_id)
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._records.clear()

    def applied(self) -> list[tuple[str, str]]:
        """Method and path of what was done, in order."""
        return [(record.method, record.path) for record in self if record.is_applied]

    def __iter__(self) -> Iterator[WriteRecord]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)


class RequestLog:
    """The newest requests, oldest first. Safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: deque[RequestRecord] = deque(maxlen=KEPT)

    def note(self, call: Call, status: int) -> None:
        """Keep one request."""
        record = RequestRecord(
            call.method,
            call.path,
            _SECRET.sub(r"\1=…", call.raw_query),
            status,
            call.bearer is not None,
            datetime.now(timezone.utc),
            call.host,
            call.request_id,
        )
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._records.clear()

    def to(self, part: str) -> list[RequestRecord]:
        """The requests whose path contains this."""
        return [record for record in self if part in record.path]

    def __iter__(self) -> Iterator[RequestRecord]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    def __getitem__(self, index: int) -> RequestRecord:
        return list(self)[index]
