"""A certificate authority of its own and a certificate for loopback."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

CA_FILE = "ca.pem"
NAMES = ("localhost", "127.0.0.1")


def make_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server context for loopback, and the CA certificate that a client must trust, as PEM in the folder.

    The server's private key touches the folder only while it is loaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Simulated Microsoft 365 tenant")
    leaf = authority.issue_cert(*NAMES)
    bundle = folder / CA_FILE
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with leaf.private_key_and_cert_chain_pem.tempfile(dir=str(folder)) as key_and_chain:
        context.load_cert_chain(key_and_chain)
    return context, bundle
