"""The only code that can send anything but questions to Graph.

A write is sent again by itself only where Graph said that it did nothing (429, and 503 with Retry-After). Where
nobody can know what became of it (a 5xx, a broken connection), OutcomeUnknownError is raised: whoever asked for the
write looks at the state first and then decides.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from pipelines.graph.auth import TokenProvider
from pipelines.graph.client import ATTEMPTS, GraphClient
from pipelines.graph.errors import GraphContext, GraphError, ProtocolError, TransientError, error_from_response
from pipelines.graph.transport import UNTRUSTED_REMEDY, TlsSession, is_untrusted
from pipelines.settings import ActionsNotAllowedError, Settings, TenantSettings

__all__ = ["ActionsNotAllowedError", "GraphWriter", "OutcomeUnknownError", "WriteAnswer"]

WRITE_METHODS = ("POST", "PATCH", "PUT", "DELETE")


class OutcomeUnknownError(GraphError):
    """A write was sent, and whether it was done cannot be told from the answer, if there was one."""


@dataclass(frozen=True)
class WriteAnswer:
    """What Graph said to a write. body: empty where it is none. location: may be a key, so it is not shown."""

    status: int
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    location: str | None = field(default=None, repr=False)


class _WritingSession(TlsSession):
    """Lets writes pass to the Graph of one tenant."""

    def __init__(self, settings: Settings, tenant: TenantSettings) -> None:
        if not settings.allow_actions:
            raise ActionsNotAllowedError("Actions are off: set M365_ALLOW_ACTIONS=1.")
        super().__init__(settings.ca_bundle, graph_url=tenant.graph_url)

    def _may_send(self, method: str, url: str) -> bool:
        is_write = method in WRITE_METHODS and self._is_graph(url)
        return is_write or super()._may_send(method, url)


class GraphWriter(GraphClient):
    """Reads and changes one tenant, as the app for actions.

    Raises ActionsNotAllowedError unless M365_ALLOW_ACTIONS is set and the tenant has an app for actions, and sends
    nothing before the first call. tenant: as it is configured, with the app that reads.
    """

    def __init__(
        self,
        settings: Settings,
        tenant: TenantSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        actor = settings.actions_tenant(tenant)
        session = _WritingSession(settings, actor)
        super().__init__(
            tenant=actor,
            session=session,
            tokens=TokenProvider(actor, session),
            budget=None,
            download_hosts=settings.download_hosts,
            sleep=sleep,
            attempts=attempts,
        )
        self.correlation_id = str(uuid.uuid4())
        self.write_request_id: str | None = None

    def correlate(self) -> str:
        """A new ``client-request-id`` for the writes from now on, by which Microsoft finds them, answered or not.

        write_request_id, Microsoft's own id of the last write, is None until there is one.
        """
        self.correlation_id = str(uuid.uuid4())
        self.write_request_id = None
        return self.correlation_id

    def write(
        self,
        method: str,
        path: str,
        context: GraphContext,
        body: dict[str, Any] | None = None,
        *,
        params: dict[str, str] | None = None,
    ) -> WriteAnswer:
        """Send one change; path: below ``/v1.0/``. Any 2xx is a success.

        Raises OutcomeUnknownError where it may have been done; every other GraphError means that it was not.
        """
        if method not in WRITE_METHODS:
            raise ValueError(f"{method} is no way to write.")
        return self._retrying(lambda: self._write(method, self._url(path), context, body, params))

    def reference(self, path: str) -> dict[str, str]:
        """The body that names another object, for ``$ref`` addresses."""
        return {"@odata.id": self._url(path)}

    def _write(
        self, method: str, url: str, context: GraphContext, body: dict[str, Any] | None, params: dict[str, str] | None
    ) -> WriteAnswer:
        for is_last in (False, True):
            with self._put(method, url, context, body, params) as response:
                if response.status_code in (401, 403) and not is_last:
                    # A permission granted a moment ago is in a new token only.
                    self.tokens.drop()
                    continue
                return self._answer(response, context)
        raise AssertionError("unreachable")

    def _put(
        self, method: str, url: str, context: GraphContext, body: dict[str, Any] | None, params: dict[str, str] | None
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens.token()}", "client-request-id": self.correlation_id}
        self.statistics.requests += 1
        self.statistics.request_id = None
        try:
            response = self.session.request(method, url, params=params, json=body, headers=headers, stream=True)
        except requests.exceptions.RequestException as error:
            raise _unanswered(error, context, url) from None
        self.statistics.request_id = self.write_request_id = response.headers.get("request-id")
        self.statistics.http_status = response.status_code
        return response

    def _answer(self, response: requests.Response, context: GraphContext) -> WriteAnswer:
        if 200 <= response.status_code < 300:
            return WriteAnswer(response.status_code, _content(response), response.headers.get("Location"))
        error = error_from_response(response, context)
        if not isinstance(error, TransientError):
            if response.status_code < 400:
                raise ProtocolError("The answer is not what Graph gives to a change.", context=context)
            raise error
        if response.status_code == 429 or (response.status_code == 503 and error.retry_after is not None):
            raise error
        raise OutcomeUnknownError(
            error.message, context=context, status=error.status, code=error.code, request_id=error.request_id
        )


def _content(response: requests.Response) -> dict[str, Any]:
    """The body as an object; a body that broke off says nothing against the success that its status told."""
    try:
        found = response.json()
    except (ValueError, requests.exceptions.RequestException):
        return {}
    return found if isinstance(found, dict) else {}


def _unanswered(error: requests.exceptions.RequestException, context: GraphContext, url: str) -> GraphError:
    host = urlsplit(url).hostname
    if is_untrusted(error):
        return GraphError(f"The certificate of {host} is not trusted here: {UNTRUSTED_REMEDY}.", context=context)
    return OutcomeUnknownError(f"{host} did not answer ({type(error).__name__}).", context=context)
