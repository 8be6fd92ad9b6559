"""Configuration: tenants, clouds, folders, the report window and the request budget.

Everything comes from environment variables with the prefix ``M365_`` or from a ``.env`` file in the working
directory; the environment wins. Several tenants stand in tenants.toml. Secrets are held as ``SecretStr`` or read
where they are needed, and never printed.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platformdirs import user_config_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from pipelines.actions.settings import ACTIONS_FILES, ActionsNotAllowedError, ActionsSettings
from pipelines.admin_centre import CLIENT_ID_PAGE, SECRETS_PAGE, TENANT_ID_PAGE
from pipelines.clouds import CLOUDS
from pipelines.notify.settings import NOTIFY_FILES, NotifySettings
from pipelines.sign_in import SIGN_IN_KINDS, SettingsError, SignInSettings, sign_in_of, variable
from pipelines.tenants import (
    TenantDefaults,
    TenantSettings,
    checked_tenant_id,
    https_address,
    make_tenant,
)
from pipelines.tenants_file import read_tenants_file
from pipelines.unknown_settings import UnknownSetting, unknown_settings
from pipelines.window import ReportWindow

__all__ = ["ActionsNotAllowedError", "Settings", "SettingsError", "TenantSettings", "load_settings"]

ENV_FILE = "M365_ENV_FILE"
TENANTS_FILE = Path("tenants.toml")
# M365_TENANTS_FILE=none: a tenants.toml that lies here is not read.
NO_FILE = "none"


class Settings(NotifySettings, ActionsSettings):
    """All settings, with their defaults. Field ``x`` is read from ``M365_X``."""

    model_config = SettingsConfigDict(
        env_prefix="M365_", env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    tenant_id: str | None = None
    client_id: str | None = None
    auth: str | None = None
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    certificate_file: Path | None = None
    certificate_passphrase: SecretStr | None = None
    certificate_passphrase_file: Path | None = None
    federated_token_file: Path | None = None
    tenants_file: Path | None = None
    cloud: str = "global"
    authority_url: str | None = None
    graph_url: str | None = None
    ca_bundle: Path | None = None
    download_hosts: Annotated[tuple[str, ...], NoDecode] = (".office.com", ".office365.com")

    data_dir: Path = Path("data")
    # Thresholds, prices and the other lists of the user's own.
    rules_dir: Path = Path("rules")
    today: date | None = None
    window_days: int = Field(default=28, ge=1, le=28)
    lag_days: int = Field(default=2, ge=1, le=7)
    settle_days: int = Field(default=10, ge=1)

    # A correction that removes a larger share of a day's rows is held for review.
    max_removed_share: float = Field(default=0.2, ge=0, le=1)

    throttle_requests: int = Field(default=14, ge=1)
    throttle_tenant_requests: int = Field(default=40, ge=1)
    throttle_window_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    # Microsoft's limits are each tenant's own, so many may wait side by side.
    tenants_at_once: int = Field(default=16, ge=1, le=200)

    # From so many people on, only changes are read on most days.
    delta_users: int = Field(default=50_000, ge=1)
    directory_page_size: int = Field(default=999, ge=1, le=999)
    schedule_cron: str = "0 6 * * *"
    schedule_timezone: str = "UTC"
    keep_releases: int = Field(default=3, ge=1)
    # People in the admin build become pseudonyms, made with the key of this file.
    pseudonymize: bool = False
    pseudonym_key_file: Path = Field(default_factory=lambda: user_config_path("m365-usage") / "pseudonym.key")
    # What is older may be purged; nothing is unless m365-usage purge is run.
    retention_days: int | None = Field(default=None, ge=1)
    lock_wait_seconds: float = Field(default=900.0, ge=0)

    @field_validator(
        "tenant_id",
        "client_id",
        "client_secret",
        "certificate_passphrase",
        "auth",
        "actions_client_id",
        "actions_client_secret",
        "actions_certificate_passphrase",
        "actions_auth",
        mode="before",
    )
    @classmethod
    def _strip(cls, value: Any) -> Any:
        """White space that was copied along belongs to none of these; nothing else means not set."""
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("download_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("authority_url", "graph_url")
    @classmethod
    def _require_https(cls, value: str | None) -> str | None:
        return None if value is None else https_address(value)

    @field_validator("auth", "actions_auth")
    @classmethod
    def _known_sign_in(cls, value: str | None) -> str | None:
        if value is not None and value not in SIGN_IN_KINDS:
            raise ValueError(f"must be one of {', '.join(SIGN_IN_KINDS)}")
        return value

    @field_validator("tenants_file")
    @classmethod
    def _existing_tenants(cls, value: Path | None) -> Path | None:
        if value is not None and str(value) != NO_FILE and not value.expanduser().is_file():
            raise ValueError("names no readable file")
        return value

    @field_validator("cloud")
    @classmethod
    def _known_cloud(cls, value: str) -> str:
        if value not in CLOUDS:
            raise ValueError(f"must be one of {', '.join(CLOUDS)} (US GCC is global)")
        return value

    @field_validator("schedule_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a time zone name such as Europe/Berlin") from None
        return value

    @field_validator("ca_bundle")
    @classmethod
    def _existing_bundle(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("names no readable file")
        if value is not None and not _holds_certificate(value):
            raise ValueError("names a file without a certificate in PEM (-----BEGIN CERTIFICATE-----)")
        return value

    @property
    def today_utc(self) -> date:
        """The day taken for today: ``M365_TODAY`` if set, else the current UTC date."""
        return self.today or datetime.now(timezone.utc).date()

    @property
    def window(self) -> ReportWindow:
        """The report dates that the service is expected to serve today."""
        return ReportWindow(self.today_utc, lag_days=self.lag_days, length=self.window_days)

    @property
    def landing_dir(self) -> Path:
        """Responses as received, and the record of each request."""
        return self.data_dir / "landing"

    @property
    def warehouse_path(self) -> Path:
        """The working database; only one process at a time may open it."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own state: runs, events, schedules."""
        return self.data_dir / "dagster"

    @property
    def actions_dir(self) -> Path:
        """Plans, the log of what was done, and locks."""
        return self.data_dir / "actions"

    @property
    def sign_in(self) -> SignInSettings:
        """How the tenant of the environment is signed in to, as far as it is set."""
        return sign_in_of(self)

    @property
    def missing_tenant_settings(self) -> list[str]:
        """The names of the settings without which no tenant can be asked; empty when complete.

        Raises SettingsError when more than one way to sign in is set.
        """
        sign_in = self.sign_in
        missing = [] if self.tenant_id else [variable("tenant_id")]
        if not self.client_id and sign_in.kind() != "managed_identity":
            missing.append(variable("client_id"))
        secret = sign_in.missing()
        return missing + ([variable(secret)] if secret else [])

    @property
    def unknown(self) -> list[UnknownSetting]:
        """What is set although it is no setting, misspelt for example."""
        return unknown_settings(Settings, env_file())

    @property
    def tenant_defaults(self) -> TenantDefaults:
        """What holds for a tenant of tenants.toml that does not say otherwise."""
        return TenantDefaults(self.data_dir, self.cloud, self.authority_url, self.graph_url, env_file())

    def tenants(self) -> list[TenantSettings]:
        """The configured tenants, in order: those of tenants.toml, else the one of the environment.

        Raises SettingsError when none is configured or the configuration cannot be used. A secret that is
        missing is found out at sign-in, so that it stops no other tenant.
        """
        if self.tenants_file is not None and str(self.tenants_file) != NO_FILE:
            if self.tenant_id:
                raise SettingsError(
                    f"Tenants are named twice: by M365_TENANT_ID and by {self.tenants_file}. Remove one of them, or "
                    f"set M365_TENANTS_FILE={NO_FILE} to leave the file unread."
                )
            return read_tenants_file(self.tenants_file, self.tenant_defaults)
        if self.missing_tenant_settings:
            raise SettingsError(self._incomplete(self.missing_tenant_settings))
        assert self.tenant_id
        tenant_id = checked_tenant_id(self.tenant_id, variable("tenant_id"))
        return [
            make_tenant(
                tenant_id, self.client_id, self.sign_in, self.tenant_defaults, actions=self.actions_app(self.client_id)
            )
        ]

    def _incomplete(self, missing: list[str]) -> str:
        """What is still to be set, where it is found, and which file was looked into."""
        is_begun = any((self.tenant_id, self.client_id, self.auth, self.client_secret))
        wanted = ", ".join(f"{name} ({_FOUND[name]})" if name in _FOUND else name for name in missing)
        file = env_file()
        place = f"in {file}" if file.is_file() else f"in {file}, which is not there yet"
        problem = "The tenant is only partly configured" if is_begun else "No tenant is configured"
        ignored = ", ".join(map(str, self.unknown))
        return f"{problem}: set {wanted} {place} (copy .env.example), or in the environment." + (
            f" Ignored, as there is no such setting: {ignored}." if ignored else ""
        )

    def chosen_tenants(self, only: str | None = None) -> list[TenantSettings]:
        """The configured tenants, or the one of this id or name; raises SettingsError when there is none."""
        tenants = self.tenants()
        chosen = [tenant for tenant in tenants if only is None or tenant.is_called(only)]
        if not chosen:
            known = ", ".join(tenant.label for tenant in tenants)
            raise SettingsError(f"There is no tenant {only} in the configuration; there are: {known}.")
        return chosen

    def for_child_process(self) -> dict[str, str]:
        """Environment variables with which a process in another folder finds the same files."""
        found = {ENV_FILE: str(env_file())}
        for name in _PATHS:
            value = getattr(self, name)
            if value is not None:
                found[variable(name)] = str(value)
        return found


# Where an administrator finds the value of a setting.
_FOUND = {
    variable("tenant_id"): TENANT_ID_PAGE,
    variable("client_id"): CLIENT_ID_PAGE,
    variable("client_secret"): f"{SECRETS_PAGE}: the Value",
}
_PATHS = (
    "data_dir",
    "rules_dir",
    "ca_bundle",
    "tenants_file",
    "client_secret_file",
    "certificate_file",
    "certificate_passphrase_file",
    "federated_token_file",
    "pseudonym_key_file",
    *NOTIFY_FILES,
    *ACTIONS_FILES,
)


def _holds_certificate(file: Path) -> bool:
    try:
        return b"CERTIFICATE-----" in file.read_bytes()
    except OSError:
        return False


def env_file() -> Path:
    """The .env file: M365_ENV_FILE, else .env in the working directory. It need not be there."""
    return Path(os.environ.get(ENV_FILE) or ".env").expanduser().absolute()


def load_settings() -> Settings:
    """Read the settings; raises SettingsError naming each setting that is wrong."""
    try:
        settings = Settings(_env_file=env_file())  # type: ignore[call-arg]
    except UnicodeDecodeError:
        raise SettingsError("The configuration cannot be used: the file .env is not saved as UTF-8.") from None
    except ValidationError as error:
        problems = "; ".join(
            f"M365_{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"The configuration cannot be used: {problems}.") from None
    if settings.tenants_file is None and TENANTS_FILE.is_file():
        settings.tenants_file = TENANTS_FILE
    for name in _PATHS:
        value = getattr(settings, name)
        if value is not None and str(value) != NO_FILE:
            setattr(settings, name, value.expanduser().absolute())
    if settings.pseudonymize and settings.pseudonym_key_file.resolve().is_relative_to(settings.data_dir.resolve()):
        raise SettingsError(
            f"M365_PSEUDONYM_KEY_FILE is {settings.pseudonym_key_file}, inside the data folder, where whoever gets the "
            "figures gets the key, too. Name a file elsewhere."
        )
    return settings
