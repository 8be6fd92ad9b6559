"""Ready-made faults, one function each: what a tenant's reports and directory have been seen to do.

    server.faults.add(throttled(Scope(date=date(2026, 8, 1), times=2), retry_after=30))

A `Scope` says which requests are struck and when; without one the first request that the fault makes sense
for is struck, once. The names of the functions and of their parameters are those of the fault file.
"""

from __future__ import annotations

import datetime
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from pipelines.simulator import faults_csv
from pipelines.simulator.columns import APPS
from pipelines.simulator.faults import Fault, Revocation, Rule, TenantChange
from pipelines.simulator.service import DOWNLOAD_HOST, GRAPH_HOST
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, nested_report_error

At = Literal["graph", "download", "sign-in"]
"""Where a fault strikes: the answer of Graph, the download that it leads to, or the identity platform."""

REPORT = "getM365AppUserDetail"
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
WRITES = r"^/v1\.0/(?:users|groups|drives|directory)\b"
ANY_REPORT = rf"^/v1\.0/reports/{REPORT}\("
USERS = r"^/v1\.0/users\?"
DELTA = r"^/v1\.0/users/delta.*[?&](?:\$|%24)deltatoken=(?!latest\b)"
SIGN_IN = r"/(?:openid-configuration|oauth2/v2\.0/token)$"
HTML = (
    b"<!DOCTYPE html>\r\n<html><head><title>Service unavailable</title></head>\r\n"
    b"<body><h1>Our services aren't available right now</h1></body></html>\r\n"
)


@dataclass(frozen=True)
class Scope:
    """Which requests a fault strikes, and when.

    path: a regular expression, searched for in the path and query asked of Graph; for a download in those that
    led to it. method: only GET, POST, PATCH, PUT or DELETE. date, period: only this report day, or this period
    report. tenant: only this tenant's id.
    times: how many requests are struck, None for all. skip: how many of these requests go well before.
    after: how many requests of any kind go well before.
    """

    path: str | None = None
    method: str | None = None
    date: datetime.date | None = None
    period: str | None = None
    tenant: str | None = None
    times: int | None = 1
    skip: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        if self.path is not None:
            try:
                re.compile(self.path)
            except re.error as error:
                raise ValueError(f"path is no regular expression ({error})") from None
        if self.method is not None and self.method.upper() not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}")
        if self.date is not None and self.period is not None:
            raise ValueError("date and period are two reports; give one of them")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1")
        if self.skip < 0 or self.after < 0:
            raise ValueError("skip and after must not be negative")

    def facts(self, default: str, at: At = "graph") -> dict[str, Any]:
        """The part of a Rule that says where it strikes; `default` is the path where the scope has none."""
        argument = f"date={self.date}" if self.date else f"period='{self.period}'" if self.period else ""
        path = self.path or (SIGN_IN if at == "sign-in" else default)
        if argument and self.path:
            path = f"(?=.*{re.escape(argument)})(?=.*(?:{self.path}))"
        elif argument:
            path = rf"^/v1\.0/reports/{REPORT}\({re.escape(argument)}\)"
        return {
            "path": "",
            "method": self.method.upper() if self.method else None,
            "subject": path,
            "host": DOWNLOAD_HOST if at == "download" else GRAPH_HOST,
            "tenant": self.tenant.lower() if self.tenant else None,
            "times": self.times,
            "skip": self.skip,
            "starts_after": self.after,
        }


ANYWHERE = Scope()
FAULTS: dict[str, Callable[..., Fault]] = {}
"""Every fault by its name."""


def _named(function: Callable[..., Fault]) -> Callable[..., Fault]:
    FAULTS[function.__name__] = function
    return function


# Refusals and failures


@_named
def token_revoked(scope: Scope = ANYWHERE) -> Fault:
    """401: the token of the struck request is refused from then on; a new one works. Strikes reports."""
    return Revocation(
        **scope.facts(ANY_REPORT),
        status=401,
        code="InvalidAuthenticationToken",
        message="Lifetime validation failed, the token is expired.",
        headers={"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'},
    )


@_named
def forbidden(scope: Scope = ANYWHERE) -> Fault:
    """403 with S2SUnauthorized nested in the message, as reports without permission are refused."""
    nested = nested_report_error(403, "S2SUnauthorized", "Invalid permission.")
    return Rule(**scope.facts(ANY_REPORT), status=403, code=nested.code, message=nested.message)


@_named
def not_found(scope: Scope = ANYWHERE, *, at: At = "graph") -> Fault:
    """404 with a Graph error."""
    facts = scope.facts(ANY_REPORT, at)
    return Rule(**facts, status=404, code="ResourceNotFound", message="Resource could not be discovered.")


@_named
def throttled(scope: Scope = ANYWHERE, *, retry_after: int | None = None, at: At = "graph") -> Fault:
    """429 Too Many Requests; `retry_after` gives it a Retry-After header of so many seconds."""
    return _refusal(scope, at, 429, "TooManyRequests", "Too many requests.", retry_after)


@_named
def internal_error(scope: Scope = ANYWHERE, *, at: At = "graph") -> Fault:
    """500 with a Graph error."""
    return _refusal(scope, at, 500, "InternalServerError", "Internal Server Error", None)


@_named
def bad_gateway(scope: Scope = ANYWHERE, *, at: At = "graph") -> Fault:
    """502 with an HTML page, as a gateway sends it."""
    return Rule(**scope.facts(ANY_REPORT, at), status=502, body=HTML, headers={"Content-Type": "text/html"})


@_named
def unavailable(scope: Scope = ANYWHERE, *, retry_after: int | None = None, at: At = "graph") -> Fault:
    """503 Service Unavailable; `retry_after` gives it a Retry-After header of so many seconds."""
    message = "The service is temporarily unavailable."
    return _refusal(scope, at, 503, "ServiceUnavailable", message, retry_after)


@_named
def gateway_timeout(scope: Scope = ANYWHERE, *, at: At = "graph") -> Fault:
    """504 with a Graph error whose message is empty."""
    return _refusal(scope, at, 504, "UnknownError", "", None)


@_named
def connection_reset(scope: Scope = ANYWHERE, *, at: At = "graph") -> Fault:
    """The connection is dropped before a byte of the answer."""
    return Rule(**scope.facts(ANY_REPORT, at), change=lambda reply: replace(reply, is_reset=True))


@_named
def answer_lost(scope: Scope = ANYWHERE, *, status: int | None = None) -> Fault:
    """A write is done, and its answer lost: the connection is dropped, or the answer has the `status` 5xx."""
    if status is not None and not 500 <= status <= 599:
        raise ValueError("status must be 500 to 599")
    return _Lost(**scope.facts(WRITES), answer=status)


@_named
def slow(scope: Scope = ANYWHERE, *, seconds: float = 5.0, in_body: bool = False, at: At = "graph") -> Fault:
    """The answer comes so many seconds late, or with `in_body` pauses so long in the middle of its body."""
    facts = scope.facts(ANY_REPORT, at)
    if seconds < 0:
        raise ValueError("seconds must not be negative")
    if in_body:
        return Rule(**facts, change=lambda reply: replace(reply, stall_seconds=seconds))
    return Rule(**facts, delay_seconds=seconds)


@_named
def late_day(scope: Scope = ANYWHERE) -> Fault:
    """400 InvalidArgument for a report day, by default the newest one: it is not published yet."""
    return _LateDay(**scope.facts(ANY_REPORT), status=400, is_newest=scope.date is None)


@dataclass
class _LateDay(Rule):
    is_newest: bool = True

    def _matches(self, call: Call) -> bool:
        if not super()._matches(call):
            return False
        tenant = self.tenant_of(call)
        return not self.is_newest or tenant is None or f"(date={tenant.spec.newest_report_date})" in call.report

    def _own(self, call: Call, status: int) -> Reply:
        day = call.report.partition("date=")[2].rstrip(")")
        message = f"Invalid date value specified: {day}. Only support data for the past 28 days."
        return nested_report_error(status, "InvalidArgument", message).reply(call)


# Downloads


@_named
def link_expired(scope: Scope = ANYWHERE) -> Fault:
    """403: the download link of the struck request has expired for good; Graph gives a new one."""
    return Revocation(
        **scope.facts(ANY_REPORT, "download"),
        status=403,
        content={"error": {"code": "AuthenticationFailed", "message": "The download link has expired."}},
        key_of=lambda call: call.query.get("token"),
    )


@_named
def truncated_lying(scope: Scope = ANYWHERE, *, keep: float = 0.5) -> Fault:
    """The connection is dropped inside the body; Content-Length speaks of the whole of it."""
    _check_share(keep)
    return _download(scope, lambda reply: replace(reply, cut_after=int(len(reply.body) * keep)))


@_named
def truncated_honest(scope: Scope = ANYWHERE, *, keep: float = 0.5, whole_lines: bool = False) -> Fault:
    """A part of the body with the Content-Length of that part; with `whole_lines` it ends with a line."""
    _check_share(keep)
    return _body(scope, faults_csv.cut(keep, whole_lines=whole_lines))


@_named
def gzip_encoded(scope: Scope = ANYWHERE) -> Fault:
    """The body compressed, whatever the client said that it accepts."""

    def change(reply: Reply) -> Reply:
        packed = replace(reply, body=gzip.compress(reply.body, mtime=0))
        return packed.with_headers(Content_Encoding="gzip")

    return _download(scope, change)


@_named
def html_page(scope: Scope = ANYWHERE, *, at: At = "download") -> Fault:
    """200 with an HTML page in the place of the report."""
    return Rule(**scope.facts(ANY_REPORT, at), status=200, body=HTML, headers={"Content-Type": "text/html"})


@_named
def json_error(scope: Scope = ANYWHERE, *, at: At = "download") -> Fault:
    """200 with a Graph error in the place of the report."""
    return _refusal(scope, at, 200, "UnknownError", "An error has occurred.", None)


@_named
def header_only(scope: Scope = ANYWHERE) -> Fault:
    """The report without its rows."""
    return _rows(scope, faults_csv.header_only)


@_named
def ragged_row(scope: Scope = ANYWHERE, *, row: int = 2, cells: int = -1) -> Fault:
    """A row with fewer cells than the header has (`cells` below 0), or with more; 1 is the first row."""
    if row < 1 or not cells:
        raise ValueError("row must be at least 1, and cells other than 0")
    return _rows(scope, faults_csv.ragged(row, cells))


@_named
def column_order(scope: Scope = ANYWHERE) -> Fault:
    """The columns in reverse order."""
    return _rows(scope, faults_csv.reversed_columns)


@_named
def new_column(scope: Scope = ANYWHERE, *, column: str = "Loop (Web)", value: str = "Yes", place: int = 9) -> Fault:
    """One more column, before the one at `place` (0 is the first)."""
    if place < 0:
        raise ValueError("place must not be negative")
    return _rows(scope, faults_csv.with_column(column, value, place))


@_named
def missing_column(scope: Scope = ANYWHERE, *, column: str = "Excel (Web)") -> Fault:
    """The report without one of its columns."""
    return _rows(scope, faults_csv.without_column(column))


@_named
def duplicate_rows(scope: Scope = ANYWHERE, *, count: int | None = None) -> Fault:
    """The first `count` rows, or all of them, a second time at the end."""
    _check_count(count)
    return _rows(scope, faults_csv.repeated(count))


@_named
def unknown_rows(scope: Scope = ANYWHERE, *, count: int = 1, name: str = "(Unknown)") -> Fault:
    """The first `count` rows lose their names."""
    _check_count(count)
    return _rows(scope, faults_csv.nameless(count, name))


@_named
def hash_flip(scope: Scope = ANYWHERE, *, salt: str | None = None) -> Fault:
    """Concealed names become other hashes: on every report day others, or with `salt` the same on all days."""

    def change(call: Call, reply: Reply) -> Reply:
        transform = faults_csv.of_rows(faults_csv.rehashed(call.report if salt is None else salt))
        return replace(reply, body=transform(reply.body))

    return _ByCall(**scope.facts(ANY_REPORT, "download"), only_status=200, change_for=change)


@dataclass
class _ByCall(Rule):
    """A change that depends on the request."""

    change_for: Callable[[Call, Reply], Reply] = lambda _call, reply: reply

    def _change(self, call: Call, reply: Reply) -> Reply:
        return self.change_for(call, super()._change(call, reply))


# The tenant


@_named
def correction(
    scope: Scope = ANYWHERE,
    *,
    drop: int = 0,
    switch_off: int = 0,
    switch_on: int = 0,
    add: int = 0,
    app: str = "Outlook",
) -> Fault:
    """The report of a day (`date` is needed) changes, from the struck request on: rows dropped and added, an
    app switched off and on. `skip = 1` lets the first answer be the uncorrected one.
    """
    day = scope.date
    if day is None:
        raise ValueError("a correction needs the date of the report day")
    if app not in APPS:
        raise ValueError(f"app must be one of {', '.join(APPS)}")
    if min(drop, switch_off, switch_on, add) < 0:
        raise ValueError("drop, switch_off, switch_on and add must not be negative")

    def change(tenant: Tenant) -> Tenant:
        tenant.correct(day, drop=drop, switch_off=switch_off, switch_on=switch_on, add=add, app=app)
        return tenant

    return TenantChange(**scope.facts(ANY_REPORT), change_tenant=change)


@_named
def concealed_switch(scope: Scope = ANYWHERE, *, on: bool = True) -> Fault:
    """The tenant's setting to conceal names is switched on, or off, just before the struck request."""
    return TenantChange(**scope.facts(ANY_REPORT), change_tenant=lambda tenant: tenant.replaced(is_concealed=on))


# Pages


@_named
def next_link_loop(scope: Scope = ANYWHERE) -> Fault:
    """`@odata.nextLink` leads to the very page that holds it. Strikes /users; give `times = "always"`."""
    return _page(scope, lambda call, page: {**page, "@odata.nextLink": _link(call)})


@_named
def next_link_elsewhere(scope: Scope = ANYWHERE, *, host: str = "graph.example.net") -> Fault:
    """`@odata.nextLink` leads to another host. Strikes /users."""
    return _page(scope, lambda call, page: {**page, "@odata.nextLink": _link(call, host)})


@_named
def empty_page(scope: Scope = ANYWHERE) -> Fault:
    """A page without objects whose `@odata.nextLink` leads to those it should have had. Strikes /users."""

    def change(call: Call, page: dict[str, Any]) -> dict[str, Any]:
        link = f"{_link(call)}{'&' if call.raw_query else '?'}emptyPage={call.request_id}"
        kept = {name: value for name, value in page.items() if name != "@odata.deltaLink"}
        return {**kept, "@odata.nextLink": link, "value": []}

    return _page(scope, change)


@_named
def delta_token_expired(scope: Scope = ANYWHERE) -> Fault:
    """400 syncStateNotFound for a delta token."""
    return Rule(
        **scope.facts(DELTA),
        status=400,
        code="syncStateNotFound",
        message="The sync state generation is not found. The delta token is expired and data must be synchronized "
        "again.",
    )


_RESYNC = "The delta token is no longer valid, and the app must reset the sync state."


@_named
def delta_token_gone(scope: Scope = ANYWHERE) -> Fault:
    """410 Gone for a delta token, with a Location from which to read everything again."""
    return _Gone(**scope.facts(DELTA), status=410, code="resyncRequired", message=_RESYNC)


@dataclass
class _Lost(Rule):
    answer: int | None = None

    def after(self, call: Call, reply: Reply) -> Reply:
        """The answer to a write that was done gets lost; a refusal, and whatever only reads, goes through."""
        if call.method == "GET" or reply.status >= 400:
            return reply
        return super().after(call, reply)

    def _change(self, call: Call, reply: Reply) -> Reply:
        if self.answer is None:
            return replace(reply, is_reset=True)
        return GraphError(self.answer, "UnknownError", "").reply(call)


@dataclass
class _Gone(Rule):
    def _own(self, call: Call, status: int) -> Reply:
        location = f"{_link(call).partition('?')[0]}?$deltatoken="
        return super()._own(call, status).with_headers(Location=location)


def _refusal(scope: Scope, at: At, status: int, code: str, message: str, retry_after: int | None) -> Fault:
    if retry_after is not None and retry_after < 0:
        raise ValueError("retry_after must not be negative")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Rule(**scope.facts(ANY_REPORT, at), status=status, code=code, message=message, headers=headers)


def _download(scope: Scope, change: Callable[[Reply], Reply]) -> Fault:
    return Rule(**scope.facts(ANY_REPORT, "download"), only_status=200, change=change)


def _body(scope: Scope, transform: faults_csv.Transform) -> Fault:
    return Rule(**scope.facts(ANY_REPORT, "download"), only_status=200, transform=transform)


def _rows(scope: Scope, change: Callable[[faults_csv.Rows], faults_csv.Rows]) -> Fault:
    return _body(scope, faults_csv.of_rows(change))


def _page(scope: Scope, change: Callable[[Call, dict[str, Any]], dict[str, Any]]) -> Fault:
    def change_for(call: Call, reply: Reply) -> Reply:
        page = change(call, json.loads(reply.body))
        return replace(reply, body=json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode())

    return _ByCall(**scope.facts(USERS), only_status=200, change_for=change_for)


def _link(call: Call, host: str | None = None) -> str:
    """The address that was asked for, on its own host or on another."""
    query = f"?{call.raw_query}" if call.raw_query else ""
    return f"https://{host or call.headers.get('host', GRAPH_HOST)}{quote(call.path)}{query}"


def _check_share(keep: float) -> None:
    if not 0 <= keep < 1:
        raise ValueError("keep must be at least 0 and less than 1")


def _check_count(count: int | None) -> None:
    if count is not None and count < 1:
        raise ValueError("count must be at least 1")
