"""The ASGI application: bytes to a call, a reply to bytes."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from pipelines.simulator.service import Service
from pipelines.simulator.wire import Call, Reply


class Application:
    """Serves one Service. Answers are computed off the event loop, several at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(
            method=request.method,
            host=headers.get("host", "").rsplit(":", 1)[0].lower(),
            path=scope["path"],
            raw_query=scope.get("query_string", b"").decode("latin-1"),
            headers=headers,
            body=await request.body(),
        )
        reply = await run_in_threadpool(self._service.answer, call)
        if reply.delay_seconds:
            await asyncio.sleep(reply.delay_seconds)
        await _put(reply, send)


async def _put(reply: Reply, send: Send) -> None:
    if reply.is_reset:
        _drop(send)
        return
    length = len(reply.body) if reply.declared_length is None else reply.declared_length
    headers = {"Content-Length": str(length), **reply.headers}
    is_whole = reply.cut_after is None and length == len(reply.body)
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    body = reply.body if reply.cut_after is None else reply.body[: reply.cut_after]
    if reply.stall_seconds:
        half = len(body) // 2
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        await asyncio.sleep(reply.stall_seconds)
        body = body[half:]
    await send({"type": "http.response.body", "body": body, "more_body": not is_whole})
    if not is_whole:
        await asyncio.sleep(0.05)
        _drop(send)


def _drop(send: Send) -> None:
    """Cut the connection: the server's own transport hangs on its `send`."""
    connection: Any = getattr(send, "__self__", None)
    transport = getattr(connection, "transport", None)
    if transport is None:
        raise ConnectionError("The connection is dropped on purpose.")
    transport.abort()
