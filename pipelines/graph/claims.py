"""What a token says of itself: for diagnostics only, as Graph's tokens are opaque to clients."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token that looks like a JWT, its signature unchecked; empty for any other token."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
