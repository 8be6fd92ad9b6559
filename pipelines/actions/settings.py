"""Whether actions may be taken, by which app, and how many at once: off unless asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from pipelines.sign_in import SettingsError, sign_in_of
from pipelines.tenants import ActionsApp, TenantSettings, make_actions_app

# Settings that name files: made absolute like the others.
ACTIONS_FILES = (
    "actions_client_secret_file",
    "actions_certificate_file",
    "actions_certificate_passphrase_file",
    "actions_federated_token_file",
)
# What belongs to the app for actions of the tenant of the environment.
APP_FIELDS = (
    "actions_client_id",
    "actions_auth",
    "actions_client_secret",
    "actions_certificate_passphrase",
    *ACTIONS_FILES,
)


class ActionsNotAllowedError(SettingsError):
    """Something was to be changed in a tenant, and the settings do not allow it."""


class ActionsSettings(BaseSettings):
    """The fields of Settings that concern actions."""

    # Nothing is ever changed in a tenant without it.
    allow_actions: bool = False
    actions_client_id: str | None = None
    actions_auth: str | None = None
    actions_client_secret: SecretStr | None = None
    actions_client_secret_file: Path | None = None
    actions_certificate_file: Path | None = None
    actions_certificate_passphrase: SecretStr | None = None
    actions_certificate_passphrase_file: Path | None = None
    actions_federated_token_file: Path | None = None

    # More changes than this are not made by one apply.
    actions_max_changes: int = Field(default=25, ge=1)
    # An older plan is not applied: what it rests on may no longer be so.
    actions_plan_days: int = Field(default=7, ge=1)

    def actions_app(self, reading_client_id: str | None) -> ActionsApp | None:
        """The app for actions of the tenant of the environment; None where none is described.

        Raises SettingsError where it is incomplete, or the one that reads.
        """
        if all(getattr(self, name) is None for name in APP_FIELDS):
            return None
        sign_in = sign_in_of(self, "actions_")
        missing = sign_in.missing()
        if not self.actions_client_id and sign_in.kind() != "managed_identity":
            missing = "client_id"
        if missing:
            raise SettingsError(f"{sign_in.call(missing)} is missing: actions need an app of their own.")
        return make_actions_app(self.actions_client_id, sign_in, reading_client_id, sign_in.call)

    def actions_tenant(self, tenant: TenantSettings) -> TenantSettings:
        """The tenant as the app for actions sees it; raises ActionsNotAllowedError unless that was asked for."""
        if not self.allow_actions:
            raise ActionsNotAllowedError(
                f"Actions are off, so nothing may be changed in tenant {tenant.label}: set M365_ALLOW_ACTIONS=1 and an "
                "app of their own (docs/actions.md)."
            )
        if tenant.actions is None:
            where = f"a table [tenant.actions] for {tenant.place}" if tenant.place else "M365_ACTIONS_CLIENT_ID"
            raise ActionsNotAllowedError(
                f"Tenant {tenant.label} has no app for actions: set {where} and the way it signs in (docs/actions.md). "
                "The app that reads is never used to write."
            )
        app = tenant.actions
        return replace(tenant, client_id=app.client_id, sign_in=app.sign_in, is_for_actions=True)
