"""Helpers: certificates, foreign tokens, and an account that enters its code."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from pipelines.simulator import SimulatorServer
from pipelines.simulator.sign_ins import Federation, SignIns

ISSUER = "https://tokens.example/cluster"
SUBJECT = "system:serviceaccount:usage:warehouse"


def sign_ins(server: SimulatorServer) -> SignIns:
    return server.service.identity.sign_ins


class KeyPair:
    """A private key and a certificate of its own for it."""

    def __init__(self, days: int = 30) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "usage warehouse")])
        now = datetime.now(timezone.utc)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .sign(self.key, hashes.SHA256())
        )

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def key_pem(self, passphrase: str | None = None) -> str:
        encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()

    def pfx(self, passphrase: str | None = None, others: list[x509.Certificate] | None = None) -> bytes:
        encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"usage", self.key, self.certificate, others, encryption)

    @property
    def public_pem(self) -> str:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def foreign_token(self, **changes: Any) -> str:
        """What a platform such as Kubernetes puts into the token file."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": SUBJECT,
            "aud": "api://AzureADTokenExchange",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            **changes,
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "cluster"})

    @property
    def federation(self) -> Federation:
        return Federation(ISSUER, SUBJECT, self.public_pem)


class Person:
    """Somebody who reads the code and enters it at the page, in a thread of its own."""

    def __init__(self, ca_bundle: Path, enter: Callable[[str], str] = lambda code: code) -> None:
        self.shown: list[str] = []
        self._ca_bundle = ca_bundle
        self._enter = enter

    def __call__(self, message: str) -> None:
        self.shown.append(message)
        found = re.search(r"open the page (\S+) and enter the code (\w+)", message)
        assert found
        page, code = found.groups()
        threading.Thread(target=self._sign_in, args=(page, self._enter(code)), daemon=True).start()

    def _sign_in(self, page: str, code: str) -> None:
        requests.post(page, data={"code": code}, verify=str(self._ca_bundle), timeout=10)
