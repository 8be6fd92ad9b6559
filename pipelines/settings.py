"""Configuration: tenants, clouds, folders, the report window and the request budget.

Everything comes from environment variables with the prefix ``M365_`` or from a ``.env`` file in the working
directory; the environment wins. Secrets are held as ``SecretStr`` and never printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pipelines.clouds import CLOUDS, Cloud
from pipelines.window import ReportWindow

TENANT_ID = re.compile(r"^[a-z0-9][a-z0-9.-]{2,100}$")


class SettingsError(ValueError):
    """The configuration cannot be used; the message names the setting and the way to mend it."""


@dataclass(frozen=True)
class TenantSettings:
    """One tenant and the app registration that reads it."""

    tenant_id: str
    client_id: str
    client_secret: SecretStr
    cloud: Cloud
    authority_url: str
    graph_url: str


class Settings(BaseSettings):
    """All settings, with their defaults. Field ``x`` is read from ``M365_X``."""

    model_config = SettingsConfigDict(
        env_prefix="M365_", env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    cloud: str = "global"
    authority_url: str | None = None
    graph_url: str | None = None
    ca_bundle: Path | None = None
    download_hosts: Annotated[tuple[str, ...], NoDecode] = (".office.com", ".office365.com")

    data_dir: Path = Path("data")
    today: date | None = None
    window_days: int = Field(default=28, ge=1, le=28)
    lag_days: int = Field(default=2, ge=1, le=7)
    settle_days: int = Field(default=10, ge=1)

    throttle_requests: int = Field(default=14, ge=1)
    throttle_tenant_requests: int = Field(default=40, ge=1)
    throttle_window_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)

    directory_page_size: int = Field(default=999, ge=1, le=999)
    schedule_cron: str = "0 6 * * *"
    schedule_timezone: str = "UTC"
    keep_releases: int = Field(default=3, ge=1)
    lock_wait_seconds: float = Field(default=900.0, ge=0)

    @field_validator("tenant_id", "client_id", "client_secret", mode="before")
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
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("must be an https address")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("must be an https address without a user name, a query or a fragment")
        return value.rstrip("/")

    @field_validator("cloud")
    @classmethod
    def _known_cloud(cls, value: str) -> str:
        if value not in CLOUDS:
            raise ValueError(f"must be one of {', '.join(CLOUDS)}")
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
    def missing_tenant_settings(self) -> list[str]:
        """The names of the settings without which no tenant can be asked; empty when complete."""
        needed = {
            "M365_TENANT_ID": self.tenant_id,
            "M365_CLIENT_ID": self.client_id,
            "M365_CLIENT_SECRET": self.client_secret,
        }
        return [name for name, value in needed.items() if not value]

    def tenants(self) -> list[TenantSettings]:
        """The configured tenants, in order.

        Raises SettingsError when none is configured or the tenant id cannot be one.
        """
        if self.missing_tenant_settings:
            raise SettingsError(
                f"No tenant is configured: set {', '.join(self.missing_tenant_settings)} in the environment "
                "or in .env (see .env.example)."
            )
        assert self.tenant_id
        assert self.client_id
        assert self.client_secret
        tenant_id = self.tenant_id.lower()
        if not TENANT_ID.match(tenant_id):
            raise SettingsError(
                "M365_TENANT_ID must be the directory (tenant) id from the Entra admin centre's overview "
                "page, or the tenant's domain name."
            )
        cloud = CLOUDS[self.cloud]
        return [
            TenantSettings(
                tenant_id=tenant_id,
                client_id=self.client_id,
                client_secret=self.client_secret,
                cloud=cloud,
                authority_url=self.authority_url or cloud.authority_url,
                graph_url=self.graph_url or cloud.graph_url,
            )
        ]


def load_settings() -> Settings:
    """Read the settings; raises SettingsError naming each setting that is wrong."""
    try:
        settings = Settings()
    except UnicodeDecodeError:
        raise SettingsError("The configuration cannot be used: the file .env is not saved as UTF-8.") from None
    except ValidationError as error:
        problems = "; ".join(
            f"M365_{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"The configuration cannot be used: {problems}.") from None
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return settings
