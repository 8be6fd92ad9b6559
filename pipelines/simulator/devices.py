"""Sign-in with a code (RFC 8628): codes, the page where one is entered, and refresh tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from pipelines.simulator.oauth import OAuthError

CODE_SECONDS = 900
POLL_SECONDS = 1
REFRESH_SECONDS = 90 * 24 * 3600
PAGE = (
    b"<!doctype html><title>Enter code</title><form method=post>"
    b"<label>Code <input name=code autofocus></label> <button>Sign in</button></form>"
)
# No vowels, so no words; no characters that look alike.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass
class _Code:
    tenant_id: str
    client_id: str
    audience: str
    user_code: str
    expires_at: float
    state: str = "pending"


@dataclass(frozen=True)
class _Refresh:
    tenant_id: str
    client_id: str
    object_id: str
    expires_at: float


class Devices:
    """The codes and refresh tokens of one identity platform. Safe between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._revoked: set[str] = set()

    def offer(self, tenant_id: str, client_id: str, audience: str) -> tuple[str, str]:
        """A device code and the short code for people; audience: what the token will be for."""
        device_code = secrets.token_urlsafe(48)
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        with self._lock:
            self._codes[device_code] = _Code(tenant_id, client_id, audience, user_code, self._clock() + CODE_SECONDS)
        return device_code, user_code

    def answer(self, user_code: str, *, accept: bool = True) -> bool:
        """Somebody enters the code at the page and signs in, or declines; False for a code that is none."""
        with self._lock:
            for code in self._codes.values():
                if code.user_code == user_code.strip().upper() and code.state == "pending":
                    code.state = "accepted" if accept else "declined"
                    return True
        return False

    def redeem(self, device_code: str, tenant_id: str, client_id: str) -> str:
        """The audience of a device code that was signed in with, once; any other is refused."""
        with self._lock:
            code = self._codes.get(device_code)
            if code is None or (code.tenant_id, code.client_id) != (tenant_id, client_id):
                raise OAuthError(400, "invalid_grant", 70000, "The provided value for 'device_code' is not valid.")
            if self._clock() >= code.expires_at:
                raise OAuthError(400, "expired_token", 70019, "Verification code expired.")
            if code.state == "pending":
                raise OAuthError(
                    400,
                    "authorization_pending",
                    70016,
                    "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
                )
            if code.state == "declined":
                raise OAuthError(400, "authorization_declined", 70000, "The end user declined to authorize.")
            del self._codes[device_code]
        return code.audience

    def keep_signed_in(self, tenant_id: str, client_id: str, object_id: str) -> str:
        """A refresh token."""
        token = "1." + secrets.token_urlsafe(64)
        with self._lock:
            self._refresh[token] = _Refresh(tenant_id, client_id, object_id, self._clock() + REFRESH_SECONDS)
        return token

    def refresh(self, token: str, tenant_id: str, client_id: str) -> str:
        """The account of a refresh token that still holds."""
        with self._lock:
            known = self._refresh.get(token)
            is_revoked = token in self._revoked
        if known is None or (known.tenant_id, known.client_id) != (tenant_id, client_id):
            raise OAuthError(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        if is_revoked:
            raise OAuthError(
                400,
                "invalid_grant",
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might "
                "have changed or reset their password.",
            )
        if self._clock() >= known.expires_at:
            raise OAuthError(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        return known.object_id

    def revoke_all(self) -> None:
        """Let no refresh token issued so far be accepted any more."""
        with self._lock:
            self._revoked |= self._refresh.keys()
