"""Reading single objects and short collections: what is looked at before and after a change."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError, ProtocolError

Json = dict[str, Any]


def read_object(
    client: GraphClient, path: str, what: str, *, params: dict[str, str] | None = None, permission: str | None = None
) -> Json:
    """One object. path: below ``/v1.0/``; what: for messages, without anybody's name. Raises GraphError."""
    context = client.context(what, permission=permission)
    return next(client.get_pages(path, context, params))[1]


def find_object(
    client: GraphClient, path: str, what: str, *, params: dict[str, str] | None = None, permission: str | None = None
) -> Json | None:
    """One object, or None where Graph knows none (404). Raises GraphError."""
    try:
        return read_object(client, path, what, params=params, permission=permission)
    except GraphError as error:
        if error.status == 404:
            return None
        raise


def read_collection(
    client: GraphClient, path: str, what: str, *, params: dict[str, str] | None = None, permission: str | None = None
) -> list[Json]:
    """All objects of a collection, every page of it. Raises GraphError."""
    context = client.context(what, permission=permission)
    found: list[Json] = []
    for _, page in client.get_pages(path, context, params):
        value = page.get("value")
        if not isinstance(value, list):
            raise ProtocolError("The answer is no list of objects.", context=context)
        found += [item for item in value if isinstance(item, dict)]
    return found


def segment(key: str) -> str:
    """An id or a user principal name as one part of a path; guests' names hold a number sign."""
    return quote(key, safe="@")
