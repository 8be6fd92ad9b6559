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
