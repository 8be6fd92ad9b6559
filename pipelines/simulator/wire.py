"""One request and one answer, apart from any web framework, and Graph's way of refusing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

JSON_TYPE = "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """A request as it arrived. Header names are lower-case, the path is decoded, the query is not."""

    method: str
    host: str
    """The host name asked for, without the port."""
    path: str
    raw_query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    report: str = ""
    """The report function asked for, or behind the download link: `getM365AppUserDetail(date=2026-08-01)`."""
    tenant_id: str = ""
    """The tenant of the token, of the download link or of the sign-in; empty where there is none."""

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(part for part in self.path.split("/") if part)

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    @property
    def subject(self) -> str:
        """What is asked of Graph: the target, or for a download the target that led to it."""
        is_led_to = self.report and "reports" not in self.segments
        return f"/v1.0/reports/{self.report}" if is_led_to else self.target

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; the first of several of one name."""
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.raw_query, keep_blank_values=True):
            found.setdefault(name, value)
        return found

    @property
    def client_request_id(self) -> str:
        """The caller's id for the request, or ours."""
        return self.headers.get("client-request-id") or self.request_id

    @property
    def bearer(self) -> str | None:
        """The bearer token, or None."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" and token.strip() else None


@dataclass(frozen=True)
class Reply:
    """An answer, and how it is put on the wire.

    A whole answer carries the Content-Length of its body. `declared_length` lies about it, `cut_after` sends
    only so many bytes of the body and then drops the connection, `is_reset` drops it before any byte.
    `stall_seconds` is a pause in the middle of the body.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    declared_length: int | None = None
    cut_after: int | None = None
    is_reset: bool = False
    stall_seconds: float = 0.0

    def with_headers(self, **headers: str) -> Reply:
        """The same with more headers; underscores in the names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


def json_reply(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer, compact and in UTF-8 as Graph sends it."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})


class GraphError(Exception):
    """A refusal in Graph's shape: an HTTP status, a code and a message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def reply(self, call: Call) -> Reply:
        """The refusal as an answer to the call."""
        content = {
            "error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
                    "request-id": call.request_id,
                    "client-request-id": call.client_request_id,
                },
            }
        }
        return json_reply(self.status, content, self.headers)


def bad_request(message: str) -> GraphError:
    """400 BadRequest: the URL does not parse."""
    return GraphError(400, "BadRequest", message)


def unknown_segment(segment: str) -> GraphError:
    """400: the path leads nowhere."""
    return bad_request(f"Resource not found for the segment '{segment}'.")


def directory_request(message: str) -> GraphError:
    """400 Request_BadRequest: the directory understands the URL and refuses it."""
    return GraphError(400, "Request_BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    """400 Request_UnsupportedQuery: a query option that the directory does not have."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def method_not_allowed(call: Call) -> GraphError:
    """405 for a path that knows other methods only."""
    return GraphError(405, "Request_BadRequest", f"Specified HTTP method '{call.method}' is not allowed.")


def nested_report_error(status: int, code: str, message: str) -> GraphError:
    """A refusal of the reports service behind Graph: its own error as JSON text inside the message."""
    inner = json.dumps({"error": {"code": code, "message": message}}, separators=(",", ":"))
    return GraphError(status, "UnknownError", inner)
