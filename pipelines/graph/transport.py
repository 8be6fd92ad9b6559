"""The one HTTP session: certificates, time-outs, and nothing that leaks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from pipelines.clouds import CLOUDS

# Seconds to connect, and between two pieces of an answer.
TIMEOUT = (10.0, 120.0)
# What mends a certificate that is_untrusted; one part of a sentence.
UNTRUSTED_REMEDY = (
    "set M365_CA_BUNDLE to the file (PEM) with the root certificate of the proxy or virus scanner that inspects TLS "
    "here; whoever runs your network has it"
)
# The last two: a bundle that cannot be read.
_UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "NO_CERTIFICATE_OR_CRL_FOUND", "certificate bundle", "[X509]", "[PEM")


class _WithoutQueries(logging.Filter):
    """Debug logs name every address asked; behind the question mark of a download stands its key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                f"{argument.partition('?')[0]}?…" if isinstance(argument, str) and "?" in argument else argument
                for argument in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQueries())


class WriteRefusedError(requests.exceptions.RequestException):
    """Something other than a question was about to be sent to Graph by a session that only reads."""


class TlsSession(requests.Session):
    """A requests session whose own CA bundle wins over the machine's, and which only reads from Graph.

    requests lets ``REQUESTS_CA_BUNDLE`` and ``CURL_CA_BUNDLE`` override ``Session.verify``; a bundle set for
    this product must not be replaced silently. Proxies are still taken from the environment. Redirects are
    never followed: the caller decides, without the bearer token. Whatever is not GET or HEAD is refused on the
    way to Graph with WriteRefusedError; pipelines.graph.write alone has a session that lets it pass.

    graph_url: the address of Graph, where it is another than that of Microsoft's clouds.
    """

    def __init__(self, ca_bundle: Path | None = None, *, graph_url: str | None = None) -> None:
        super().__init__()
        self._graph_url = graph_url
        self.verify = str(ca_bundle) if ca_bundle else True
        # With an auth of its own, requests takes no login from a netrc file in place of the bearer token.
        self.auth = _as_it_is
        self.mount("https://", HTTPAdapter(pool_maxsize=8))
        self.headers["User-Agent"] = "m365-usage-warehouse"

    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: MutableMapping[str, str] | None,
        stream: bool | None,
        verify: bool | str | None,
        cert: str | tuple[str, str] | None,
    ) -> Any:
        """Give the session's own bundle the same rank as one named on the request."""
        if verify is None and self.verify is not True:
            verify = self.verify
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request, with time-outs, following no redirect; https only."""
        if not url.lower().startswith("https://"):
            raise requests.exceptions.InvalidURL("Only https addresses are asked.")
        options["timeout"] = options.get("timeout") or TIMEOUT
        options["allow_redirects"] = False
        try:
            return super().request(method, url, **options)
        except requests.exceptions.RequestException:
            raise
        except OSError as error:
            # A bundle that the environment names and that is not there.
            raise requests.exceptions.SSLError(str(error)) from None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send what is ready to be sent: every request passes here. Raises WriteRefusedError."""
        if not self._may_send(str(request.method).upper(), str(request.url)):
            raise WriteRefusedError(f"{request.method} to Graph is refused: this connection only reads.")
        return super().send(request, **options)

    def _may_send(self, method: str, url: str) -> bool:
        """Questions go anywhere; a POST not to Graph (sign-in, messages); anything else nowhere."""
        if method in ("GET", "HEAD"):
            return True
        return method == "POST" and not self._is_graph(url)

    def _is_graph(self, url: str) -> bool:
        if _origin(url) in _GRAPH_HOSTS:
            return True
        if self._graph_url is None or _origin(url) != _origin(self._graph_url):
            return False
        # Behind one proxy sign-in and Graph may share a name: then the version in the path tells them apart.
        root = urlsplit(self._graph_url).path
        return urlsplit(url).path.lower().startswith((f"{root}/v1.0".lower(), f"{root}/beta".lower()))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """No address at all: requests prepares the next request even where it may not send it."""
        return None

    def get_without_credentials(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """GET a pre-authenticated address, without the bearer token; the body is not read yet."""
        return self.get(url, headers=dict(headers or {}), stream=True)


def is_untrusted(error: requests.exceptions.RequestException) -> bool:
    """Whether the other side's certificate was not accepted; a handshake that broke off is no such case."""
    return isinstance(error, requests.exceptions.SSLError) and any(reason in str(error) for reason in _UNTRUSTED)


def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower().rstrip("."), parts.port or 443


_GRAPH_HOSTS = frozenset(_origin(cloud.graph_url) for cloud in CLOUDS.values())


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
