"""Whether actions may be taken, by which app, and how many at once: off unless asked for."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from pipelines.sign_in import SettingsError

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
