"""What the sign-in service's refusals mean, and how each is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.sign_in import DeviceCode, Federated, ManagedIdentity
from pipelines.tenants import TenantSettings

_SECRETS_PAGE = "Entra admin centre > App registrations > your app > Certificates & secrets"
_CREDENTIALS_PAGE = f"{_SECRETS_PAGE} > Federated credentials"


@dataclass(frozen=True)
class Advice:
    """A refusal in words, and what to do about it."""

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


def login_command(tenant: TenantSettings) -> str:
    """The command with which a service account signs in."""
    return f"m365-usage login --tenant {tenant.tenant_id}"


def _setting(tenant: TenantSettings) -> str:
    return tenant.sign_in.setting


def _sign_in_again(problem: str, first: str = "") -> Callable[[TenantSettings], Advice]:
    return lambda tenant: Advice(problem, f"{first}run {login_command(tenant)}.")


def _wrong_secret(tenant: TenantSettings) -> Advice:
    return Advice(
        "The client secret is wrong",
        f"copy its value (not its id) again from the app registration's 'Certificates & secrets' page into "
        f"{_setting(tenant)}.",
    )


def _expired_secret(tenant: TenantSettings) -> Advice:
    return Advice(
        "The client secret has expired",
        f"create a new one on the app registration's 'Certificates & secrets' page and set {_setting(tenant)}.",
    )


def _unknown_app(tenant: TenantSettings) -> Advice:
    return Advice(
        "The app is not in this tenant",
        f"check {tenant.setting('client_id')} (application id) and {tenant.setting('tenant_id')}, and that an "
        "administrator has granted consent.",
    )


def unknown_tenant(tenant: TenantSettings) -> Advice:
    """The sign-in service knows no such tenant."""
    return Advice(
        "There is no such tenant",
        f"check {tenant.setting('tenant_id')} (directory id on the Entra overview page) and the cloud.",
    )


def _other_cloud(tenant: TenantSettings) -> Advice:
    return Advice("The tenant is in another Microsoft cloud", f"set {tenant.setting('cloud')} to another cloud.")


def _bad_assertion(tenant: TenantSettings) -> Advice:
    if isinstance(tenant.sign_in, Federated):
        return Advice(
            "The platform's token was not accepted",
            f"compare issuer, subject and audience of the federated credential ({_CREDENTIALS_PAGE}) with the token "
            f"that {_setting(tenant)} names.",
        )
    return Advice(
        "The certificate was not accepted",
        f"upload its public part to {_SECRETS_PAGE} > Certificates, check that it has not expired, and that "
        f"{_setting(tenant)} names the file with its private key.",
    )


def _assertion_out_of_time(tenant: TenantSettings) -> Advice:
    if isinstance(tenant.sign_in, Federated):
        return Advice(
            "The platform's token has expired, or this machine's clock is wrong",
            f"check that the platform renews the file that {_setting(tenant)} names, and the clock.",
        )
    return Advice("This machine's clock is wrong", "set the clock (NTP): a certificate sign-in is valid for minutes.")


_NO_FEDERATION = Advice(
    "The app trusts no token like the platform's",
    f"add or mend the federated credential ({_CREDENTIALS_PAGE}): issuer, subject and audience must equal those of "
    "the token.",
)
_NO_PUBLIC_CLIENT = Advice(
    "The app does not allow a device code",
    "set 'Allow public client flows' to Yes (Entra admin centre > App registrations > your app > Authentication).",
)
_DISABLED_APP = Advice(
    "The app is disabled in this tenant",
    "enable it (Entra admin centre > Enterprise applications > your app > Properties > Enabled for users to sign in).",
)
_NO_CONSENT = Advice(
    "Nobody has consented to the app's permissions",
    "an administrator presses 'Grant admin consent' (Entra admin centre > App registrations > your app > API "
    "permissions).",
)
_CONDITIONAL_ACCESS = Advice(
    "A Conditional Access policy blocks the sign-in",
    "exclude the app or account, or this machine's network (Entra admin centre > Protection > Conditional Access).",
)


def _wrong_resource(tenant: TenantSettings) -> Advice:
    return Advice(
        f"The tenant does not know {tenant.graph_url}",
        f"check {tenant.setting('cloud')} and {tenant.setting('graph_url')}: Graph's address must be that of the "
        "tenant's cloud.",
    )


_EXPIRED_SIGN_IN = "The sign-in of the service account is no longer valid"

# The sign-in service's own numbers (AADSTS…), as the Entra documentation lists them.
_BY_NUMBER: dict[int, Advice | Callable[[TenantSettings], Advice]] = {
    7000215: _wrong_secret,
    7000222: _expired_secret,
    700016: _unknown_app,
    90002: unknown_tenant,
    900023: unknown_tenant,
    90038: _other_cloud,
    900432: _other_cloud,
    700027: _bad_assertion,
    700030: _bad_assertion,
    50012: _bad_assertion,
    700024: _assertion_out_of_time,
    70021: _NO_FEDERATION,
    700211: _NO_FEDERATION,
    700212: _NO_FEDERATION,
    700213: _NO_FEDERATION,
    7000218: _NO_PUBLIC_CLIENT,
    7000112: _DISABLED_APP,
    65001: _NO_CONSENT,
    53003: _CONDITIONAL_ACCESS,
    500011: _wrong_resource,
    50057: _sign_in_again("The service account is disabled", first="enable it or take another, then "),
    **dict.fromkeys(
        (50055, 50076, 50078, 50079, 50089, 50132, 50133, 50173, 70000, 70008, 70043, 700082),
        _sign_in_again(_EXPIRED_SIGN_IN),
    ),
}

# OAuth errors that say more than the numbers that come with them (RFC 8628).
_BY_ERROR: dict[str, Callable[[TenantSettings], Advice]] = {
    "expired_token": _sign_in_again("The code was not used in time"),
    "authorization_declined": _sign_in_again("The sign-in was declined"),
    "access_denied": _sign_in_again("The sign-in was declined"),
}


def advice_for(tenant: TenantSettings, numbers: list[int], error: str = "") -> Advice | None:
    """What to say about a refusal with these AADSTS numbers; None for one that is not known here.

    error: the OAuth error, which decides where no number is known.
    """
    if error in _BY_ERROR:
        return _BY_ERROR[error](tenant)
    for number in numbers:
        if number == 7000218 and not isinstance(tenant.sign_in, DeviceCode):
            continue
        found = _BY_NUMBER.get(number)
        if found is not None:
            return found if isinstance(found, Advice) else found(tenant)
    if isinstance(tenant.sign_in, DeviceCode) and error in ("invalid_grant", "interaction_required"):
        return _sign_in_again(_EXPIRED_SIGN_IN)(tenant)
    if isinstance(tenant.sign_in, ManagedIdentity):
        return Advice(
            "The managed identity was refused",
            "check that one is assigned to this machine (Azure portal > the machine > Identity) and, for a "
            f"user-assigned one, {tenant.setting('client_id')}.",
        )
    return None
