"""Client assertions: an app that proves itself by a signed JWT, its own (certificate) or another platform's."""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from datetime import datetime, timezone
from threading import Lock
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from pipelines.simulator.oauth import OAuthError
from pipelines.simulator.sign_ins import Federation, SignIns

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLOCK_SKEW_SECONDS = 300
LONGEST_SECONDS = 24 * 3600
_ALGORITHMS = ["RS256", "PS256"]
_KEPT = 10_000


class AssertionVerifier:
    """Verifies client assertions against the registrations; an app's own is good for one request only."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins
        self._lock = Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def verify(self, form: dict[str, str], client_id: str, audiences: list[str]) -> None:
        """Accept the form's assertion for the app, or refuse it."""
        assertion = form["client_assertion"]
        try:
            header = jwt.get_unverified_header(assertion)
            claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            raise _refused("Client assertion is malformed.") from None
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError(400, "invalid_request", 900144, "The request body must contain: 'client_assertion_type'.")
        if claims.get("iss") == client_id:
            self._verify_own(assertion, header, claims, client_id, audiences)
        else:
            _verify_foreign(assertion, claims, self._sign_ins.federations(client_id))

    def _verify_own(
        self,
        assertion: str,
        header: dict[str, Any],
        claims: dict[str, Any],
        client_id: str,
        audiences: list[str],
    ) -> None:
        certificate = _find(header, [_load(pem) for pem in self._sign_ins.certificates(client_id)])
        if certificate is None:
            raise _refused(
                "The certificate with identifier used to sign the client assertion is not registered on application."
            )
        now = datetime.now(timezone.utc)
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            raise _refused("Reason - The key used is expired.")
        _check_signature(assertion, certificate.public_key())
        if claims.get("sub") != client_id:
            raise OAuthError(401, "invalid_client", 50048, "Subject mismatches Issuer claim in the client assertion.")
        if claims.get("aud") not in audiences:
            raise OAuthError(
                401,
                "invalid_client",
                700023,
                f"Client assertion audience claim does not match Realm issuer {audiences}.",
            )
        _check_time(claims)
        self._check_first_use(str(claims.get("jti") or ""))

    def _check_first_use(self, identifier: str) -> None:
        with self._lock:
            if not identifier or identifier in self._seen:
                raise _refused("The client assertion has been used before, or has no 'jti'.")
            self._seen[identifier] = None
            if len(self._seen) > _KEPT:
                self._seen.popitem(last=False)


def _verify_foreign(assertion: str, claims: dict[str, Any], federations: list[Federation]) -> None:
    if not federations:
        raise OAuthError(
            401, "invalid_client", 70021, "No matching federated identity record found for presented assertion."
        )
    for number, claim, wanted in (
        (700211, "issuer", [(federation.issuer, claims.get("iss")) for federation in federations]),
        (700212, "audience", [(federation.audience, claims.get("aud")) for federation in federations]),
        (700213, "subject", [(federation.subject, claims.get("sub")) for federation in federations]),
    ):
        if not any(known == given for known, given in wanted):
            raise OAuthError(
                401,
                "invalid_client",
                number,
                f"No matching federated identity record found for presented assertion {claim} '{wanted[0][1]}'.",
            )
    matching = [
        federation
        for federation in federations
        if (federation.issuer, federation.audience, federation.subject)
        == (claims.get("iss"), claims.get("aud"), claims.get("sub"))
    ]
    if not matching:
        raise OAuthError(
            401, "invalid_client", 70021, "No matching federated identity record found for presented assertion."
        )
    _check_signature(assertion, matching[0].key_pem)
    _check_time(claims)


def _check_signature(assertion: str, key: Any) -> None:
    try:
        # Its times are checked elsewhere, with the platform's own tolerance.
        jwt.decode(
            assertion,
            key,
            algorithms=_ALGORITHMS,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
    except jwt.InvalidTokenError:
        raise _refused("Client assertion failed signature validation.") from None


def _check_time(claims: dict[str, Any]) -> None:
    now, ends = time.time(), claims.get("exp")
    begins = claims.get("nbf") or claims.get("iat") or now
    is_good = (
        isinstance(ends, int | float)
        and isinstance(begins, int | float)
        and begins - CLOCK_SKEW_SECONDS <= now < ends + CLOCK_SKEW_SECONDS
        and ends - begins <= LONGEST_SECONDS
    )
    if not is_good:
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise OAuthError(
            401,
            "invalid_client",
            700024,
            f"Client assertion is not within its valid time range. Current time: {stamp}, assertion valid from "
            f"{begins}, expiry time of assertion {ends}.",
        )


def _find(header: dict[str, Any], certificates: list[x509.Certificate]) -> x509.Certificate | None:
    for name, algorithm in (("x5t#S256", SHA256()), ("x5t", SHA1())):  # noqa: S303 - a name, no protection
        wanted = header.get(name)
        for certificate in certificates:
            print_ = base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()
            if isinstance(wanted, str) and wanted.rstrip("=") == print_:
                return certificate
    return None


def _load(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def _refused(reason: str) -> OAuthError:
    return OAuthError(401, "invalid_client", 700027, f"Client assertion failed signature validation. {reason}")
