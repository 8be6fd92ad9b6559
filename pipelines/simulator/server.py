"""The tenant on the wire: a TLS server on loopback."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import uvicorn

from pipelines.simulator.app import Application
from pipelines.simulator.faults import FaultRules
from pipelines.simulator.journal import RequestLog, WriteLog
from pipelines.simulator.service import DOWNLOAD_HOST, GRAPH_HOST, Service, Tenants
from pipelines.simulator.spec import Limits, Pace
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.tls import make_context

START_SECONDS = 10.0
STOP_SECONDS = 10.0


class _Server(uvicorn.Server):
    """Does not wait, when it stops, for clients that hold idle connections open."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop idle connections, let running answers end, then stop."""
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            transport = getattr(connection, "transport", None)
            if transport is not None and (cycle is None or cycle.response_complete):
                transport.abort()
        await super().shutdown(sockets)


class SimulatorServer:
    """Serves one tenant or several on 127.0.0.1, in a thread of its own.

    Graph and the identity platform answer under the name `localhost`, the downloads under `127.0.0.1`: two
    origins, as in the real service. `port` 0 takes a free one. The CA certificate is written to `cert_dir`, or
    to a temporary folder that goes away with the server. `pace` says how long work in the background takes.
    """

    def __init__(
        self,
        tenants: Tenant | Sequence[Tenant],
        limits: Limits | None = None,
        port: int = 0,
        cert_dir: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self._tenants = Tenants([tenants] if isinstance(tenants, Tenant) else tenants)
        self._limits = limits or Limits()
        self._wanted_port = port
        self._cert_dir = cert_dir
        self._own_cert_dir: Path | None = None
        self._clock = clock
        self._pace = pace
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._service: Service | None = None
        self._bundle: Path | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> SimulatorServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> SimulatorServer:
        """Listen and serve; returns once requests are answered."""
        if self._thread is not None:
            raise RuntimeError("The simulator is running already.")
        folder = self._cert_dir
        if folder is None:
            folder = self._own_cert_dir = Path(tempfile.mkdtemp(prefix="m365-simulator-"))
        try:
            context, self._bundle = make_context(folder)
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            self._socket = listener
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((DOWNLOAD_HOST, self._wanted_port))
            port = listener.getsockname()[1]
            self._service = Service(
                self._tenants,
                self._limits,
                f"https://{GRAPH_HOST}:{port}",
                f"https://{DOWNLOAD_HOST}:{port}",
                self._clock,
                self._pace,
            )
            config = uvicorn.Config(
                Application(self._service),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
            )
            config.load()
            config.ssl = context
            self._server = _Server(config)
            self._thread = threading.Thread(target=self._run, name="m365-simulator", daemon=True)
            self._thread.start()
            self._await_start(self._server, self._thread)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop serving and free the port; does nothing when stopped already."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive() and self._server is not None:
                self._server.force_exit = True
                self._thread.join(STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()
        if self._own_cert_dir is not None:
            shutil.rmtree(self._own_cert_dir, ignore_errors=True)
        self._server = self._thread = self._socket = self._own_cert_dir = None

    def _run(self) -> None:
        assert self._server is not None
        assert self._socket is not None
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:
            self._failure = error

    def _await_start(self, server: uvicorn.Server, thread: threading.Thread) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The simulator did not start.") from self._failure
            time.sleep(0.005)

    @property
    def service(self) -> Service:
        """The running service behind the socket."""
        if self._service is None:
            raise RuntimeError("The simulator has not been started.")
        return self._service

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._socket is None:
            raise RuntimeError("The simulator is not running.")
        return int(self._socket.getsockname()[1])

    @property
    def graph_url(self) -> str:
        """Where Graph is, without a path."""
        return f"https://{GRAPH_HOST}:{self.port}"

    @property
    def authority_url(self) -> str:
        """Where the identity platform is; the tenant id follows as a path."""
        return f"https://{GRAPH_HOST}:{self.port}"

    @property
    def ca_bundle(self) -> Path:
        """The CA certificate to trust, as a PEM file."""
        if self._bundle is None:
            raise RuntimeError("The simulator has not been started.")
        return self._bundle

    @property
    def requests(self) -> RequestLog:
        """What was asked and how it was answered."""
        return self.service.requests

    @property
    def writes(self) -> WriteLog:
        """What was to be changed, and what was done about it."""
        return self.service.writes

    @property
    def faults(self) -> FaultRules:
        """The rules by which things go wrong on purpose."""
        return self.service.faults

    @property
    def tenant(self) -> Tenant:
        """The tenant served, or the first of several."""
        return self._tenants.first()

    @tenant.setter
    def tenant(self, tenant: Tenant) -> None:
        self._tenants.replace_first(tenant)

    def put_tenant(self, tenant: Tenant) -> None:
        """Serve a tenant from now on, in place of the one with the same id."""
        self._tenants.put(tenant)

    def revoke_tokens(self) -> None:
        """Have every token issued so far refused with 401."""
        self.service.identity.revoke_all()

    def reset_throttle(self) -> None:
        """Have the throttling windows empty again."""
        self.service.throttle.reset()

    def expire_links(self) -> None:
        """Have every download link and every monitor of a copy handed out so far be expired."""
        self.service.expire_links()

    def settings(self, tenant_id: str | None = None) -> dict[str, str]:
        """The environment for a client of one tenant (default: the first)."""
        tenant = self.tenant if tenant_id is None else self._tenants.by_id(tenant_id)
        if tenant is None:
            raise ValueError(f"No tenant {tenant_id} is served here.")
        spec, default = tenant.spec, Limits()
        found = {
            "M365_TENANT_ID": spec.tenant_id,
            "M365_CLIENT_ID": spec.client_id,
            "M365_CLIENT_SECRET": spec.client_secret,
            "M365_AUTHORITY_URL": self.authority_url,
            "M365_GRAPH_URL": self.graph_url,
            "M365_CA_BUNDLE": str(self.ca_bundle),
            "M365_DOWNLOAD_HOSTS": DOWNLOAD_HOST,
            "M365_TODAY": spec.today.isoformat(),
            "M365_THROTTLE_WINDOW_SECONDS": f"{self._limits.window_seconds:g}",
        }
        if self._limits.report_requests != default.report_requests:
            found["M365_THROTTLE_REQUESTS"] = str(self._limits.report_requests)
        if self._limits.tenant_report_requests != default.tenant_report_requests:
            found["M365_THROTTLE_TENANT_REQUESTS"] = str(self._limits.tenant_report_requests)
        return found

    def action_settings(self, tenant_id: str | None = None) -> dict[str, str]:
        """What a client needs beside `settings` to change things: the other application's id and secret.

        Empty for a tenant without such an application. Whether actions are allowed is for the client to decide.
        """
        tenant = self.tenant if tenant_id is None else self._tenants.by_id(tenant_id)
        if tenant is None:
            raise ValueError(f"No tenant {tenant_id} is served here.")
        app = tenant.spec.actions_app
        if app is None:
            return {}
        return {"M365_ACTIONS_CLIENT_ID": app.client_id, "M365_ACTIONS_CLIENT_SECRET": app.client_secret}
