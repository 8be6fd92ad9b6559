"""What the sign-in service's refusals mean, and how each is mended."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.admin_centre import (
    ACCOUNT_SIGN_INS_PAGE,
    APP_SIGN_INS_PAGE,
    AUTHENTICATION_PAGE,
    CERTIFICATES_PAGE,
    CLIENT_ID_PAGE,
    ENTERPRISE_PAGE,
    FEDERATED_PAGE,
    PERMISSIONS_PAGE,
    POLICIES_PAGE,
    SECRETS_PAGE,
    TENANT_ID_PAGE,
)
from pipelines.clouds import CLOUDS
from pipelines.graph.credentials import CertificateFacts, certificate_facts
from pipelines.sign_in import Certificate, ClientSecret, DeviceCode, Federated, ManagedIdentity, SettingsError
from pipelines.tenants import TenantSettings

# What the page of secrets shows as "Secret ID"; a secret's value never looks like this.
_SECRET_ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


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
        f"The client secret is wrong{', it looks like the Secret ID' if _is_secret_id(tenant) else ''}",
        f"make a new one ({SECRETS_PAGE}) and copy its Value, which is shown once and is not the Secret ID, into "
        f"{_setting(tenant)}.",
    )


def _is_secret_id(tenant: TenantSettings) -> bool:
    """Whether the id of the secret was copied in the place of its value, as happens."""
    if not isinstance(tenant.sign_in, ClientSecret):
        return False
    try:
        return bool(_SECRET_ID.match(tenant.sign_in.secret.read()))
    except SettingsError:
        return False


def _expired_secret(tenant: TenantSettings) -> Advice:
    return Advice(
        "The client secret has expired",
        f"make a new one ({SECRETS_PAGE}) and copy its Value into {_setting(tenant)}.",
    )


def _unknown_app(tenant: TenantSettings) -> Advice:
    return Advice(
        "The app is not in this tenant",
        f"compare {tenant.setting('client_id')} with {CLIENT_ID_PAGE}, and {tenant.setting('tenant_id')} with "
        f"{TENANT_ID_PAGE}. If the app is registered elsewhere, an administrator of this tenant must consent to "
        "it first.",
    )


def unknown_tenant(tenant: TenantSettings) -> Advice:
    """The sign-in service knows no such tenant."""
    return Advice(
        "There is no such tenant",
        f"compare {tenant.setting('tenant_id')} with {TENANT_ID_PAGE}; it is not the app's client id. For a "
        f"tenant of another cloud than {tenant.cloud.name} set {tenant.setting('cloud')}.",
    )


def _other_cloud(tenant: TenantSettings) -> Advice:
    others = [name for name in CLOUDS if name != tenant.cloud.name]
    return Advice(
        "The tenant is in another Microsoft cloud",
        f"set {tenant.setting('cloud')} to the right one: {', '.join(others[:-1])} or {others[-1]}.",
    )


def _bad_assertion(tenant: TenantSettings) -> Advice:
    if not isinstance(tenant.sign_in, Certificate):
        return Advice(
            "The platform's token was not accepted",
            f"compare issuer, subject and audience of the federated credential ({FEDERATED_PAGE}) with the token "
            f"that {_setting(tenant)} names.",
        )
    facts = certificate_facts(tenant.sign_in)
    if facts and facts.is_over:
        return Advice(
            f"The certificate has expired (thumbprint {facts.thumbprint}, valid until {facts.valid_until})",
            f"make a new one, upload its public part ({CERTIFICATES_PAGE}), and let {_setting(tenant)} name the "
            "file with the new key and certificate.",
        )
    return Advice(
        f"The certificate was not accepted{_of(facts)}",
        f"look for this thumbprint on {CERTIFICATES_PAGE}; where it is not listed, upload the public part of the "
        f"file that {_setting(tenant)} names.",
    )


def _of(facts: CertificateFacts | None) -> str:
    return f" (thumbprint {facts.thumbprint}, valid until {facts.valid_until})" if facts else ""


def _assertion_out_of_time(tenant: TenantSettings) -> Advice:
    if isinstance(tenant.sign_in, Federated):
        return Advice(
            "The platform's token has expired, or this machine's clock is wrong",
            f"check that the platform renews the file that {_setting(tenant)} names, and the clock.",
        )
    return Advice("This machine's clock is wrong", "set the clock (NTP): a certificate sign-in is valid for minutes.")


_NO_FEDERATION = Advice(
    "The app trusts no token like the platform's",
    f"add or mend the federated credential ({FEDERATED_PAGE}): issuer, subject and audience must equal those of "
    "the token.",
)
_NO_PUBLIC_CLIENT = Advice(
    "The app does not allow a device code",
    f"set 'Allow public client flows' to Yes ({AUTHENTICATION_PAGE}).",
)
_DISABLED_APP = Advice(
    "The app is disabled in this tenant",
    f"enable it ({ENTERPRISE_PAGE} > Properties > 'Enabled for users to sign-in?': Yes).",
)
_NO_CONSENT = Advice(
    "Nobody has consented to the app's permissions",
    f"a Privileged Role Administrator or Global Administrator presses 'Grant admin consent' ({PERMISSIONS_PAGE}).",
)
_NOT_ASSIGNED = Advice(
    "The sign-in is for assigned accounts and apps only, and this one is not assigned",
    f"assign it ({ENTERPRISE_PAGE} > Users and groups), or set 'Assignment required?' to No there (> Properties).",
)


def _conditional_access(tenant: TenantSettings) -> Advice:
    if tenant.sign_in.is_delegated:
        return Advice(
            "A Conditional Access policy blocks the sign-in",
            f"{ACCOUNT_SIGN_INS_PAGE} names the policy. Exclude the service account from it, or sign in from where "
            f"it allows ({POLICIES_PAGE}); one that blocks the device code flow does so under Conditions > "
            "Authentication flows.",
        )
    return Advice(
        "A Conditional Access policy blocks the sign-in",
        f"{APP_SIGN_INS_PAGE} names the policy. Exclude the app from it, or let in the network of this machine "
        f"({POLICIES_PAGE}; it is one for workload identities).",
    )


def _security_defaults(tenant: TenantSettings) -> Advice:
    return Advice(
        "Security defaults of the tenant block the sign-in",
        f"they allow no device code: sign in as the app itself instead, by a client secret or a certificate "
        f"({tenant.setting('auth')}, docs/setup.md).",
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
    # A certificate outside its time, or revoked.
    **dict.fromkeys((1000502, 7000214, 7000274, 7000277), _bad_assertion),
    700024: _assertion_out_of_time,
    70021: _NO_FEDERATION,
    700211: _NO_FEDERATION,
    700212: _NO_FEDERATION,
    700213: _NO_FEDERATION,
    7000218: _NO_PUBLIC_CLIENT,
    7000112: _DISABLED_APP,
    65001: _NO_CONSENT,
    **dict.fromkeys((53000, 53001, 53002, 53003, 530003, 530031, 530032), _conditional_access),
    530035: _security_defaults,
    50105: _NOT_ASSIGNED,
    501051: _NOT_ASSIGNED,
    500011: _wrong_resource,
    **dict.fromkeys(
        (50020, 50034),
        _sign_in_again("The account is not one of this tenant", first="take a service account of this tenant and "),
    ),
    50053: _sign_in_again(
        "The service account is locked after too many wrong passwords", first="wait until it is unlocked, then "
    ),
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
