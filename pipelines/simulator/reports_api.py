"""The report functions on the wire: arguments, refusals, throttling, and the 302 to a download."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pipelines.simulator import access
from pipelines.simulator.identity import Grant
from pipelines.simulator.limits import Throttle
from pipelines.simulator.links import DownloadLinks
from pipelines.simulator.reports import PERIODS
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, bad_request, method_not_allowed, unknown_segment

DAYS_NAMED = 28
"""The number of days that the service names in its refusal, whichever day it really serves last."""

_CALL = re.compile(r"(?:microsoft\.graph\.)?(?P<name>\w+)\((?P<arguments>.*)\)\Z", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True)
class _Function:
    name: str
    parameters: frozenset[str]
    by_period: Callable[[Tenant, str], bytes]


_FUNCTIONS = {
    function.name.lower(): function
    for function in (
        _Function("getM365AppUserDetail", frozenset({"period", "date"}), Tenant.period_csv),
        _Function("getM365AppUserCounts", frozenset({"period"}), Tenant.user_counts_csv),
    )
}


class ReportsApi:
    """`/reports/…`."""

    def __init__(self, throttle: Throttle, links: DownloadLinks, download_url: str) -> None:
        self._throttle = throttle
        self._links = links
        self._download_url = download_url

    def serve(self, call: Call, grant: Grant, tenant: Tenant, segments: tuple[str, ...]) -> Reply:
        """The answer to a report function; `segments` are those after `/reports`."""
        if not segments:
            raise unknown_segment("reports")
        function, arguments = _parse(segments[0])
        if len(segments) > 1:
            raise unknown_segment(segments[1])
        if call.method != "GET":
            raise method_not_allowed(call)
        wanted = _bound(function, arguments)
        access.require_report(grant, access.REPORTS)
        if function.name.endswith("UserDetail"):
            access.require_detail(grant)
        self._throttle.admit(tenant.spec.tenant_id, grant.app_id, function.name)
        if call.query.get("$format", "text/csv").lower() not in ("text/csv", "csv"):
            raise GraphError(400, "UnknownError", '{"Message":"JSON format is not supported."}')
        if isinstance(wanted, date):
            if not tenant.spec.serves(wanted):
                raise GraphError(
                    400,
                    "InvalidArgument",
                    f"Invalid date value specified: {wanted}. Only support data for the past {DAYS_NAMED} days.",
                )
            day = wanted
            return self._redirect(call, tenant, function, lambda: tenant.report_csv(day))
        if wanted not in PERIODS:
            raise GraphError(
                400,
                "InvalidArgument",
                f"Invalid period value specified: {wanted}. Only support {', '.join(PERIODS)}.",
            )
        period = wanted
        return self._redirect(call, tenant, function, lambda: function.by_period(tenant, period))

    def _redirect(self, call: Call, tenant: Tenant, function: _Function, body: Callable[[], bytes]) -> Reply:
        file_name = function.name.removeprefix("get") + ".csv"
        location = self._download_url + self._links.offer(file_name, body, call.report, tenant.spec.tenant_id)
        return Reply(302, b"", {"Location": location, "Content-Type": "application/octet-stream"})


def _parse(segment: str) -> tuple[_Function, dict[str, str]]:
    match = _CALL.match(segment)
    if match is None:
        raise unknown_segment(segment)
    function = _FUNCTIONS.get(match["name"].lower())
    if function is None:
        raise unknown_segment(match["name"])
    arguments: dict[str, str] = {}
    for argument in filter(None, match["arguments"].split(",")):
        name, equals, value = argument.strip().partition("=")
        if not equals or name in arguments:
            raise bad_request(f"Bad Request - Error in query syntax at '{argument}'.")
        arguments[name] = value
    return function, arguments


def _bound(function: _Function, arguments: dict[str, str]) -> date | str:
    """The one argument as its type, or the refusal of a URL that no overload of the function takes."""
    if len(arguments) != 1 or not arguments.keys() <= function.parameters:
        raise unknown_segment(function.name)
    ((name, value),) = arguments.items()
    is_quoted = len(value) >= 2 and value[0] == value[-1] == "'"
    if name == "period":
        if not is_quoted:
            raise bad_request(f"Expression of type 'Edm.Untyped' cannot be converted to type 'Edm.String': {value}.")
        return value[1:-1]
    if is_quoted:
        raise bad_request("Expression of type 'Edm.String' cannot be converted to type 'Edm.Date'.")
    try:
        if not _DATE.match(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    except ValueError:
        raise bad_request(f"Unrecognized 'Edm.Date' literal '{value}' at '0' in '{value}'.") from None
