"""The sign-in service's numbers in words: each says what is wrong and which setting or page mends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.graph.advice import advice_for, login_command, unknown_tenant
from pipelines.graph.sign_in_errors import SignInErrors
from pipelines.settings import Settings, TenantSettings


def tenant(**sign_in: Any) -> TenantSettings:
    values = {"tenant_id": "contoso.example", "client_id": "app", **(sign_in or {"client_secret": "s"})}
    return Settings(_env_file=None, **values).tenants()[0]


SECRET = tenant()
CERTIFICATE = tenant(certificate_file=Path("app.pem"))
FEDERATED = tenant(federated_token_file=Path("token"))
MACHINE = tenant(auth="managed_identity")
ACCOUNT = tenant(auth="device_code")


@pytest.mark.parametrize(
    ("who", "number", "problem", "mended_in"),
    [
        (SECRET, 7000215, "The client secret is wrong", "M365_CLIENT_SECRET"),
        (SECRET, 7000222, "The client secret has expired", "M365_CLIENT_SECRET"),
        (SECRET, 700016, "The app is not in this tenant", "M365_CLIENT_ID"),
        (SECRET, 90002, "There is no such tenant", "M365_TENANT_ID"),
        (SECRET, 900023, "There is no such tenant", "M365_TENANT_ID"),
        (SECRET, 90038, "The tenant is in another Microsoft cloud", "M365_CLOUD"),
        (SECRET, 7000112, "The app is disabled in this tenant", "Enterprise applications"),
        (SECRET, 65001, "Nobody has consented to the app's permissions", "Grant admin consent"),
        (SECRET, 53003, "A Conditional Access policy blocks the sign-in", "Conditional Access"),
        (
            SECRET,
            53003,
            "A Conditional Access policy blocks the sign-in",
            "> Service principal sign-ins names the policy",
        ),
        (SECRET, 53000, "A Conditional Access policy blocks the sign-in", "Conditional Access > Policies"),
        (ACCOUNT, 53003, "A Conditional Access policy blocks the sign-in", "Exclude the service account"),
        (ACCOUNT, 530035, "Security defaults of the tenant block the sign-in", "M365_AUTH"),
        (ACCOUNT, 50034, "The account is not one of this tenant", "m365-usage login"),
        (ACCOUNT, 50053, "The service account is locked", "m365-usage login"),
        (ACCOUNT, 50105, "The sign-in is for assigned accounts and apps only", "Enterprise applications > your app"),
        (CERTIFICATE, 1000502, "The certificate was not accepted", "Certificates & secrets > Certificates"),
        (SECRET, 500011, "The tenant does not know https://graph.microsoft.com", "M365_GRAPH_URL"),
        (CERTIFICATE, 700027, "The certificate was not accepted", "Certificates & secrets > Certificates"),
        (CERTIFICATE, 700030, "The certificate was not accepted", "M365_CERTIFICATE_FILE"),
        (CERTIFICATE, 700024, "This machine's clock is wrong", "NTP"),
        (FEDERATED, 700027, "The platform's token was not accepted", "Federated credentials"),
        (FEDERATED, 700024, "The platform's token has expired, or this machine's clock is wrong", "M365_FEDERATED"),
        (FEDERATED, 70021, "The app trusts no token like the platform's", "Federated credentials"),
        (FEDERATED, 700213, "The app trusts no token like the platform's", "subject"),
        (ACCOUNT, 7000218, "The app does not allow a device code", "Allow public client flows"),
        (ACCOUNT, 50173, "The sign-in of the service account is no longer valid", "m365-usage login"),
        (ACCOUNT, 700082, "The sign-in of the service account is no longer valid", "m365-usage login"),
        (ACCOUNT, 50076, "The sign-in of the service account is no longer valid", "m365-usage login"),
        (ACCOUNT, 50057, "The service account is disabled", "m365-usage login"),
    ],
)
def test_a_number_in_words(who: TenantSettings, number: int, problem: str, mended_in: str) -> None:
    advice = advice_for(who, [number])
    assert advice is not None
    assert advice.problem.startswith(problem)
    assert mended_in in advice.remedy
    assert advice.remedy.endswith(".")
    error = SignInErrors(who).refusal({"error": "e", "error_codes": [number], "correlation_id": "c"})
    assert (error.problem, error.remedy, error.request_id) == (advice.problem, advice.remedy, "c")
    assert error.code == f"AADSTS{number}"


def test_what_is_not_known_is_quoted() -> None:
    assert advice_for(SECRET, [1]) is None
    assert advice_for(SECRET, [7000218]) is None, "only a device code can lack it by the app's settings"
    error = SignInErrors(SECRET).refusal({"error": "e", "error_codes": [1], "error_description": "AADSTS1: Words."})
    assert error.problem == "The sign-in service refused: AADSTS1: Words."
    assert error.message == f"{error.problem} {error.remedy}"
    assert "Look the number up at https://login.microsoftonline.com/error?code=1; " in str(error.remedy)
    assert "Service principal sign-ins" in str(error.remedy)
    account = SignInErrors(ACCOUNT).refusal({"error": "e", "error_codes": [1]})
    assert "Service principal" not in str(account.remedy)


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required"])
def test_an_account_signs_in_again_whatever_the_number(error: str) -> None:
    advice = advice_for(ACCOUNT, [12345], error)
    assert advice is not None
    assert login_command(ACCOUNT) in advice.remedy
    assert advice_for(SECRET, [12345], error) is None


def test_settings_are_called_as_where_they_stand() -> None:
    there = replace(SECRET, place="Contoso in tenants.toml")
    assert "tenant_id of Contoso in tenants.toml" in unknown_tenant(there).remedy
    assert "M365_" not in unknown_tenant(there).remedy
    assert MACHINE.setting("client_id") == "M365_CLIENT_ID"


def test_the_service_s_own_words_name_nobody() -> None:
    words = "AADSTS50999: The user account svc@contoso.example is odd, see https://login.example/?code=CANARY\r\nTrace"
    message = SignInErrors(ACCOUNT).refusal({"error": "e", "error_codes": [1], "error_description": words}).message
    assert message.startswith(
        "The sign-in service refused: AADSTS50999: The user account (name) is odd, see (address). "
    )
    assert "contoso" not in message
