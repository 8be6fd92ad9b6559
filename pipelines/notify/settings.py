"""Where messages go: nothing is set by default, and nothing is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from pipelines.sign_in import Secret, SettingsError

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "never"]
_ADDRESS = re.compile(r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+$")

# Settings that name files: made absolute like the others.
NOTIFY_FILES = ("notify_teams_url_file", "notify_slack_url_file", "notify_smtp_password_file")


class NotifySettings(BaseSettings):
    """The fields of Settings that concern messages."""

    # False: nothing is sent, whatever else is set.
    notify: bool = True
    notify_teams_url: SecretStr | None = None
    notify_teams_url_file: Path | None = None
    notify_slack_url: SecretStr | None = None
    notify_slack_url_file: Path | None = None
    notify_email_to: Annotated[tuple[str, ...], NoDecode] = ()
    notify_email_from: str | None = None
    notify_smtp_host: str | None = None
    notify_smtp_port: int = Field(default=587, ge=1, le=65535)
    notify_smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    notify_smtp_user: str | None = None
    notify_smtp_password: SecretStr | None = None
    notify_smtp_password_file: Path | None = None
    # Where readers find the page: an address for people, put into every message.
    notify_page_url: str | None = None
    notify_digest_day: Day = "monday"

    @field_validator("notify_email_to", mode="before")
    @classmethod
    def _split_addresses(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.replace(";", ",").split(",") if part.strip())
        if any(not _ADDRESS.match(address) for address in value):
            raise ValueError("must be e-mail addresses, separated by commas")
        return value

    @field_validator("notify_email_from")
    @classmethod
    def _one_address(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.match(value):
            raise ValueError("must be one e-mail address")
        return value

    @field_validator("notify_page_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must be an address that starts with https:// or http://")
        return value

    @property
    def notify_is_on(self) -> bool:
        """Whether there is anybody to tell."""
        named = (self.notify_teams_url, self.notify_teams_url_file, self.notify_slack_url, self.notify_slack_url_file)
        return self.notify and (any(value is not None for value in named) or bool(self.notify_email_to))

    def notify_secret(self, name: str) -> Secret | None:
        """An address or password, or the file that it is in; None when neither is set. Raises SettingsError for both.

        name: notify_teams_url, notify_slack_url or notify_smtp_password.
        """
        value, file = getattr(self, name), getattr(self, f"{name}_file")
        variable = f"M365_{name.upper()}"
        if value is not None and file is not None:
            raise SettingsError(f"{variable} and {variable}_FILE are both set: keep one.")
        if value is not None and value.get_secret_value().strip():
            return Secret(variable, value=SecretStr(value.get_secret_value().strip()))
        return Secret(f"{variable}_FILE", file=file) if file else None
