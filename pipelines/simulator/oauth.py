"""OAuth on the wire: errors with their AADSTS numbers, forms, and tokens of JWT shape."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs

from pipelines.simulator.wire import Call, Reply, json_reply

NO_STORE = {"Cache-Control": "no-store, no-cache"}


class OAuthError(Exception):
    """An OAuth error with its AADSTS number."""

    def __init__(self, status: int, error: str, number: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.number = number
        self.description = description

    def reply(self) -> Reply:
        """The error as the identity platform sends it."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        content = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.description} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return json_reply(self.status, content, NO_STORE)


def form_of(call: Call) -> dict[str, str]:
    """The form that was posted; the first of several values of one name."""
    return {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}


def require_post(call: Call) -> None:
    """Refuse any other method."""
    if call.method != "POST":
        raise OAuthError(
            400,
            "invalid_request",
            900561,
            f"The endpoint only accepts POST requests. Received a {call.method} request.",
        )


def encode_part(content: Any) -> str:
    """JSON in base64url, as the parts of a JWT are."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def opaque_jwt(claims: dict[str, Any]) -> str:
    """A token of JWT shape with a signature of chance: Graph's tokens are opaque to clients."""
    header = {"typ": "JWT", "alg": "RS256", "kid": "simulated"}
    return ".".join([encode_part(header), encode_part(claims), secrets.token_urlsafe(48)])
