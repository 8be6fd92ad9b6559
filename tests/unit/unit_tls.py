"""Helpers: a scripted TLS server, and clients of it or of the simulated tenant."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from pipelines.graph.client import GraphClient
from pipelines.settings import Settings, TenantSettings
from pipelines.simulator import SimulatorServer


@dataclass(frozen=True)
class Answer:
    """What the stub sends. declared_length lies about the body; cut_after closes after so many bytes."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    declared_length: int | None = None
    cut_after: int | None = None


def as_json(content: object, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


@dataclass(frozen=True)
class Seen:
    """A request as the stub saw it; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class TlsStub:
    """Answers GET and POST on https://localhost:PORT as the script says, and remembers what was asked."""

    def __init__(self, folder: Path, answer: Callable[[Seen], Answer], names: tuple[str, ...] = ("localhost",)) -> None:
        self.seen: list[Seen] = []
        self.answer = answer
        authority = trustme.CA()
        self.bundle = folder / "stub-ca.pem"
        authority.cert_pem.write_to_path(str(self.bundle))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(
                    self.command,
                    self.path,
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                stub.seen.append(seen)
                self._send(stub.answer(seen))

            def do_POST(self) -> None:
                self.do_GET()

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                declared = len(answer.body) if answer.declared_length is None else answer.declared_length
                for name, value in {"Content-Length": str(declared), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body if answer.cut_after is None else answer.body[: answer.cut_after])
                if answer.cut_after is not None or declared != len(answer.body):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Budget:
    """A budget that never waits and counts what is taken out of it."""

    def __init__(self, waits: float = 0.0) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.waits = waits

    def acquire(self, tenant_id: str, client_id: str, report: str) -> float:
        self.taken.append((tenant_id, client_id, report))
        return self.waits


def tenant_settings(server: SimulatorServer, **changes: Any) -> TenantSettings:
    """What the simulator tells a client to use, some of it changed."""
    told = server.settings()
    names = ("tenant_id", "client_id", "client_secret", "authority_url", "graph_url")
    values = {name: told[f"M365_{name.upper()}"] for name in names} | changes
    (tenant,) = Settings(**values).tenants()
    return tenant


@contextmanager
def open_client(
    tenant: TenantSettings,
    ca_bundle: Path | None,
    *,
    sleep: Callable[[float], None] | None = None,
    budget: Any = None,
    download_hosts: tuple[str, ...] = ("127.0.0.1",),
) -> Iterator[GraphClient]:
    """The product's own client; naps are recorded on ``client.naps`` and take no time."""
    naps: list[float] = []
    settings = Settings(ca_bundle=ca_bundle, download_hosts=download_hosts)
    client = GraphClient.connect(tenant, settings, budget or Budget(), sleep or naps.append)
    client.naps = naps  # type: ignore[attr-defined]
    try:
        yield client
    finally:
        client.close()
