"""The connection test against a tenant over TLS: everything that can be wrong, told with the way to mend it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.check import reports
from pipelines.check.connection import check_service
from pipelines.check.machine import check_disk, check_folder
from pipelines.check.probe import open_probe
from pipelines.check.results import CheckReport, CheckResult, State, TenantReport
from pipelines.check.run import CHECKS, check_all
from pipelines.clouds import CLOUDS
from pipelines.graph.budget import RequestBudget
from pipelines.graph.login import log_in
from pipelines.graph.transport import TlsSession
from pipelines.settings import Settings, TenantSettings
from pipelines.sign_in import ClientSecret, DeviceCode, ManagedIdentity, Secret
from pipelines.simulator import READ_PERMISSIONS, Limits, Rule
from pipelines.simulator import sign_ins as simulated
from tests.integration.conftest import Rig, tenant

CANARY = "CANARY~Secret.Value-0815"
GRAPH_CHECKS = {check.name for check in CHECKS if "sign-in" in check.needs} | {"names in reports"}
DAY = "2026-10-25"


@pytest.fixture(scope="module")
def _rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig(tenant(users=40), limits=Limits.generous())


@pytest.fixture
def rig(_rig: Rig, tmp_path: Path) -> Iterator[Rig]:
    """The server as new, with a data folder of its own."""
    company = _rig.server.tenant
    _rig.server.faults.clear()
    _rig.server.requests.clear()
    yield Rig(_rig.server, tmp_path / "data")
    _rig.server.faults.clear()
    _rig.server.service.identity.sign_ins.clear()
    _rig.server.tenant = company


def own_tenant(rig: Rig, **changes: Any) -> TenantSettings:
    return replace(rig.tenant_settings(rig.server.tenant), **changes)


def with_secret(rig: Rig, text: str) -> TenantSettings:
    return own_tenant(rig, sign_in=ClientSecret(Secret("M365_CLIENT_SECRET", value=SecretStr(text))))


def check(rig: Rig, target: TenantSettings | None = None, **options: Any) -> CheckReport:
    settings = options.pop("settings", None) or rig.settings
    report = check_all(settings, [target or own_tenant(rig)], **options)
    shown = json.dumps(report.to_json())
    assert rig.server.tenant.spec.client_secret not in shown
    assert not re.search(r"eyJ[\w-]+\.", shown), "no token is shown"
    assert rig.server.tenant.spec.domain not in shown.replace("tenant_id", ""), "nobody is named"
    return report


def find(report: CheckReport, name: str) -> CheckResult:
    (result,) = [result for result in report.results if result.name == name]
    return result


def states(report: CheckReport) -> dict[str, str]:
    return {result.name: result.state.value for result in report.results}


def not_ok(report: CheckReport) -> dict[str, str]:
    return {name: state for name, state in states(report).items() if state != "ok"}


def grant(rig: Rig, *permissions: str) -> None:
    rig.server.tenant = rig.server.tenant.replaced(permissions=frozenset(permissions))


# --- all is well --------------------------------------------------------------------------------------------


def test_everything_works(rig: Rig) -> None:
    report = check(rig)
    assert not_ok(report) == {}
    assert (report.state, report.exit_code) == (State.OK, 0)
    assert list(states(report)) == [
        "settings", "data folder", "disk",
        "cloud", "sign-in service", "Microsoft Graph", "clock", "sign-in", "Entra roles",
        "other roles", "report settings", "usage reports", "names in reports", "people", "deleted people",
        "last sign-in", "licences", "Teams Exploratory", "subscriptions", "organisation", "reads only", "level",
    ]  # fmt: skip
    assert re.fullmatch(
        r"A token was issued to the app by client secret, good for \d\d min\.", find(report, "sign-in").message
    )
    assert find(report, "usage reports").message.startswith(f"One day of use per person was read ({DAY}, ")
    assert "Names are shown" in find(report, "report settings").message


def test_one_report_request_is_sent_and_counted(rig: Rig) -> None:
    check(rig)
    asked = [record.path for record in rig.server.requests if "/reports/" in record.path]
    assert asked == [f"/v1.0/reports/getM365AppUserDetail(date={DAY})"]

    def wait(seconds: float, report: str) -> None:
        raise TimeoutError(f"{report}: {seconds}")

    spec = rig.server.tenant.spec
    budget = RequestBudget(rig.data_dir / "throttle-budget.sqlite", per_app=1, window_seconds=600, on_wait=wait)
    with pytest.raises(TimeoutError):
        # The check's own request is in the count that a sync looks at.
        budget.acquire(spec.tenant_id, spec.client_id, "getM365AppUserDetail")
    budget.close()


def test_requests_are_cheap(rig: Rig) -> None:
    check(rig)
    people = [record.query for record in rig.server.requests if record.path.endswith("/users")]
    assert people
    assert all("%24top=1" in query for query in people)
    assert len(rig.server.requests) <= 16


def test_the_roles_that_others_ask_for_are_answered(rig: Rig) -> None:
    message = find(check(rig), "other roles").message
    for role in ("Application Administrator", "Global Reader", "Teams Administrator"):
        assert role in message


# --- permissions, feature by feature ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "changed"),
    [
        ("Reports.Read.All", {"usage reports": "failed"}),
        ("ReportSettings.Read.All", {"report settings": "warning"}),
        ("User.Read.All", {"people": "failed", "deleted people": "warning", "last sign-in": "skipped"}),
        ("AuditLog.Read.All", {"last sign-in": "warning"}),
        ("LicenseAssignment.Read.All", {}),
    ],
)
def test_a_missing_permission_is_named_with_the_feature_it_switches_off(
    rig: Rig, missing: str, changed: dict[str, str]
) -> None:
    grant(rig, *READ_PERMISSIONS - {missing})
    report = check(rig)
    found = not_ok(report)
    found.pop("names in reports", None)
    assert found == changed
    assert report.exit_code == (1 if "failed" in changed.values() else 0)
    for name in (name for name, state in changed.items() if state != "skipped"):
        result = find(report, name)
        assert result.message.startswith("Refused: ")
        assert "Without it, " in result.message
        assert "Entra admin centre > App registrations > your app > API permissions" in str(result.remedy)
        assert "Application permissions), then press 'Grant admin consent' there." in str(result.remedy)
    if changed:
        assert any(missing in str(find(report, name).remedy) for name in changed)


def test_organisation_and_subscriptions_without_their_permission(rig: Rig) -> None:
    grant(rig, *READ_PERMISSIONS - {"Organization.Read.All"})
    report = check(rig)
    assert not_ok(report) == {"subscriptions": "warning", "organisation": "warning"}
    grant(rig, *READ_PERMISSIONS - {"Organization.Read.All", "LicenseAssignment.Read.All"})
    assert find(check(rig), "licences").state is State.FAILED


def test_one_broad_permission_covers_the_directory(rig: Rig) -> None:
    grant(rig, "Directory.Read.All", "Reports.Read.All", "ReportSettings.Read.All", "AuditLog.Read.All")
    assert not_ok(check(rig)) == {}


def test_basic_profiles_are_not_enough(rig: Rig) -> None:
    grant(rig, *READ_PERMISSIONS - {"User.Read.All"}, "User.ReadBasic.All")
    result = find(check(rig), "people")
    assert result.state is State.FAILED
    assert result.message.startswith("Only basic profiles can be read (User.ReadBasic.All)")


def test_no_permission_at_all(rig: Rig) -> None:
    grant(rig)
    found = states(check(rig))
    assert found["sign-in"] == "ok"
    assert [name for name, state in found.items() if state == "failed"] == ["usage reports", "people", "licences"]


def test_a_permission_that_the_token_carries_but_that_is_refused(rig: Rig) -> None:
    rig.server.faults.add(Rule("subscribedSkus", times=None, status=403, code="Authorization_RequestDenied"))
    result = find(check(rig), "licences")
    assert result.state is State.FAILED
    assert result.message.startswith("Refused: although the token carries LicenseAssignment.Read.All. Without it, ")
    assert str(result.remedy).startswith("Consent takes some minutes to reach everything.")


def test_an_error_that_is_no_permission_names_the_request(rig: Rig) -> None:
    rig.server.faults.add(Rule("organization", method="GET", times=None, skip=1, status=501, code="notImplemented"))
    result = find(check(rig), "organisation")
    assert result.state is State.WARNING
    assert "HTTP 501, notImplemented" in result.message
    assert "request-id" in result.message


def test_a_managed_identity_is_granted_permissions_in_another_way(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{rig.server.authority_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    spec = rig.server.tenant.spec
    machine = simulated.MachineIdentity(spec.tenant_id, "header", permissions=READ_PERMISSIONS - {"Reports.Read.All"})
    rig.server.service.identity.sign_ins.assign_machine(machine)
    report = check(rig, own_tenant(rig, sign_in=ManagedIdentity("M365_AUTH")))
    assert find(report, "sign-in service").message.startswith("Not asked: a managed identity")
    remedy = str(find(report, "usage reports").remedy)
    assert "New-MgServicePrincipalAppRoleAssignment" in remedy
    assert "up to a day" in remedy


# --- sign-in ------------------------------------------------------------------------------------------------


def assert_all_else_skipped(report: CheckReport, because: str) -> None:
    skipped = {result.name: result.message for result in report.results if result.state is State.SKIPPED}
    assert skipped
    assert set(skipped.values()) == {f"Not checked, as '{because}' did not work."}
    assert set(skipped) >= GRAPH_CHECKS - {"names in reports", "sign-in"}
    assert report.exit_code == 1


def test_a_wrong_secret(rig: Rig) -> None:
    report = check(rig, with_secret(rig, CANARY))
    result = find(report, "sign-in")
    assert (result.state, result.message) == (State.FAILED, "The client secret is wrong (AADSTS7000215).")
    assert str(result.remedy).startswith(
        "Make a new one (Entra admin centre > App registrations > your app > Certificates"
    )
    assert "M365_CLIENT_SECRET" in str(result.remedy)
    assert CANARY not in json.dumps(report.to_json())
    assert_all_else_skipped(report, "sign-in")


def test_an_expired_secret(rig: Rig) -> None:
    rig.server.tenant = rig.server.tenant.replaced(is_secret_expired=True)
    result = find(check(rig), "sign-in")
    assert result.message == "The client secret has expired (AADSTS7000222)."
    assert str(result.remedy).startswith("Make a new one (Entra admin centre > ")


def test_an_app_that_is_not_in_the_tenant(rig: Rig) -> None:
    result = find(check(rig, own_tenant(rig, client_id="00000000-0000-4000-8000-000000000000")), "sign-in")
    assert result.message == "The app is not in this tenant (AADSTS700016)."
    assert "M365_CLIENT_ID" in str(result.remedy)


def test_an_unknown_tenant(rig: Rig) -> None:
    report = check(rig, own_tenant(rig, tenant_id="11111111-2222-4333-8444-555555555555"))
    result = find(report, "sign-in service")
    assert result.state is State.FAILED
    assert result.message.endswith("answers over TLS, but: There is no such tenant.")
    assert str(result.remedy).startswith("Compare M365_TENANT_ID with Entra admin centre > Overview: Tenant ID")
    assert find(report, "sign-in").state is State.SKIPPED


def test_a_secret_that_is_not_where_the_settings_say(rig: Rig) -> None:
    target = own_tenant(
        rig, sign_in=ClientSecret(Secret("client_secret_env of A in tenants.toml", variable="NO_SUCH_VARIABLE_HERE")),
        place="A in tenants.toml",
    )  # fmt: skip
    result = find(check(rig, target), "sign-in")
    assert result.state is State.FAILED
    assert "the environment variable NO_SUCH_VARIABLE_HERE is not set" in result.message
    assert "auth of A in tenants.toml" in str(result.remedy)


def test_an_app_that_is_disabled_while_it_is_checked(rig: Rig) -> None:
    """The token is dropped after a refusal, and the next one is not given: told once, no stack trace."""
    grant(rig, *READ_PERMISSIONS - {"ReportSettings.Read.All", "User.Read.All"})
    content = {"error": "unauthorized_client", "error_codes": [7000112], "error_description": "AADSTS7000112: x"}
    rig.server.faults.add(Rule("oauth2/v2.0/token", times=None, skip=1, status=400, content=content))
    report = check(rig)
    result = find(report, "report settings")
    assert result.state is State.FAILED
    assert result.message.startswith("Signing in once more did not work: The app is disabled in this tenant")
    assert str(result.remedy).startswith("Enable it (Entra admin centre > Enterprise applications > your app")
    assert [name for name, state in states(report).items() if state == "failed"] == ["report settings"]
    assert find(report, "people").message == "Not checked, as signing in once more did not work."


# --- the way there ------------------------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_sign_in_service_that_cannot_be_reached(rig: Rig, closed_port: int) -> None:
    url = f"https://localhost:{closed_port}"
    report = check(rig, own_tenant(rig, authority_url=url))
    result = find(report, "sign-in service")
    assert result.message == f"{url} cannot be reached (ConnectionError)."
    assert "HTTPS_PROXY" in str(result.remedy)
    assert "localhost" in str(result.remedy)
    assert find(report, "Microsoft Graph").state is State.OK
    assert find(report, "people").state is State.SKIPPED


def test_a_name_that_does_not_resolve(rig: Rig) -> None:
    result = find(check(rig, own_tenant(rig, authority_url="https://login.invalid")), "sign-in service")
    assert result.message.startswith("https://login.invalid cannot be found: its name does not resolve")


def test_a_certificate_that_is_not_trusted(rig: Rig) -> None:
    untrusting = rig.settings.model_copy(update={"ca_bundle": None})
    report = check(rig, settings=untrusting)
    for name in ("sign-in service", "Microsoft Graph"):
        result = find(report, name)
        assert result.state is State.FAILED
        assert result.message == f"The certificate of {rig.server.graph_url} is not trusted here."
        assert "M365_CA_BUNDLE" in str(result.remedy)
    assert find(report, "clock").state is State.WARNING


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 503, "body": b"busy"}, "does not work at the moment (HTTP 503)"),
        ({"status": 429, "body": b"busy"}, "does not work at the moment (HTTP 429)"),
        ({"status": 200, "body": b"<html>proxy</html>"}, "but not as a sign-in service (HTTP 200)"),
        ({"status": 407, "body": b""}, "but not as a sign-in service (HTTP 407)"),
    ],
)
def test_a_sign_in_service_that_does_not_work(rig: Rig, fault: dict[str, Any], words: str) -> None:
    rig.server.faults.add(Rule("openid-configuration", times=None, **fault))
    report = check(rig)
    assert words in find(report, "sign-in service").message
    assert find(report, "sign-in").state is State.SKIPPED


def test_a_tenant_of_another_cloud(rig: Rig) -> None:
    """Discovery in one cloud tells of tenants in another."""

    def elsewhere(body: bytes) -> bytes:
        return json.dumps({**json.loads(body), "msgraph_host": "graph.microsoft.us"}).encode()

    rig.server.faults.add(Rule("openid-configuration", times=None, transform=elsewhere))
    target = own_tenant(rig, graph_url="https://graph.microsoft.com")
    result = find(check_service_only(rig, target), "sign-in service")
    assert result.message.endswith("answers, but the tenant is in another Microsoft cloud: gcc-high.")
    assert result.remedy == "Set M365_CLOUD to gcc-high."


def check_service_only(rig: Rig, target: TenantSettings) -> CheckReport:
    """The check of the sign-in service alone: the real Graph must not be asked."""
    with open_probe(rig.settings, target, can_write=True) as probe:
        found = check_service(probe)
    return CheckReport(datetime.now(timezone.utc), (), (TenantReport("", None, "", "", (found,)),))


@pytest.mark.parametrize(
    ("fault", "state", "words"),
    [
        ({"status": 503, "body": b""}, State.FAILED, "does not work at the moment (HTTP 503)"),
        ({"status": 200, "body": b"<html>"}, State.WARNING, "but not as Graph does (HTTP 200)"),
    ],
)
def test_a_graph_that_does_not_work(rig: Rig, fault: dict[str, Any], state: State, words: str) -> None:
    rig.server.faults.add(Rule("/v1.0/organization", times=1, **fault))
    report = check(rig)
    assert find(report, "Microsoft Graph").state is state
    assert words in find(report, "Microsoft Graph").message
    assert find(report, "people").state is (State.SKIPPED if state is State.FAILED else State.OK)


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [
        (20, State.OK, "agrees with Microsoft's"),
        (-20, State.OK, "agrees with Microsoft's"),
        (120, State.WARNING, "120 s behind Microsoft's"),
        (-120, State.WARNING, "120 s ahead of Microsoft's"),
        (3600, State.FAILED, "60 min behind Microsoft's"),
        (-86400, State.FAILED, "1,440 min ahead of Microsoft's"),
    ],
)
def test_the_clock_is_compared_with_the_answers_date(rig: Rig, seconds: int, state: State, words: str) -> None:
    there = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    rig.server.faults.add(Rule("/", times=None, headers={"Date": format_datetime(there, usegmt=True)}))
    result = find(check(rig), "clock")
    assert result.state is state
    assert re.sub(r"\b1(19|21) s", "120 s", result.message).count(words) == 1
    assert (result.remedy is None) is (state is State.OK)


def test_a_wrong_clock_of_this_machine(rig: Rig) -> None:
    result = find(check(rig, clock=lambda: time.time() + 900), "clock")
    assert (result.state, result.message) == (State.FAILED, "This machine's clock is 15 min ahead of Microsoft's.")
    assert "NTP" in str(result.remedy)


# --- reports ------------------------------------------------------------------------------------------------


def test_concealed_names_say_which_setting_to_change_where(rig: Rig) -> None:
    rig.server.tenant = rig.server.tenant.replaced(is_concealed=True)
    report = check(rig)
    assert not_ok(report) == {"report settings": "warning", "names in reports": "warning"}
    assert report.exit_code == 0
    for name in ("report settings", "names in reports"):
        assert str(find(report, name).remedy).startswith(
            "Microsoft 365 admin centre > Settings > Org settings > Services > Reports: clear 'Display concealed"
        )
    assert rig.server.tenant.spec.is_concealed, "nothing is switched on the tenant's behalf"


def test_concealed_names_are_told_from_the_report_when_the_setting_may_not_be_read(rig: Rig) -> None:
    rig.server.tenant = rig.server.tenant.replaced(is_concealed=True)
    grant(rig, *READ_PERMISSIONS - {"ReportSettings.Read.All"})
    assert find(check(rig), "names in reports").message == "The report names people by codes of 32 characters."


@pytest.mark.parametrize(("setting", "words"), [(b"true", "still shows names"), (b"false", "conceals names")])
def test_a_setting_that_was_changed_a_moment_ago(rig: Rig, setting: bytes, words: str) -> None:
    rig.server.tenant = rig.server.tenant.replaced(is_concealed=setting == b"false")
    body = b'{"displayConcealedNames":' + setting + b"}"
    rig.server.faults.add(Rule("reportSettings", times=None, status=200, body=body))
    result = find(check(rig), "names in reports")
    assert result.state is State.WARNING
    assert words in result.message


def test_a_report_with_its_header_only(rig: Rig) -> None:
    rig.server.faults.add(Rule("/data/", times=None, transform=lambda body: body.split(b"\n")[0] + b"\n"))
    result = find(check(rig), "usage reports")
    assert result.state is State.WARNING
    assert result.message == f"The report of {DAY} was answered without a single row."


def test_a_report_that_is_a_web_page(rig: Rig) -> None:
    rig.server.faults.add(Rule("/data/", times=None, status=200, body=b"<html>\nSign in to the proxy\n</html>\n"))
    result = find(check(rig), "usage reports")
    assert result.state is State.FAILED
    assert "it lacks User Principal Name, Outlook, Word and others" in result.message


def test_a_report_from_a_strange_host(rig: Rig) -> None:
    location = {"Location": f"https://reports.elsewhere.example/data?token={CANARY}"}
    rig.server.faults.add(Rule("/reports/", times=None, status=302, body=b"", headers=location))
    report = check(rig)
    result = find(report, "usage reports")
    assert result.state is State.FAILED
    assert "https://reports.elsewhere.example, which is not an accepted download host" in result.message
    # The setting replaces the hosts accepted so far, so these are part of what is to be set.
    hosts = f"{','.join(rig.settings.download_hosts)},reports.elsewhere.example"
    assert result.remedy == f"If it belongs to Microsoft, set M365_DOWNLOAD_HOSTS={hosts}."
    assert CANARY not in json.dumps(report.to_json())


def test_a_download_that_is_held_back_names_the_addresses_to_allow(rig: Rig) -> None:
    """A firewall that lets Graph through and not the downloads, as it happens."""
    rig.server.faults.add(Rule("/data/", times=None, change=lambda reply: replace(reply, is_reset=True)))
    result = find(check(rig), "usage reports")
    assert result.state is State.FAILED
    assert result.message.startswith("127.0.0.1 cannot be reached or broke off")
    assert "firewall" in str(result.remedy)
    assert "docs/setup.md lists the addresses to allow" in str(result.remedy)


def test_a_day_that_is_not_served(rig: Rig) -> None:
    rig.server.tenant = rig.server.tenant.replaced(newest_age_days=10)
    result = find(check(rig), "usage reports")
    assert result.state is State.WARNING
    assert result.message.startswith(f"Microsoft does not serve {DAY}: ")


def test_a_used_up_limit_is_not_waited_for(rig: Rig) -> None:
    spec = rig.server.tenant.spec
    settings = rig.settings.model_copy(update={"throttle_window_seconds": 600.0})
    budget = RequestBudget(rig.data_dir / "throttle-budget.sqlite", window_seconds=600)
    for _ in range(14):
        budget.acquire(spec.tenant_id, spec.client_id, "getM365AppUserDetail")
    budget.close()
    begun = time.monotonic()
    report = check(rig, settings=settings)
    assert time.monotonic() - begun < 20
    result = find(report, "usage reports")
    assert result.state is State.SKIPPED
    assert "limit of report requests is used up for 6" in result.message
    assert report.exit_code == 0
    assert not rig.server.requests.to("/reports/")


def test_of_a_large_report_the_beginning_is_enough(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "ENOUGH_BYTES", 2000)
    result = find(check(rig), "usage reports")
    assert result.state is State.OK
    assert re.search(r"the first \d+ rows", result.message)


def test_a_throttled_service_is_not_waited_for_long(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("pipelines.check.probe.time.sleep", naps.append)
    rig.server.faults.add(Rule("/reports/", times=None, status=429, headers={"Retry-After": "300"}))
    result = find(check(rig), "usage reports")
    assert result.state is State.FAILED
    assert naps == [5.0]
    assert str(result.remedy).startswith("There is nothing to mend: Microsoft limits how often")


# --- tenant -------------------------------------------------------------------------------------------------


def test_sign_in_activity_needs_entra_id_p1(rig: Rig) -> None:
    rig.server.tenant = rig.server.tenant.replaced(has_premium=False)
    report = check(rig)
    assert not_ok(report) == {"last sign-in": "warning"}
    assert "no Microsoft Entra ID P1 or P2" in find(report, "last sign-in").message
    assert report.exit_code == 0


def _without_exploratory(body: bytes) -> bytes:
    content = json.loads(body)
    content["value"] = [sku for sku in content["value"] if sku["skuPartNumber"] != "TEAMS_EXPLORATORY"]
    return json.dumps(content).encode()


def test_teams_exploratory_is_information_only(rig: Rig) -> None:
    there = find(check(rig), "Teams Exploratory")
    assert re.fullmatch(r"The tenant has it, \d+ assigned\. It is not needed here\.", there.message)
    rig.server.faults.add(Rule("subscribedSkus", times=None, transform=_without_exploratory))
    gone = find(check(rig), "Teams Exploratory")
    assert gone.state is State.OK
    assert gone.message == "The tenant has no such licence. It is not needed here, though others may ask for it."


def test_a_tenant_without_any_product_or_anybody(rig: Rig) -> None:
    for path in ("subscribedSkus", "/users"):
        rig.server.faults.add(Rule(path, times=None, status=200, body=b'{"value":[]}'))
    report = check(rig)
    assert find(report, "licences").message == "The tenant has no product at all."
    assert find(report, "people").message == "The directory names nobody."


@pytest.mark.parametrize("cloud", ["gcc-high", "dod", "china"])
def test_a_cloud_without_usage_reports(rig: Rig, cloud: str) -> None:
    report = check(rig, own_tenant(rig, cloud=CLOUDS[cloud]))
    gap = "Microsoft offers no v1.0 usage reports in this cloud; people and licences are still synced."
    assert find(report, "cloud").message == f"{cloud}: {gap}"
    for name in ("Entra roles", "report settings", "usage reports"):
        assert (find(report, name).state, find(report, name).message) == (State.SKIPPED, f"Not asked: {gap}")
    for name in ("people", "licences", "subscriptions"):
        assert find(report, name).state is State.OK
    assert report.exit_code == 0
    assert not rig.server.requests.to("/reports/")
    assert not rig.server.requests.to("/admin/")


# --- a signed-in account ------------------------------------------------------------------------------------


class _Person:
    """Enters the code at the simulated page."""

    def __init__(self, rig: Rig) -> None:
        self._devices = rig.server.service.identity.devices

    def __call__(self, message: str) -> None:
        self._devices.answer(message.partition("enter the code ")[2].split()[0])


def account(rig: Rig, *roles: str, **facts: Any) -> TenantSettings:
    spec = rig.server.tenant.spec
    known = simulated.ServiceAccount(roles=frozenset(roles), **facts)
    rig.server.service.identity.sign_ins.set_account(spec.tenant_id, known)
    target = own_tenant(rig, sign_in=DeviceCode(rig.data_dir / "sign-in" / "a.json", "M365_AUTH"))
    with TlsSession(rig.server.ca_bundle) as session:
        log_in(target, session, _Person(rig))
    return target


def test_a_reports_reader_is_enough(rig: Rig) -> None:
    report = check(rig, account(rig, simulated.REPORTS_READER))
    assert not_ok(report) == {}
    assert "is a Reports Reader: enough for every report." in find(report, "Entra roles").message
    assert "to a signed-in account by device code of a service account" in find(report, "sign-in").message


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (simulated.GLOBAL_READER, "Global Reader"),
        (simulated.USAGE_SUMMARY_REPORTS_READER, "Usage Summary Reports Reader"),
    ],
)
def test_a_role_that_opens_no_report_about_people(rig: Rig, role: str, name: str) -> None:
    report = check(rig, account(rig, role))
    result = find(report, "Entra roles")
    assert result.state is State.FAILED
    assert f"is {name}: that opens figures of the whole tenant, no report about people." in result.message
    assert "Entra admin centre > Roles & admins > Reports Reader > Add assignments" in str(result.remedy)
    refused = find(report, "usage reports")
    assert refused.state is State.FAILED
    assert "the account lacks a role" in str(refused.remedy)


def test_no_role_or_one_for_something_else(rig: Rig) -> None:
    assert "has no role that opens usage reports." in find(check(rig, account(rig)), "Entra roles").message
    result = find(check(rig, account(rig, simulated.APPLICATION_ADMINISTRATOR)), "Entra roles")
    assert result.state in (State.FAILED,)
    assert "no role that opens usage reports (Application Administrator does not)." in result.message


def test_more_than_is_needed(rig: Rig) -> None:
    result = find(check(rig, account(rig, simulated.GLOBAL_ADMINISTRATOR)), "Entra roles")
    assert result.state is State.WARNING
    assert "as Global Administrator: more than is needed." in result.message
    both = find(check(rig, account(rig, simulated.REPORTS_READER, simulated.GLOBAL_READER)), "Entra roles")
    assert both.state is State.OK
    assert both.message.endswith("It does not need its role Global Reader for that.")


def test_delegated_permissions_are_named_as_such(rig: Rig) -> None:
    target = account(rig, simulated.REPORTS_READER, permissions=frozenset({"User.Read.All"}))
    result = find(check(rig, target), "usage reports")
    assert "Microsoft Graph > Delegated permissions)" in str(result.remedy)


def test_nobody_is_signed_in(rig: Rig) -> None:
    target = own_tenant(rig, sign_in=DeviceCode(rig.data_dir / "sign-in" / "b.json", "M365_AUTH"))
    result = find(check(rig, target), "sign-in")
    assert result.message == "No service account is signed in."
    assert result.remedy == f"Run m365-usage login --tenant {target.tenant_id} and enter the code."


# --- this machine -------------------------------------------------------------------------------------------


def settings_at(folder: Path) -> Settings:
    return Settings(_env_file=None, data_dir=folder)


def test_a_folder_that_cannot_be_written(rig: Rig) -> None:
    rig.data_dir.write_text("a file where the folder should be")
    report = check(rig)
    result = find(report, "data folder")
    assert result.state is State.FAILED
    assert "cannot be written" in result.message
    assert "M365_DATA_DIR" in str(result.remedy)
    assert find(report, "usage reports").message.startswith("Not asked: requests are counted in the data folder")
    assert find(report, "people").state is State.OK
    assert report.exit_code == 1


def test_a_folder_that_is_not_there_yet_is_not_made_for_the_check(tmp_path: Path) -> None:
    result = check_folder(settings_at(tmp_path / "a" / "b"))
    assert result.state is State.OK
    assert "is not there yet and can be made" in result.message
    assert list(tmp_path.iterdir()) == []


def test_names_of_people_that_others_may_read(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir(mode=0o755)
    (tmp_path / "warehouse.duckdb").touch(mode=0o600)
    (tmp_path / "published").mkdir(mode=0o755)
    result = check_folder(settings_at(tmp_path))
    assert result.state is State.WARNING
    assert result.message == f"Other accounts of this machine may read landing in {tmp_path}: people are named there."
    assert result.remedy == f"Run: chmod -R go= {tmp_path / 'landing'}"
    (tmp_path / "landing").chmod(0o700)
    assert check_folder(settings_at(tmp_path)).state is State.OK


@pytest.mark.parametrize(
    ("free", "state"), [(50 * 1024**3, State.OK), (3 * 1024**3, State.WARNING), (100 * 1024**2, State.FAILED)]
)
def test_little_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, free))
    result = check_disk(settings_at(tmp_path / "later"))
    assert result.state is state
    assert f"{free / 1024**3:.1f} GiB free" in result.message


# --- several tenants ----------------------------------------------------------------------------------------


def test_one_tenant_s_trouble_is_no_other_s(rig: Rig) -> None:
    good, bad = own_tenant(rig, name="Good"), replace(with_secret(rig, CANARY), name="Bad")
    report = check_all(rig.settings, [bad, good])
    assert [(one.name, one.to_json()["state"]) for one in report.tenants] == [("Bad", "failed"), ("Good", "ok")]
    assert report.exit_code == 1
