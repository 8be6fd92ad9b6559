"""Checks of the way to Microsoft: cloud, addresses, TLS, clock, sign-in."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import requests

from pipelines.check.probe import Probe
from pipelines.check.results import CheckResult, failed, ok, warning
from pipelines.clouds import CLOUDS
from pipelines.graph.advice import unknown_tenant
from pipelines.graph.claims import claims_of
from pipelines.graph.errors import GraphError, SignInError
from pipelines.graph.transport import UNTRUSTED_REMEDY, is_untrusted
from pipelines.settings import SettingsError
from pipelines.sign_in import ManagedIdentity

CLOUD, SERVICE, GRAPH, CLOCK, SIGN_IN = "cloud", "sign-in service", "Microsoft Graph", "clock", "sign-in"
# Entra accepts about five minutes of difference in what a client signs.
WRONG_SECONDS = 300.0
DOUBTFUL_SECONDS = 60.0
_NETWORK = "Check the network, the proxy (HTTPS_PROXY) and the firewall of this machine: it must reach {host} by https."


def check_cloud(probe: Probe) -> CheckResult:
    """Which cloud, and what it lacks."""
    cloud = probe.tenant.cloud
    if cloud.has_usage_reports:
        return ok(CLOUD, f"{cloud.name}: usage reports, people and licences.")
    return warning(
        CLOUD, f"{cloud.name}: {cloud.gap}", "There is nothing to mend: Microsoft does not offer them there."
    )


def check_service(probe: Probe) -> CheckResult:
    """Whether the sign-in service can be reached, is trusted and knows the tenant."""
    tenant = probe.tenant
    if isinstance(tenant.sign_in, ManagedIdentity):
        return ok(SERVICE, "Not asked: a managed identity gets its token from this machine.")
    url = tenant.authority_url
    try:
        response = probe.reach(f"{url}/{tenant.tenant_id}/v2.0/.well-known/openid-configuration")
    except requests.exceptions.RequestException as error:
        return _unreachable(SERVICE, url, error)
    if response.status_code == 429 or response.status_code >= 500:
        return failed(SERVICE, f"{url} does not work at the moment (HTTP {response.status_code}).", "Try again later.")
    described = _json_of(response)
    answer = json.dumps(described)
    if response.status_code == 400 and ("invalid_tenant" in answer or "AADSTS90002" in answer or "900023" in answer):
        advice = unknown_tenant(tenant)
        return failed(SERVICE, f"{url} answers over TLS, but: {advice.problem}.", as_sentence(advice.remedy))
    if response.status_code != 200 or "token_endpoint" not in described:
        return failed(
            SERVICE,
            f"{url} answers over TLS, but not as a sign-in service (HTTP {response.status_code}).",
            f"Check {tenant.setting('authority_url')} and {tenant.setting('tenant_id')}; a proxy may have answered in "
            "its place.",
        )
    other = _cloud_of(str(described.get("msgraph_host") or ""))
    if other and other != tenant.cloud.name and urlsplit(tenant.graph_url).hostname in _graph_hosts():
        return failed(
            SERVICE,
            f"{url} answers, but the tenant is in another Microsoft cloud: {other}.",
            f"Set {tenant.setting('cloud')} to {other}.",
        )
    return ok(SERVICE, f"{url} answers over TLS and knows the tenant.")


def check_graph(probe: Probe) -> CheckResult:
    """Whether Graph can be reached and is trusted; asked without a token, which it refuses."""
    url = probe.tenant.graph_url
    try:
        response = probe.reach(f"{url}/v1.0/organization")
    except requests.exceptions.RequestException as error:
        return _unreachable(GRAPH, url, error)
    if response.status_code == 429 or response.status_code >= 500:
        return failed(GRAPH, f"{url} does not work at the moment (HTTP {response.status_code}).", "Try again later.")
    if response.status_code != 401:
        return warning(
            GRAPH,
            f"{url} answers over TLS, but not as Graph does (HTTP {response.status_code}).",
            f"Check {probe.tenant.setting('graph_url')}; a proxy may have answered in its place.",
        )
    return ok(GRAPH, f"{url} answers over TLS.")


def check_clock(probe: Probe) -> CheckResult:
    """How far this machine's clock is from Microsoft's."""
    if probe.skew is None:
        return warning(CLOCK, "No answer of Microsoft's told the time, so the clock could not be compared.")
    seconds = abs(probe.skew)
    if seconds < DOUBTFUL_SECONDS:
        return ok(CLOCK, "This machine's clock agrees with Microsoft's.")
    amount = f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:,.0f} min"
    message = f"This machine's clock is {amount} {'ahead of' if probe.skew > 0 else 'behind'} Microsoft's."
    remedy = "Let the clock be set by NTP: sign-in and the day that a report is of depend on it."
    return failed(CLOCK, message, remedy) if seconds >= WRONG_SECONDS else warning(CLOCK, message, remedy)


def check_sign_in(probe: Probe) -> CheckResult:
    """Whether a token is issued."""
    how = probe.tenant.sign_in.words
    try:
        token = probe.client.tokens.token()
    except SignInError as error:
        return failed(SIGN_IN, told(error), as_sentence(error.remedy))
    except GraphError as error:
        return failed(SIGN_IN, error.message, "Try again later.")
    except SettingsError as error:
        return failed(
            SIGN_IN,
            str(error),
            f"Mend that, or choose another way to sign in ({probe.tenant.setting('auth')}, docs/setup.md).",
        )
    probe.claims = claims_of(token)
    expires = probe.claims.get("exp")
    minutes = f", good for {(expires - probe.clock()) / 60:.0f} min" if isinstance(expires, int | float) else ""
    who = "a signed-in account" if probe.tenant.sign_in.is_delegated else "the app"
    return ok(SIGN_IN, f"A token was issued to {who} by {how}{minutes}.")


def _unreachable(name: str, url: str, error: requests.exceptions.RequestException) -> CheckResult:
    if is_untrusted(error):
        return failed(name, f"The certificate of {url} is not trusted here.", as_sentence(f"{UNTRUSTED_REMEDY}."))
    kind = "cannot be reached"
    if isinstance(error, requests.exceptions.ProxyError):
        kind = "cannot be reached through the proxy"
    elif isinstance(error, requests.exceptions.Timeout):
        kind = "does not answer in time"
    elif isinstance(error, requests.exceptions.SSLError):
        kind = "breaks off the TLS handshake"
    elif "NameResolutionError" in str(error):
        kind = "cannot be found: its name does not resolve"
    return failed(name, f"{url} {kind} ({type(error).__name__}).", _NETWORK.format(host=urlsplit(url).hostname))


def told(error: SignInError) -> str:
    """What is wrong, without the way to mend it, which is told on a line of its own."""
    code = f" ({error.code})" if error.code else ""
    return f"{(error.problem or error.message).rstrip('.')}{code}."


def as_sentence(text: str | None) -> str | None:
    """The way to mend something, as a sentence of its own."""
    return text[:1].upper() + text[1:] if text else None


def _json_of(response: requests.Response) -> dict[str, object]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _graph_hosts() -> dict[str, str]:
    return {str(urlsplit(cloud.graph_url).hostname): cloud.name for cloud in CLOUDS.values()}


def _cloud_of(host: str) -> str | None:
    return _graph_hosts().get(host)
