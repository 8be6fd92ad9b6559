"""The whole service without its socket: from a call to a reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Lock

from pipelines.simulator import access
from pipelines.simulator.delta import DeltaApi
from pipelines.simulator.directory_api import DirectoryApi
from pipelines.simulator.faults import FaultRules
from pipelines.simulator.identity import Grant, Identity
from pipelines.simulator.journal import RequestLog, WriteLog
from pipelines.simulator.limits import Throttle
from pipelines.simulator.links import DownloadLinks
from pipelines.simulator.odata import METADATA
from pipelines.simulator.reports_api import ReportsApi
from pipelines.simulator.spec import REPORT_SETTINGS_WRITE, Limits, Pace, TenantSpec
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import (
    Call,
    GraphError,
    Reply,
    bad_request,
    json_reply,
    method_not_allowed,
    unknown_segment,
)
from pipelines.simulator.write_routes import WriteRoutes

GRAPH_HOST = "localhost"
DOWNLOAD_HOST = "127.0.0.1"
VERSION = "v1.0"


class Tenants:
    """The tenants served, by id. Safe between threads."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._lock = Lock()
        self._by_id = {tenant.spec.tenant_id: tenant for tenant in tenants}
        if not self._by_id:
            raise ValueError("A server needs at least one tenant.")

    def first(self) -> Tenant:
        """The tenant named first."""
        with self._lock:
            return next(iter(self._by_id.values()))

    def by_id(self, tenant_id: str) -> Tenant | None:
        """The tenant of an id."""
        with self._lock:
            return self._by_id.get(tenant_id)

    def put(self, tenant: Tenant) -> None:
        """Serve a tenant from now on, in place of the one with the same id."""
        with self._lock:
            self._by_id[tenant.spec.tenant_id] = tenant

    def replace_first(self, tenant: Tenant) -> None:
        """Serve a tenant in place of the first."""
        with self._lock:
            first, *others = self._by_id.values()
            self._by_id = {kept.spec.tenant_id: kept for kept in (tenant, *others)}
            assert first is not None

    def spec_of(self, name: str) -> TenantSpec | None:
        """The tenant of an id or a domain, as it stands in a token URL."""
        with self._lock:
            for tenant in self._by_id.values():
                if name.lower() in (tenant.spec.tenant_id.lower(), tenant.spec.domain.lower()):
                    return tenant.spec
        return None


class Service:
    """Identity, Graph and downloads of some tenants. Every method may be called from several threads."""

    def __init__(
        self,
        tenants: Tenants,
        limits: Limits,
        graph_url: str,
        download_url: str,
        clock: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self.tenants = tenants
        self.faults = FaultRules(tenants)
        self.requests = RequestLog()
        self.writes = WriteLog()
        self.identity = Identity(graph_url, tenants.spec_of, clock)
        self.throttle = Throttle(limits, clock)
        self.links = DownloadLinks(clock)
        self._reports = ReportsApi(self.throttle, self.links, download_url)
        self._directory = DirectoryApi(graph_url)
        self._delta = DeltaApi(graph_url)
        self._routes = WriteRoutes(graph_url, download_url, pace or Pace(), clock)

    def answer(self, call: Call) -> Reply:
        """The answer to a call, faults included; never raises."""
        call = self._with_subject(call)
        own: Reply | None = None
        try:
            reply = self.faults.before(call)
            if reply is None:
                own = self._answer(call)
                reply = self.faults.after(call, own)
        except Exception as error:
            reply = _broken(call, error)
        reply = self._with_ids(call, reply)
        answered = 0 if reply.is_reset else reply.status
        self.requests.note(call, answered)
        if call.method not in ("GET", "HEAD") and call.segments[:1] == (VERSION,):
            self.writes.note(call, self.identity.app_of(call), None if own is None else own.status, answered)
        return reply

    def _with_subject(self, call: Call) -> Call:
        """The call with the report and the tenant that it is about, which faults may be restricted to."""
        if self._is_monitor(call):
            report, tenant_id = "", self._routes.copies.tenant_of(call)
        elif call.host == DOWNLOAD_HOST:
            report, tenant_id = self.links.subject_of(call)
        else:
            is_report = len(call.segments) == 3 and call.segments[1].lower() == "reports"
            report, tenant_id = call.segments[2] if is_report else "", self.identity.tenant_of(call)
        return replace(call, report=report, tenant_id=tenant_id)

    def expire_links(self) -> None:
        """Let every download link and every monitor of a copy be expired."""
        self.links.expire_all()
        self._routes.copies.expire_all()

    def _is_monitor(self, call: Call) -> bool:
        return call.host == DOWNLOAD_HOST and self._routes.copies.serves(call)

    def _with_ids(self, call: Call, reply: Reply) -> Reply:
        if call.host != GRAPH_HOST:
            return reply
        headers = {"request-id": call.request_id, "client-request-id": call.client_request_id}
        return Reply(**{**vars(reply), "headers": {**headers, **reply.headers}})

    def _answer(self, call: Call) -> Reply:
        try:
            if self._is_monitor(call):
                return self._routes.copies.monitor(call)
            if call.host == DOWNLOAD_HOST:
                return self.links.serve(call)
            if call.host != GRAPH_HOST or call.segments[:1] == ("data",):
                raise GraphError(404, "NotFound", f"Nothing is served here under the name {call.host}.")
            if self.identity.serves(call):
                return self.identity.serve(call)
            return self._graph(call)
        except GraphError as error:
            return error.reply(call)
        except Exception as error:
            return _broken(call, error)

    def _graph(self, call: Call) -> Reply:
        grant = self.identity.grant_of(call)
        tenant = self.tenants.by_id(grant.tenant_id)
        if tenant is None:
            raise GraphError(401, "InvalidAuthenticationToken", "The tenant of the token is not served here.")
        segments = call.segments
        if segments[:1] != (VERSION,):
            raise unknown_segment(segments[0] if segments else "")
        if len(segments) == 1:
            raise bad_request("The service document is not served.")
        root, rest = segments[1], segments[2:]
        if root.lower() == "reports":
            return self._reports.serve(call, grant, tenant, rest)
        if root.lower() == "admin":
            return self._admin(call, grant, tenant, rest)
        self._routes.settle(tenant)
        written = self._routes.find(call, grant, tenant, segments[1:])
        if written is not None:
            return written()
        answer = self._find(call, grant, tenant, root, rest)
        if call.method != "GET":
            raise method_not_allowed(call)
        return answer()

    def _find(self, call: Call, grant: Grant, tenant: Tenant, root: str, rest: tuple[str, ...]) -> Callable[[], Reply]:
        """What answers the path, or 400 for one that leads nowhere."""
        directory, delta = self._directory, self._delta
        lower = tuple(part.lower() for part in (root, *rest))
        match lower:
            case ("users",):
                return lambda: directory.users(call, grant, tenant)
            case ("users", "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()"):
                return lambda: delta.users(call, grant, tenant)
            case ("users", _, *_):
                return lambda: directory.user(call, grant, tenant, rest[0], lower[2:])
            case ("directory", "deleteditems", "microsoft.graph.user" | "graph.user"):
                return lambda: directory.deleted_users(call, grant, tenant)
            case ("directory", "subscriptions"):
                return lambda: directory.subscriptions(call, grant, tenant)
            case ("subscribedskus",):
                return lambda: directory.subscribed_skus(call, grant, tenant)
            case ("subscribedskus", _):
                return lambda: directory.subscribed_skus(call, grant, tenant, rest[0])
            case ("organization",):
                return lambda: directory.organization(call, grant, tenant)
            case ("groups",):
                return lambda: directory.groups(call, grant, tenant)
            case ("directory" | "subscribedskus" | "organization" | "groups", _, *_):
                raise unknown_segment(rest[-1])
        raise unknown_segment(root)

    def _admin(self, call: Call, grant: Grant, tenant: Tenant, rest: tuple[str, ...]) -> Reply:
        """`/admin/reportSettings`, read and written by the reports service, with its way of refusing."""
        if tuple(part.lower() for part in rest) != ("reportsettings",):
            raise unknown_segment(rest[0] if rest else "admin")
        if call.method == "PATCH":
            access.require_report(grant, frozenset({REPORT_SETTINGS_WRITE}))
            self.tenants.put(tenant.replaced(is_concealed=_concealment(call.body)))
            return Reply(204)
        if call.method != "GET":
            raise method_not_allowed(call)
        access.require_report(grant, access.REPORT_SETTINGS)
        content = {"@odata.context": f"{METADATA}#admin/reportSettings/$entity", **tenant.report_settings()}
        return json_reply(200, content)


def _broken(call: Call, error: Exception) -> Reply:
    return GraphError(500, "InternalServerError", f"{type(error).__name__}: {error}").reply(call)


def _concealment(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    wanted = content.get("displayConcealedNames") if isinstance(content, dict) else None
    if not isinstance(wanted, bool):
        raise bad_request("The property 'displayConcealedNames' must be a Boolean.")
    return wanted
