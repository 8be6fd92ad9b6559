"""Pre-authenticated downloads: random, short-lived links on another origin than Graph's."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

from pipelines.simulator.wire import Call, Reply, json_reply

DOWNLOAD_PATH = ("data", "download")
LINK_SECONDS = 300.0
"""A link is valid for "a few minutes" (Graph documentation of the report functions)."""


@dataclass(frozen=True)
class _Link:
    file_name: str
    body: Callable[[], bytes]
    expires_at: float
    report: str
    tenant_id: str


class DownloadLinks:
    """The links handed out and the bodies behind them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._links: dict[str, _Link] = {}

    def offer(self, file_name: str, body: Callable[[], bytes], report: str = "", tenant_id: str = "") -> str:
        """A path and query that serve the body for LINK_SECONDS; `report` and `tenant_id` say what it is."""
        token = secrets.token_urlsafe(48)
        now = self._clock()
        with self._lock:
            for old in [key for key, link in self._links.items() if link.expires_at < now - LINK_SECONDS]:
                del self._links[old]
            self._links[token] = _Link(file_name, body, now + LINK_SECONDS, report, tenant_id)
        return "/" + "/".join(DOWNLOAD_PATH) + f"/{file_name}?token={token}"

    def expire_all(self) -> None:
        """Let every link handed out so far be expired."""
        with self._lock:
            self._links = {token: replace(link, expires_at=self._clock()) for token, link in self._links.items()}

    def subject_of(self, call: Call) -> tuple[str, str]:
        """The report and the tenant behind the link of a call, or two empty texts."""
        with self._lock:
            link = self._links.get(call.query.get("token", ""))
        return (link.report, link.tenant_id) if link else ("", "")

    def serve(self, call: Call) -> Reply:
        """The answer to a request on the download origin."""
        if call.segments[: len(DOWNLOAD_PATH)] != DOWNLOAD_PATH:
            return _refusal(404, "NotFound", "There is nothing here.")
        if call.method != "GET":
            return _refusal(405, "MethodNotAllowed", "Only GET is supported.")
        if "authorization" in call.headers:
            return _refusal(400, "InvalidAuthenticationInfo", "A pre-authenticated URL takes no Authorization header.")
        with self._lock:
            link = self._links.get(call.query.get("token", ""))
        if link is None or call.segments[len(DOWNLOAD_PATH) :] != (link.file_name,):
            return _refusal(404, "NotFound", "The download link is not known.")
        if self._clock() >= link.expires_at:
            return _refusal(403, "AuthenticationFailed", "The download link has expired.")
        return Reply(
            200,
            link.body(),
            {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="{link.file_name}"',
            },
        )


def _refusal(status: int, code: str, message: str) -> Reply:
    return json_reply(status, {"error": {"code": code, "message": message}})
