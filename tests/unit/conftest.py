"""Shared by the unit tests: a quiet environment, deterministic hypothesis, temporary warehouses."""

from __future__ import annotations

import os

import hypothesis
import pytest

# The same cases on every run, and no folder of examples left in the working copy.
hypothesis.settings.register_profile("unit", max_examples=150, deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("unit")

_TLS_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting, certificate bundle, proxy or netrc of the machine reaches a test; no .env is found."""
    for name in list(os.environ):
        if name.startswith("M365_") or name in _TLS_VARIABLES or name.lower() in _PROXY_VARIABLES:
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
