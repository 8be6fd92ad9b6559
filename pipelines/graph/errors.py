"""What can go wrong on the way to Graph, as one exception type.

GraphError
├── SignInError        no token: wrong secret, unknown tenant or app
├── TransientError     worth asking again: 429, 5xx, a broken connection, a half-sent body
│   └── SignInDownError    of the sign-in service; a client that asked often enough makes it a SignInError
└── ProtocolError      an answer that Graph does not give: unexpected redirect, foreign link, no JSON
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3

_MAX_BODY_BYTES = 65536
_MAX_MESSAGE = 500
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# User principal names and mail addresses.
_NAME = re.compile(r"[^\s@<>'\"(),;:]+@[^\s@<>'\"(),;:]*[^\s@<>'\"(),;:.]")


@dataclass(frozen=True)
class GraphContext:
    """What a request was about; put into every error message.

    permission: what the app needs for it. needs_role: a report is read by a signed-in account, which
    needs an Entra role as well (Graph documentation, authorization for reports).
    """

    tenant_id: str
    what: str
    report_date: date | None = None
    permission: str | None = None
    needs_role: bool = False

    def __str__(self) -> str:
        day = f", report date {self.report_date}" if self.report_date else ""
        return f"{self.what} (tenant {self.tenant_id}{day})"


class GraphError(Exception):
    """A request to Graph or to the sign-in service that did not work.

    status: HTTP status or None when there was no answer. code, message: Graph's own, the innermost where
    errors are nested. request_id: for a support call to Microsoft. No secret, token or download address is
    ever part of it.
    """

    def __init__(
        self,
        message: str,
        *,
        context: GraphContext | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.status = status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        where = f"{self.context}: " if self.context else ""
        facts = [f"HTTP {self.status}" if self.status else "", self.code or ""]
        known = ", ".join(fact for fact in facts if fact)
        request = f" [request-id {self.request_id}]" if self.request_id else ""
        return f"{where}{self.explanation}{f' ({known})' if known else ''}{request}"

    @property
    def explanation(self) -> str:
        """The message and, where a permission is missing, which."""
        if not self.is_permission or self.context is None or self.context.permission is None:
            return self.message
        role = ", and the signed-in account the role Reports Reader" if self.context.needs_role else ""
        return f"{self.message.rstrip('.')}. The app needs {self.context.permission}{role}."

    @property
    def is_permission(self) -> bool:
        """The app, or the signed-in user, may not ask this."""
        return self.status == 403

    @property
    def is_refused_date(self) -> bool:
        """The service does not serve this report date (too old, or not published yet)."""
        return self.status == 400 and self.code == "InvalidArgument"


class SignInError(GraphError):
    """No token was issued. problem, remedy: what is wrong and what mends it, where that is known."""

    def __init__(self, message: str, *, problem: str | None = None, remedy: str | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.problem = problem
        self.remedy = remedy


class ProtocolError(GraphError):
    """An answer that Graph does not give; never retried."""


# Seconds: whoever asks to wait longer is asked again by the next run, not by this one.
LONGEST_WAIT = 3600.0


class TransientError(GraphError):
    """Worth asking again. retry_after: seconds that the service asked us to wait, if it did."""

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after

    @property
    def is_permission(self) -> bool:
        """Never: a download address that answers 403 has expired, whatever the app may ask."""
        return False


class SignInDownError(TransientError):
    """The sign-in service did not answer, or is out of order; nobody said that the settings are wrong."""


@dataclass(frozen=True)
class ErrorBody:
    """Graph's error: ``{"error": {"code", "message", "innerError": {"request-id"}}}``, each a text or None."""

    code: str | None = None
    message: str | None = None
    request_id: str | None = None


def parse_error(text: str) -> ErrorBody:
    """Read an error body; JSON nested inside ``message`` (as the reports service sends it) is unwrapped.

    Anything else, an HTML page for example, gives an empty ErrorBody.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ErrorBody()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        if isinstance(body, dict) and isinstance(body.get("Message"), str):
            return ErrorBody(message=body["Message"])
        return ErrorBody()
    inner = error.get("innerError") or error.get("innererror") or {}
    found = ErrorBody(
        code=_text(error.get("code")),
        message=_text(error.get("message")),
        request_id=_text(inner.get("request-id")) if isinstance(inner, dict) else None,
    )
    if found.message and found.message.lstrip().startswith("{"):
        nested = parse_error(found.message)
        found = replace(
            found,
            code=nested.code or found.code,
            message=nested.message or found.message,
            request_id=found.request_id or nested.request_id,
        )
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def plain(message: str) -> str:
    """The service's words on one line, not too many, without addresses (one may be a key) and people's names."""
    # Cut first: searching a wall of text for names takes time that grows with its square.
    words = " ".join(message.split())[: 4 * _MAX_MESSAGE]
    words = _NAME.sub("(name)", _ADDRESS.sub("(address)", words))
    return words if len(words) <= _MAX_MESSAGE else words[: _MAX_MESSAGE - 1] + "…"


def retry_after_seconds(response: requests.Response) -> float | None:
    """The ``Retry-After`` header in seconds; None when it is absent or says nothing.

    A number of seconds, or an instant (RFC 9110, 10.2.3), which is compared with the answer's own ``Date``.
    """
    given = response.headers.get("Retry-After", "")
    try:
        seconds = float(given)
    except ValueError:
        until, now = _instant(given), _instant(response.headers.get("Date", "")) or datetime.now(timezone.utc)
        seconds = (until - now).total_seconds() if until else math.nan
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def error_from_response(response: requests.Response, context: GraphContext) -> GraphError:
    """The exception for a response that is not a success. Reads at most 64 KiB of the body."""
    try:
        text = response.raw.read(_MAX_BODY_BYTES, decode_content=True).decode("utf-8", "replace")
    except urllib3.exceptions.HTTPError:
        text = ""
    body = parse_error(text)
    request_id = response.headers.get("request-id") or body.request_id
    facts: dict[str, Any] = {
        "context": context,
        "status": response.status_code,
        "code": body.code,
        "request_id": request_id,
    }
    message = plain(body.message or _REASONS.get(response.status_code, "The service gave no reason."))
    if response.status_code == 429 or response.status_code >= 500:
        retry_after = retry_after_seconds(response)
        if retry_after and retry_after > LONGEST_WAIT:
            message += f" It asks to be left alone for {retry_after / 60:.0f} minutes; the next run asks again."
        return TransientError(message, retry_after=retry_after, **facts)
    return GraphError(message, **facts)


_REASONS = {
    401: "The token was not accepted.",
    403: "A permission or role is missing.",
    404: "There is no such thing.",
    429: "Too many requests.",
    502: "The service is not available behind its gateway.",
    503: "The service is not available.",
    504: "The service did not answer its gateway in time.",
}
