"""How a long-running action goes: asked at the pre-authenticated address that Graph gave, without the bearer token.

Source: Graph "long-running actions": ``status`` decides, as a finished one may be told with HTTP 202, too. The address
is a key: it is never shown, logged or kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphContext, GraphError, ProtocolError

# Where SharePoint answers, cloud by cloud.
MONITOR_HOSTS = (".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".sharepoint.cn")
_DONE, _FAILED = ("completed",), ("failed", "deleteFailed", "cancelled")


class MonitorLostError(GraphError):
    """Nobody tells about the action any more; it may go on all the same."""


@dataclass(frozen=True)
class MonitorState:
    """The state of an action. percentage: 0 to 100, where it is told."""

    status: str
    percentage: float | None
    resource_id: str | None
    error_code: str | None

    @property
    def is_completed(self) -> bool:
        """It has ended well."""
        return self.status in _DONE

    @property
    def is_failed(self) -> bool:
        """It has ended badly."""
        return self.status in _FAILED


class Monitor:
    """Looks at one action. Raises ProtocolError for an address that is not Microsoft's."""

    def __init__(self, client: GraphClient, address: str, context: GraphContext) -> None:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        own = (urlsplit(client.tenant.graph_url).hostname or "").lower()
        is_known = host == own or any(
            host.endswith(entry) if entry.startswith(".") else host == entry
            for entry in (*MONITOR_HOSTS, *client.download_hosts)
        )
        if parts.scheme != "https" or not is_known or "@" in parts.netloc or "\\" in address:
            raise ProtocolError(
                f"The progress was to be read from {host or '?'}, which is not Microsoft's.", context=context
            )
        self._client = client
        self._address = address
        self._context = context
        self._misses = 0

    def look(self) -> MonitorState:
        """The state now; raises MonitorLostError when nobody knows the action any more."""
        try:
            with self._client.session.get_without_credentials(self._address) as response:
                status, content = response.status_code, _json(response)
        except requests.exceptions.RequestException:
            return self._missed()
        if status in (429, 500, 502, 503, 504):
            return self._missed()
        if status >= 400 or not isinstance(content, dict) or "status" not in content:
            # 303 to the new item is how some services end; there is nothing more to be told then.
            raise MonitorLostError("Nobody tells about this action any more.", context=self._context, status=status)
        self._misses = 0
        error = content.get("error") or {}
        percentage = content.get("percentageComplete")
        return MonitorState(
            str(content["status"]),
            float(percentage) if isinstance(percentage, int | float) else None,
            str(content["resourceId"]) if content.get("resourceId") else None,
            str(error.get("code")) if isinstance(error, dict) and error.get("code") else None,
        )

    def _missed(self) -> MonitorState:
        self._misses += 1
        if self._misses > 10:
            raise MonitorLostError("The progress of this action cannot be read.", context=self._context)
        return MonitorState("inProgress", None, None, None)


def _json(response: requests.Response) -> object:
    try:
        return response.json()
    except (ValueError, requests.exceptions.RequestException):
        return None
